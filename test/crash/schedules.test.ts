/**
 * D11: random commits, removals, puts and collections, some at once, on a disk that crashes again and again; what is
 * found is held against what was acknowledged, and no chunk may be there without those under it.
 */

import { expect, test } from 'vitest'
import { encode } from '../../src/encoding/encode.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { seed } from '../seed.js'
import { Ledger } from './ledger.js'
import { Random } from './random.js'
import { Scene } from './scene.js'

const { NOMSY_TORTURE } = process.env

/** Schedules in all, and how many a store goes through one after the other. */
const SCHEDULES = NOMSY_TORTURE === '1' ? 1_000_000 : 10_000
const PER_STORE = 20

const NAMES = ['a', 'b', 'c']

test('random schedules of commits, collections and crashes lose nothing that is needed', async () => {
  const counts = { schedules: 0, steps: 0, collections: 0, freed: 0, crashes: 0 }
  for (let round = 0; counts.schedules < SCHEDULES; round++) await runStore(seed + round, counts)
  console.log(
    `${counts.schedules} schedules of ${counts.steps} steps: ${counts.collections} collections freed ${counts.freed} chunks, ${counts.crashes} crashes, 0 violations (seed ${seed})`,
  )
  expect(counts.collections).toBeGreaterThan(SCHEDULES / 10)
  expect(counts.freed).toBeGreaterThan(SCHEDULES / 2)
}, 600_000)

interface Counts {
  schedules: number
  steps: number
  collections: number
  freed: number
  crashes: number
}

/** What a head may name: a chunk, and those under it. */
interface Family {
  readonly leaves: readonly Chunk[]
  readonly parent: Chunk
}

/** A store that goes through many schedules, each of a few steps and then, mostly, a crash. */
async function runStore(storeSeed: number, counts: Counts): Promise<void> {
  const random = new Random(storeSeed)
  const where = `NOMSY_SEED=${seed}, store of seed ${storeSeed}`
  const scene = new Scene({ random, segmentBytes: 300 + random.below(2000), maxTurns: 2 })
  const ledger = new Ledger()
  await scene.open()
  /** What was put at some time, to be put again, dead or not. */
  let families: Family[] = []
  for (let count = 0; count < PER_STORE && counts.schedules < SCHEDULES; count++) {
    counts.schedules++
    let isOver = false
    let isCollecting = false
    const put = (name: string, { leaves, parent }: Family): Promise<void> =>
      scene.store.writing(async () => {
        await scene.put(...leaves)
        if (!isOver) await scene.set(name, parent)
      })
    const step = async (): Promise<void> => {
      counts.steps++
      const chance = random.below(10)
      const name = random.pick(NAMES)
      if (chance < 3) {
        // What is put between two of them would be nobody's.
        if (isCollecting) return
        isCollecting = true
        counts.collections++
        counts.freed += (await scene.collect()).freedChunks
        isCollecting = false
      } else if (chance < 5) {
        await scene.remove(name)
      } else if (chance < 7 && families.length > 0) {
        await put(name, random.pick(families))
      } else {
        const leaves = scene.chunks(1 + random.below(2), 20 + random.below(200)).map(asValue)
        const family = { leaves, parent: scene.parent(...leaves) }
        families = [...families.slice(-3), family]
        await put(name, family)
      }
    }
    const stepCount = 1 + random.below(3)
    const calls = random.chance(0.3)
      ? Promise.all(Array.from({ length: stepCount }, step))
      : inTurn(stepCount, async () => (isOver ? undefined : step()))
    if (random.chance(0.4)) {
      calls.catch(() => {})
      for (let turns = random.below(600); turns > 0; turns--) await undefined
    } else {
      await calls.catch((error: unknown) => {
        throw new Error(`${where}: ${error}`, { cause: error })
      })
    }
    isOver = true
    const ending = random.below(3)
    counts.crashes += ending === 0 ? 0 : 1
    if (ending === 0) await calls.catch(() => {}).then(() => scene.close())
    else if (ending === 1) scene.kill()
    else scene.cut()
    await scene.open().catch((error: unknown) => {
      throw new Error(`${where}: ${error}`, { cause: error })
    })
    for (const entry of scene.journal.splice(0)) {
      if (entry.kind !== 'note') continue
      if (entry.note.kind === 'opened') expect(ledger.problems(entry.note.seen), where).toEqual([])
      ledger.take(entry.note)
    }
  }
  expect(await scene.check(), where).toEqual([])
  await scene.close()
}

/** The chunk's bytes as a value: of what is none, finding out that nothing is under it takes an error, and its time. */
function asValue({ bytes }: Chunk): Chunk {
  return chunkOf(encode(bytes))
}

async function inTurn(count: number, body: () => Promise<void>): Promise<void> {
  for (let left = count; left > 0; left--) await body()
}
