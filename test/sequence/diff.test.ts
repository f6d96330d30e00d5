import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BLOB_FORMAT, BLOB_PARAMS } from '../../src/blob/blob-format.js'
import { type Change, diffTrees } from '../../src/sequence/diff.js'
import type { SequenceFormat, TreeParams } from '../../src/sequence/format.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { check } from '../seed.js'
import { stream } from '../vectors/stream.js'
import { data, join } from './data.js'
import { COLLECTION_PARAMS, itemOf, LIST_FORMAT } from './item-formats.js'
import { SMALL_PARAMS } from './small-params.js'
import { build, openTree } from './trees.js'
import { WatchedStore } from './watched-store.js'

async function diff(
  format: SequenceFormat,
  params: TreeParams,
  a: Uint8Array | readonly Uint8Array[],
  b: Uint8Array | readonly Uint8Array[],
  store = new MemoryStore(),
): Promise<Change[]> {
  const treeA = await openTree(store, format, await build(store, format, params, a))
  const treeB = await openTree(store, format, await build(store, format, params, b))
  if (store instanceof WatchedStore) store.reads = 0
  const changes: Change[] = []
  for await (const change of diffTrees(treeA, treeB)) changes.push(change)
  return changes
}

/** `a` with the changes done to it, their new items taken from `b`: as runs of items, one after the other. */
function applied<T extends Uint8Array | Uint8Array[]>(a: T, b: T, changes: readonly Change[]): T[] {
  const runs: T[] = []
  let from = 0
  for (const { aStart, removed, bStart, inserted } of changes) {
    runs.push(a.slice(from, aStart) as T, b.slice(bStart, bStart + inserted) as T)
    from = aStart + removed
  }
  return [...runs, a.slice(from) as T]
}

/** Holds what is promised of every list of changes. */
function expectInOrder(changes: readonly Change[]): void {
  let [endA, endB] = [-1, -1]
  for (const { aStart, removed, bStart, inserted } of changes) {
    expect(removed + inserted).toBeGreaterThan(0)
    expect(aStart).toBeGreaterThan(endA)
    expect(bStart).toBeGreaterThan(endB)
    // What lies between two changes is as long on both sides.
    if (endA >= 0) expect(aStart - endA).toBe(bStart - endB)
    else expect(aStart).toBe(bStart)
    endA = aStart + removed
    endB = bStart + inserted
  }
}

/** Replacements at places given as parts of the whole, in order of their places. */
function edits(inserted: fc.Arbitrary<Uint8Array>): fc.Arbitrary<[number, number, Uint8Array][]> {
  const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(300), inserted)
  return fc.array(edit, { maxLength: 5 }).map((each) => each.sort(([a], [b]) => a - b))
}

function edited(bytes: Uint8Array, edits: readonly [number, number, Uint8Array][]): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  for (const [place, removed, inserted] of edits) {
    const start = Math.max(at, Math.floor(bytes.length * place))
    parts.push(bytes.subarray(at, start), inserted)
    at = Math.min(start + removed, bytes.length)
  }
  return join([...parts, bytes.subarray(at)])
}

describe.each<[string, TreeParams, number, number]>([
  ['in small chunks', SMALL_PARAMS, 60_000, 150],
  ["in a blob's chunks", BLOB_PARAMS, 600_000, 20],
])('the changes between bytes %s', (_, params, maxBytes, numRuns) => {
  const inserted = fc.oneof(fc.uint8Array({ maxLength: 20 }), data(Math.ceil(maxBytes / 10)))

  test.each<[string, fc.Arbitrary<[Uint8Array, Uint8Array]>]>([
    [
      'edited here and there',
      fc.tuple(data(maxBytes), edits(inserted)).map(([a, each]) => [a, edited(a, each)]),
    ],
    ['that have nothing to do with each other', fc.tuple(data(maxBytes), data(maxBytes))],
  ])('%s turn the one into the other', async (_, pairs) => {
    await check(
      fc.asyncProperty(pairs, async ([a, b]) => {
        const changes = await diff(BLOB_FORMAT, params, a, b)
        expectInOrder(changes)
        expect(Buffer.concat(applied(a, b, changes)).equals(b)).toBe(true)
      }),
      { numRuns },
    )
  })

  test('are none where the bytes are equal', async () => {
    await check(
      fc.asyncProperty(data(maxBytes), async (bytes) => {
        expect(await diff(BLOB_FORMAT, params, bytes, bytes.slice())).toEqual([])
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    )
  })

  test('are that one byte where a byte of noise was changed', async () => {
    const noise = stream('sha', 'noise', maxBytes)
    await check(
      fc.asyncProperty(fc.integer({ min: 1, max: maxBytes }), fc.nat(), async (length, place) => {
        const a = noise.subarray(0, length)
        const at = place % length
        const b = Uint8Array.from(a)
        b[at]! ^= 1
        const change = { aStart: at, removed: 1, bStart: at, inserted: 1 }
        expect(await diff(BLOB_FORMAT, params, a, b)).toEqual([change])
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    )
  })
})

test('the changes between lists turn the one into the other', async () => {
  const list = fc
    .tuple(fc.integer({ min: 0, max: 3000 }), fc.constantFrom(3, 50, 1_000_000))
    .map(([count, period]) => Array.from({ length: count }, (_, index) => index % period))
  const change = fc.tuple(fc.nat(3000), fc.nat(5), fc.array(fc.string(), { maxLength: 3 }))
  await check(
    fc.asyncProperty(list, fc.array(change, { maxLength: 5 }), async (numbers, changes) => {
      const a = numbers.map((each) => itemOf(each))
      const b = [...a]
      for (const [at, removed, inserted] of changes)
        b.splice(at, removed, ...inserted.map((each) => itemOf(each)))
      for (const params of [SMALL_PARAMS, COLLECTION_PARAMS]) {
        const found = await diff(LIST_FORMAT, params, a, b)
        expectInOrder(found)
        expect(Buffer.concat(applied(a, b, found).flat()).equals(Buffer.concat(b))).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
})

test('the changes between long stretches that have nothing in common do not touch', async () => {
  const a = stream('sha', 'one', 500_000)
  const b = stream('sha', 'another', 600_000)
  const changes = await diff(BLOB_FORMAT, SMALL_PARAMS, a, b)
  expectInOrder(changes)
  expect(Buffer.concat(applied(a, b, changes)).equals(b)).toBe(true)
})

describe('the changes are as small as the edit:', () => {
  const bytes = stream('sha', 'diff', 1_000_000)
  const insert = stream('sha', 'insert', 5000)

  test.each<[string, [number, number, number][]]>([
    ['a byte put in at the beginning', [[0, 0, 1]]],
    ['a byte taken out of the middle', [[500_000, 1, 0]]],
    ['5000 bytes put in', [[333_333, 0, 5000]]],
    ['5000 bytes taken out', [[333_333, 5000, 0]]],
    ['5000 bytes put at the end', [[1_000_000, 0, 5000]]],
    ['100 bytes replaced by 50', [[700_000, 100, 50]]],
    [
      'three edits far from each other',
      [
        [1000, 10, 0],
        [400_000, 0, 30],
        [900_000, 7, 7],
      ],
    ],
  ])('%s', async (_, replacements) => {
    const b = edited(
      bytes,
      replacements.map(([at, removed, inserted]) => [
        at / bytes.length,
        removed,
        insert.subarray(0, inserted),
      ]),
    )
    const changes = await diff(BLOB_FORMAT, BLOB_PARAMS, bytes, b)
    expect(changes).toHaveLength(replacements.length)
    for (const [index, [at, removed, inserted]] of replacements.entries()) {
      const change = changes[index]!
      // Where bytes beside the edit happen to equal the edit's, it can be told a few bytes later and shorter.
      expect(Math.abs(change.aStart - at)).toBeLessThan(5)
      expect(Math.abs(change.removed - removed)).toBeLessThan(5)
      expect(change.inserted - change.removed).toBe(inserted - removed)
    }
  })
})

describe('the chunks read', () => {
  const bytes = stream('sha', 'cost', 4_000_000)

  test.each([
    ['none but the roots for equal bytes', bytes, 0],
    ['those around one changed byte', edited(bytes, [[0.6, 1, Uint8Array.of(0)]]), 8],
    ['those around one byte put in', edited(bytes, [[0.3, 0, Uint8Array.of(0)]]), 10],
    ['those at the end for bytes put there', join([bytes, stream('sha', 'more', 100)]), 8],
    [
      'those at both ends',
      edited(bytes, [
        [0, 1, Uint8Array.of(1)],
        [0.9999999, 1, Uint8Array.of(1)],
      ]),
      16,
    ],
  ])('are %s', async (_, b, most) => {
    const store = new WatchedStore()
    await diff(BLOB_FORMAT, BLOB_PARAMS, bytes, b, store)
    expect(store.reads).toBeLessThanOrEqual(most)
  })

  test('follow the change in a deep tree too', async () => {
    const store = new WatchedStore()
    const a = bytes.subarray(0, 500_000)
    await diff(BLOB_FORMAT, SMALL_PARAMS, a, edited(a, [[0.5, 1, Uint8Array.of(0)]]), store)
    expect(store.reads).toBeLessThan(40)
  })
})
