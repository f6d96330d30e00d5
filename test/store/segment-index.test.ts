/** I5: the index can be lost, stale, another store's or damaged: the store is what it was before. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import type { Contents } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'

const { NOMSY_TORTURE } = process.env
const CHUNKS = NOMSY_TORTURE === '1' ? 1_000_000 : 10_000
const FLIPS = NOMSY_TORTURE === '1' ? 200 : 8
const HEADS = 100

let directory: string
/** The store as it was closed, as it was half way, and another one, none of them opened again. */
let original: string
let stale: string
let other: string
let expected: Contents

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-index-'))
  original = join(directory, 'original')
  stale = join(directory, 'stale')
  other = join(directory, 'other')
  await write(original, 'first', CHUNKS / 2)
  await cp(original, stale, { recursive: true })
  await write(original, 'second', CHUNKS / 2)
  await write(other, 'other', 500)
  const store = await SegmentStore.open(original, { readOnly: true })
  expected = await contentsOf(store)
  await store.close()
}, 600_000)

afterAll(() => rm(directory, { recursive: true, force: true }))

test('the original holds what was put', () => {
  expect(expected.refs.size).toBe(CHUNKS)
  expect(expected.heads.size).toBe(HEADS - 1)
})

describe('an index that was', () => {
  const damages: readonly (readonly [string, (index: string) => Promise<unknown>])[] = [
    ['left alone', async () => {}],
    ['deleted', (index) => rm(index, { recursive: true })],
    ['emptied', (index) => rm(index, { recursive: true }).then(() => mkdir(index))],
    ['replaced by an older copy', (index) => replace(index, join(stale, 'index'))],
    ["replaced by another store's", (index) => replace(index, join(other, 'index'))],
    [
      'replaced by a file',
      (index) => rm(index, { recursive: true }).then(() => writeFile(index, 'no index')),
    ],
  ]

  test.each(damages)('%s gives the same store', async (title, damage) => {
    expect(await outcomeOf(damage), title).toBe('equal')
  })

  test('cut short, emptied or deleted in any of its files gives the same store', async () => {
    const names = await readdir(join(original, 'index'))
    const outcomes = new Map<string, string[]>()
    for (const name of names) {
      const size = (await readFile(join(original, 'index', name))).length
      for (const length of [0, size >> 1, size - 1].filter((length) => length >= 0)) {
        const outcome = await outcomeOf(async (index) => {
          const bytes = await readFile(join(index, name))
          await writeFile(join(index, name), bytes.subarray(0, length))
        })
        outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} cut at ${length}`])
      }
      const outcome = await outcomeOf((index) => rm(join(index, name)))
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} deleted`])
    }
    report('files cut or deleted', outcomes)
  })

  test('flipped in any of its files gives the same store', async () => {
    const random = new Random(seed)
    const outcomes = new Map<string, string[]>()
    for (const name of await readdir(join(original, 'index'))) {
      const bytes = await readFile(join(original, 'index', name))
      if (bytes.length === 0) continue
      for (let count = 0; count < FLIPS; count++) {
        const bit = random.below(8 * bytes.length)
        const outcome = await outcomeOf(async (index) => {
          const flipped = Uint8Array.from(bytes)
          flipped[bit >> 3]! ^= 1 << (bit & 7)
          await writeFile(join(index, name), flipped)
        })
        outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} bit ${bit} of ${8 * bytes.length}`])
      }
    }
    report('bits flipped', outcomes)
  })
})

/** Opens a copy of the original with its index damaged, and says how it differs from it. */
async function outcomeOf(damage: (index: string) => Promise<unknown>): Promise<string> {
  const path = join(directory, 'copy')
  await cp(original, path, { recursive: true })
  try {
    await damage(join(path, 'index'))
    const store = await SegmentStore.open(path)
    try {
      const seen = await contentsOf(store)
      const findings: string[] = []
      for await (const { message } of store.check()) findings.push(message)
      if (findings.length > 0) return `check: ${findings[0]}`.replace(/[0-9a-v]{32}|\d+/g, '_')
      const isEqual =
        seen.refs.size === expected.refs.size &&
        [...seen.refs].every((ref) => expected.refs.has(ref)) &&
        String([...seen.heads].sort()) === String([...expected.heads].sort())
      return isEqual ? 'equal' : 'different'
    } finally {
      await store.close()
    }
  } catch (error) {
    return String(error).replace(/[0-9a-v]{32}|\d+/g, '_')
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

function report(title: string, outcomes: ReadonlyMap<string, readonly string[]>): void {
  const counts = [...outcomes].map(([outcome, cases]) => `${cases.length} ${outcome}`)
  console.log(`index, ${title}: ${counts.join(', ')} (${CHUNKS} chunks, seed ${seed})`)
  expect([...outcomes.keys()], JSON.stringify([...outcomes], undefined, 1)).toEqual(['equal'])
}

async function replace(index: string, by: string): Promise<void> {
  await rm(index, { recursive: true })
  await cp(by, index, { recursive: true })
}

/** Puts so many chunks into the store at `path`, and moves heads; the first removes one. */
async function write(path: string, title: string, count: number): Promise<void> {
  const store = await SegmentStore.open(path, { segmentBytes: 256 * 1024 })
  let chunks: Chunk[] = []
  for (let index = 0; index < count; index++) {
    chunks.push(chunkOf(new TextEncoder().encode(`${title} ${index} ${'text '.repeat(index % 20)}`)))
    if (chunks.length < 500 && index < count - 1) continue
    await store.put(chunks)
    for (let head = 0; head < 10; head++) {
      const name = `head/${(index + head * 10) % HEADS}`
      await store.heads.compareAndSet(name, await store.heads.get(name), chunks[head]!.ref)
    }
    chunks = []
  }
  await store.close()
}
