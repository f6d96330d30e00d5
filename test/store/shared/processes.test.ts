/** C1: processes that share a store lose no update of a head and nothing that was acknowledged, whoever ends when. */

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Build, build } from '../../crash/built.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'
import { countedIds, ownerOf, SharedChild } from './processes.js'

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
  const tries = children.flatMap(({ lines }) => lines.filter((line) => line.startsWith('+'))).length
  console.log(
    `increments: ${acknowledged.length} in ${seconds.toFixed(1)} s, ${tries - acknowledged.length} conflicts`,
  )
  expect(acknowledged.length).toBe(12_800)
  expect(await countedIds(path)).toEqual(new Set(acknowledged))
})

test('nothing acknowledged is lost where owners are killed, and clients, and all goes on', async () => {
  const random = new Random(seed)
  const path = join(directory, 'kills')
  const work = { clients: 4, steps: 1_000_000, counters: 6 }
  const all: SharedChild[] = []
  const start = (): SharedChild => {
    const child = new SharedChild(built.path, path, `p${all.length}`, work)
    all.push(child)
    return child
  }
  let children = [start(), start(), start(), start()]
  for (const child of children) child.go()
  await Promise.all(children.map((child) => child.says('open')))
  let ownerKills = 0
  for (let kill = 0; kill < 30; kill++) {
    await sleep(random.below(120))
    const owner = ownerOf(path)
    const victim =
      (kill % 3 !== 2 && children.find(({ pid }) => pid === owner)) ||
      children[random.below(children.length)]!
    if (victim.pid === owner) ownerKills++
    await victim.kill()
    const next = start()
    next.go()
    children = [...children.filter((child) => child !== victim), next]
  }
  const seen = children.map(({ acknowledged }) => acknowledged.length)
  await sleep(500)
  // Whoever is left goes on.
  for (const [index, child] of children.entries()) {
    expect(child.exitCode, 'it has not ended by itself').toBeNull()
    if (child.lines.includes('open')) expect(child.acknowledged.length).toBeGreaterThanOrEqual(seen[index]!)
  }
  expect(children.reduce((sum, child) => sum + child.acknowledged.length, 0)).toBeGreaterThan(
    seen.reduce((sum, count) => sum + count, 0),
  )
  for (const child of children) await child.kill()
  const acknowledged = all.flatMap((child) => child.acknowledged)
  const counted = await countedIds(path)
  const lost = acknowledged.filter((id) => !counted.has(id))
  console.log(
    `kills: 30, ${ownerKills} of owners; ${acknowledged.length} increments acknowledged, ${counted.size} there, ${lost.length} lost (seed ${seed})`,
  )
  expect(lost, `NOMSY_SEED=${seed}`).toEqual([])
  expect(ownerKills).toBeGreaterThan(10)
  // What is there besides was under way when its process, or its owner, was killed.
  const tried = new Set(
    all.flatMap(({ lines }) => lines.flatMap((line) => (line.startsWith('+') ? [line.slice(1)] : []))),
  )
  expect([...counted].filter((id) => !tried.has(id))).toEqual([])
  expect(await readdir(path)).not.toContain('socket')
})
