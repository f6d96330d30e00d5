/** A store that processes work on which are killed at any moment, one after the other, and what is found after each. */

import { setTimeout as sleep } from 'node:timers/promises'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import type { StoreChild } from './child.js'
import { Ledger, type Note } from './ledger.js'
import type { Random } from './random.js'
import { contentsOf } from './scene.js'

/** Until a process is killed at most. */
export const MAX_DELAY_MS = 60

/** After so many kills the whole log is checked, besides at the end. */
const KILLS_PER_CHECK = 20

export interface KillOptions {
  /** Of the store. */
  readonly path: string
  readonly count: number
  readonly random: Random
  /** Starts a process that will work on the store. */
  readonly start: () => StoreChild
  /** Called before each kill, which has the number `kill`, from 1 on, while the process goes on. */
  readonly onKill?: (kill: number) => Promise<void>
}

export interface Killed {
  readonly problems: readonly string[]
  /** Calls that were acknowledged, and processes that had the store open when they were killed. */
  readonly acknowledgedCount: number
  readonly openCount: number
}

export async function killOften({ path, count, random, start, onKill }: KillOptions): Promise<Killed> {
  const ledger = new Ledger()
  const problems: string[] = []
  let acknowledgedCount = 0
  let openCount = 0
  // Processes take longer to start than they live: the next ones wait already.
  const waiting = [start(), start()]
  for (let kill = 1; kill <= count; kill++) {
    const child = waiting.shift()!
    waiting.push(start())
    await child.go()
    // Half of them while they open the store, half while they work on it.
    if (kill % 2 === 0) await child.says('open')
    await onKill?.(kill)
    await sleep(random.below(MAX_DELAY_MS + 1))
    const { lines, code, errors } = await child.kill()
    if (code !== null) problems.push(`kill ${kill}: the process had ended by itself with ${code}: ${errors}`)
    const notes = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Note)
    for (const note of notes) ledger.take(note)
    acknowledgedCount += notes.filter(({ kind }) => kind === 'acknowledged').length
    if (notes.length > 0) openCount++
    const store = await SegmentStore.open(path)
    const seen = await contentsOf(store)
    problems.push(...ledger.problems(seen).map((problem) => `kill ${kill}: ${problem}`))
    ledger.take({ kind: 'opened', seen })
    if (kill % KILLS_PER_CHECK === 0)
      for await (const { message } of store.check()) problems.push(`kill ${kill}: ${message}`)
    await store.close()
  }
  for (const child of waiting) await child.kill()
  return { problems, acknowledgedCount, openCount }
}
