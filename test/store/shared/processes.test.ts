/** C1: processes that share a store lose no update of a head and nothing that was acknowledged, whoever ends when. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Build, build } from '../../crash/built.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'
import { countedIds, ownerOf, SharedChild } from './processes.js'

const { NOMSY_TORTURE } = process.env
const ENDS = NOMSY_TORTURE === '1' ? 1000 : 30

/** Steps of a process that counts until it is stopped. */
const ENDLESS = 1_000_000

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-processes-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

test('12,800 increments by 64 clients in 4 processes are all there', async () => {
  const path = join(directory, 'count')
  const work = { clients: 16, steps: 200, counters: 64 }
  const children = ['a', 'b', 'c', 'd'].map((name) => new SharedChild(built.path, path, name, work))
  await Promise.all(children.map((child) => child.says('ready')))
  const start = performance.now()
  for (const child of children) child.go()
  await Promise.all(children.map((child) => child.says('done')))
  const seconds = (performance.now() - start) / 1000
  for (const child of children) child.go()
  await Promise.all(children.map((child) => child.says('closed')))
  const acknowledged = children.flatMap((child) => child.acknowledged)
  const tries = children.reduce((sum, child) => sum + child.tried.size, 0)
  console.log(
    `increments: ${acknowledged.length} in ${seconds.toFixed(1)} s, ${tries - acknowledged.length} conflicts`,
  )
  expect(acknowledged.length).toBe(12_800)
  expect(await countedIds(path)).toEqual(new Set(acknowledged))
})

test('nothing acknowledged is lost, whichever process ends or is killed, and the others go on', async () => {
  const random = new Random(seed)
  const path = join(directory, 'ends')
  const all: SharedChild[] = []
  const start = (steps: number): SharedChild => {
    const child = new SharedChild(built.path, path, `p${all.length}`, { clients: 4, steps, counters: 6 })
    all.push(child)
    return child
  }
  // Processes take longer to start than some live: the next ones wait already.
  const spares = { writer: [start(ENDLESS), start(ENDLESS), start(ENDLESS)], reader: [start(0)] }
  const next = async (kind: keyof typeof spares): Promise<SharedChild> => {
    const child = spares[kind].shift()!
    spares[kind].push(start(kind === 'writer' ? ENDLESS : 0))
    await child.says('ready')
    child.go()
    return child
  }
  const processes = [await next('writer'), await next('writer'), await next('writer')]
  let reader = await next('reader')
  /** Who does the reading and writing for all; soon after one has ended there is another. */
  const ownerThere = async (): Promise<SharedChild> => {
    for (;;) {
      const pid = ownerOf(path)
      const owner = [...processes, reader].find((child) => child.pid === pid && child.exitCode === null)
      if (owner !== undefined) return owner
      await sleep(5)
    }
  }
  const ownersOfReader = new Set<SharedChild>()
  let mostOwners = 0
  let killedOwners = 0
  let closedOwners = 0
  for (let end = 0; end < ENDS; end++) {
    await sleep(20 + random.below(80))
    let owner = await ownerThere()
    if (owner === reader) {
      // From now on it would be the owner for good.
      const before = reader
      reader = await next('reader')
      before.go()
      await before.says('closed')
      expect(before.readCount).toBeGreaterThan(0)
      ownersOfReader.clear()
      owner = await ownerThere()
    }
    if (owner !== reader) {
      // Not what was under way already: that may have been read by the one before.
      for (const { readCount } = reader; reader.readCount < readCount + 2; ) await sleep(5)
      mostOwners = Math.max(mostOwners, ownersOfReader.add(owner).size)
    }
    const found = processes.indexOf(owner)
    const slot = end % 4 === 3 || found < 0 ? random.below(processes.length) : found
    const victim = processes[slot]!
    processes[slot] = await next('writer')
    const isKilled = end % 3 !== 2
    if (victim === owner) isKilled ? killedOwners++ : closedOwners++
    if (isKilled) await victim.kill()
    else {
      victim.go()
      await victim.says('closed')
    }
  }
  // Whoever is left goes on, and ends, the owner first.
  const seen = processes.map(({ acknowledged }) => acknowledged.length)
  await Promise.all(
    processes.map(async (child, index) => {
      while (child.acknowledged.length <= seen[index]!) await sleep(5)
    }),
  )
  for (const left = new Set([...processes, reader]); left.size > 0; ) {
    const child = [...left].find(({ pid }) => pid === ownerOf(path)) ?? [...left][0]!
    expect(child.exitCode, 'it has not ended by itself').toBeNull()
    child.go()
    await child.says('closed')
    left.delete(child)
  }
  for (const child of [...spares.writer, ...spares.reader]) await child.kill()
  const acknowledged = all.flatMap((child) => child.acknowledged)
  const counted = await countedIds(path)
  const lost = acknowledged.filter((id) => !counted.has(id))
  console.log(
    `ends: ${ENDS}, of owners ${killedOwners} killed and ${closedOwners} closed, a reader saw ${mostOwners} owners; ` +
      `${acknowledged.length} increments acknowledged, ${counted.size} there, ${lost.length} lost (seed ${seed})`,
  )
  expect(lost, `NOMSY_SEED=${seed}`).toEqual([])
  // What is there besides was under way when its process, or its owner, was killed.
  expect([...counted].filter((id) => !all.some((child) => child.tried.has(id)))).toEqual([])
  expect(killedOwners).toBeGreaterThan(2)
  expect(mostOwners).toBeGreaterThanOrEqual(3)
})
