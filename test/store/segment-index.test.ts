/** I5: the index can be lost, stale, another store's or damaged: the store is what it was before. */

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import type { Contents } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'

const { NOMSY_TORTURE } = process.env
const CHUNKS = NOMSY_TORTURE === '1' ? 1_000_000 : 10_000
const FLIPS = NOMSY_TORTURE === '1' ? 200 : 4
const HEADS = 100

let directory: string
/** The store as it was closed, as it was half way, and another one, none of them opened again. */
let original: string
let stale: string
let other: string
let built: Build
let expected: Contents

beforeAll(async () => {
  built = await build()
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

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

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

  test('cut short, emptied or deleted in any of its files gives the same store, or is told of', async () => {
    const outcomes = new Map<string, string[]>()
    for (const name of await readdir(join(original, 'index'))) {
      const size = (await readFile(join(original, 'index', name))).length
      for (const length of new Set([0, size >> 1])) {
        const outcome = await outcomeOf(async (index) => {
          const bytes = await readFile(join(index, name))
          await writeFile(join(index, name), bytes.subarray(0, length))
        })
        // Tables are not looked at before they are read from.
        const key = name.endsWith('.ldb') && outcome.includes('the index is damaged') ? 'told of' : outcome
        outcomes.set(key, [...(outcomes.get(key) ?? []), `${name} cut at ${length}`])
      }
      const outcome = await outcomeOf((index) => rm(join(index, name)))
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} deleted`])
    }
    report('files cut or deleted', outcomes)
    const others = [...outcomes].filter(([outcome]) => outcome !== 'equal' && outcome !== 'told of')
    expect(others).toEqual([])
  })

  test('flipped in any of its files but tables gives the same store', async () => {
    const random = new Random(seed)
    const outcomes = new Map<string, string[]>()
    for (const name of await readdir(join(original, 'index'))) {
      if (name.endsWith('.ldb')) continue
      const { length } = await readFile(join(original, 'index', name))
      for (let count = 0; length > 0 && count < FLIPS; count++) {
        const bit = random.below(8 * length)
        const outcome = await outcomeOf((index) => flip(join(index, name), bit))
        outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} bit ${bit} of ${8 * length}`])
      }
    }
    report('bits flipped', outcomes)
    expect([...outcomes.keys()], JSON.stringify([...outcomes], undefined, 1)).toEqual(['equal'])
  })

  // LevelDB neither verifies its tables nor takes it well where they are wrong: it may end the process.
  test('flipped in a table is told of, or takes the process down, and never gives other bytes', async () => {
    const random = new Random(seed)
    const outcomes = new Map<string, string[]>()
    const list = join(directory, 'expected.json')
    const heads = [...expected.heads].sort(([a], [b]) => (a < b ? -1 : 1))
    await writeFile(list, JSON.stringify({ heads, refs: [...expected.refs] }))
    const path = join(directory, 'copy')
    const tables = (await readdir(join(original, 'index'))).filter((name) => name.endsWith('.ldb'))
    for (let count = 0; count < FLIPS + 2; count++) {
      const name = random.pick(tables)
      const bit = random.below(8 * (await readFile(join(original, 'index', name))).length)
      await cp(original, path, { recursive: true })
      await flip(join(path, 'index', name), bit)
      const outcome = await promisify(execFile)(process.execPath, [READER, built.path, path, list]).then(
        ({ stdout }) => stdout.trim(),
        ({ signal }: { signal: unknown }) => String(signal),
      )
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name} bit ${bit}`])
      // The index can always be thrown away.
      await rm(join(path, 'index'), { recursive: true })
      const store = await SegmentStore.open(path, { ballastBytes: 0 })
      expect(await contentsOf(store)).toEqual(expected)
      await store.close()
      await rm(path, { recursive: true })
    }
    report('bits flipped in tables', outcomes)
    const allowed = ['equal', 'reported', 'refused', 'SIGABRT']
    expect([...outcomes.keys()].filter((outcome) => !allowed.includes(outcome))).toEqual([])
  })
})

const READER = fileURLToPath(new URL('read-child.mjs', import.meta.url))

async function flip(file: string, bit: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  await writeFile(file, bytes)
}

/** Opens a copy of the original with its index damaged, and says how it differs from it. */
async function outcomeOf(damage: (index: string) => Promise<unknown>): Promise<string> {
  const path = join(directory, 'copy')
  await cp(original, path, { recursive: true })
  try {
    await damage(join(path, 'index'))
    const store = await SegmentStore.open(path, { ballastBytes: 0 })
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
}

async function replace(index: string, by: string): Promise<void> {
  await rm(index, { recursive: true })
  await cp(by, index, { recursive: true })
}

/** Puts so many chunks into the store at `path`, and moves heads; the second time removes one. */
async function write(path: string, title: string, count: number): Promise<void> {
  const store = await SegmentStore.open(path, { segmentBytes: 256 * 1024, ballastBytes: 0 })
  let chunks: Chunk[] = []
  let headCount = 0
  for (let index = 0; index < count; index++) {
    chunks.push(chunkOf(new TextEncoder().encode(`${title} ${index} ${'text '.repeat(index % 20)}`)))
    if (chunks.length < 500 && index < count - 1) continue
    await store.put(chunks)
    for (let head = 0; head < 10; head++) {
      const name = `head/${headCount++ % HEADS}`
      await store.heads.compareAndSet(name, await store.heads.get(name), chunks[head]!.ref)
    }
    chunks = []
  }
  if (title === 'second')
    await store.heads.compareAndSet('head/5', await store.heads.get('head/5'), undefined)
  await store.close()
}
