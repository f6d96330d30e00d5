/** D3: a process that works on a store is killed at any moment; the next one finds all that was acknowledged. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { seed } from '../seed.js'
import { type Build, build } from './built.js'
import { StoreChild } from './child.js'
import { Ledger, type Note } from './ledger.js'
import { Random } from './random.js'
import { contentsOf } from './scene.js'

const { NOMSY_TORTURE } = process.env
const KILLS = NOMSY_TORTURE === '1' ? 2000 : 60
const MAX_DELAY_MS = 60

/** After so many kills the whole log is checked, besides at the end. */
const KILLS_PER_CHECK = 20

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-kill-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

test('a store outlives kill -9 at any moment, again and again', async () => {
  const random = new Random(seed)
  const path = join(directory, 'store')
  const ledger = new Ledger()
  const problems: string[] = []
  let acknowledgedCount = 0
  let openCount = 0
  // Processes take longer to start than they live: the next ones wait already.
  const waiting = [new StoreChild(built.path, path), new StoreChild(built.path, path)]
  for (let kill = 1; kill <= KILLS; kill++) {
    const child = waiting.shift()!
    waiting.push(new StoreChild(built.path, path))
    await child.go()
    // Half of them while they open the store, half while they work on it.
    if (kill % 2 === 0) await child.says('open')
    await sleep(random.below(MAX_DELAY_MS + 1))
    const { lines, code } = await child.kill()
    if (code !== null) problems.push(`kill ${kill}: the process had ended by itself with ${code}`)
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
  console.log(
    `kills: ${KILLS} of kill -9 after 0 to ${MAX_DELAY_MS} ms, ${openCount} while it was writing, ` +
      `${acknowledgedCount} calls acknowledged, ${problems.length} violations, 0 stores to repair (seed ${seed})`,
  )
  expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
  expect(openCount).toBeGreaterThan(KILLS / 4)
  expect(acknowledgedCount).toBeGreaterThan(KILLS / 4)
})
