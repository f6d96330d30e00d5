/** Reading sets and maps gives what a plain sorted array gives. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import type { KeyRange } from '../../src/collection/key-range.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import type { Key } from '../../src/collection/value.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { coldContext, collect, newContext } from './contexts.js'
import { compareNaively } from './keys.js'
import { type Entry, entriesOf, models, UNIVERSE } from './model.js'
import { runs } from './runs.js'

const key = fc.nat(UNIVERSE.length - 1).map((index) => UNIVERSE[index]!)
const bound = fc.option(key, { nil: undefined, freq: 2 })
const range: fc.Arbitrary<KeyRange<Key>> = fc.record(
  {
    gt: bound,
    gte: bound,
    lt: bound,
    lte: bound,
    reverse: fc.boolean(),
    limit: fc.oneof(fc.nat(5), fc.nat(3000)),
  },
  { requiredKeys: [] },
)

/** Of sorted entries those in the range, as the range has them. */
function within(entries: readonly Entry[], { gt, gte, lt, lte, reverse, limit }: KeyRange<Key>): Entry[] {
  const found = entries.filter(
    ([each]) =>
      (gt === undefined || compareNaively(each, gt as Key) > 0) &&
      (gte === undefined || compareNaively(each, gte as Key) >= 0) &&
      (lt === undefined || compareNaively(each, lt as Key) < 0) &&
      (lte === undefined || compareNaively(each, lte as Key) <= 0),
  )
  return (reverse ? found.reverse() : found).slice(0, limit)
}

describe.each<[string, TreeParams, number]>([
  ['small', SMALL_PARAMS, 60],
  ['usual', COLLECTION_PARAMS, 25],
])('with chunks of %s sizes', (_, params, numRuns) => {
  test('ranges hold the entries between their bounds', async () => {
    await check(
      fc.asyncProperty(models, fc.array(range, { minLength: 1, maxLength: 6 }), async (model, ranges) => {
        const entries = entriesOf(model)
        const map = await SortedMap.from<Key, Entry[1]>(newContext(params), entries)
        for (const range of ranges) {
          const expected = within(entries, range)
          expect(await collect(map.entries(range))).toEqual(expected)
          expect(await collect(map.keys(range))).toEqual(expected.map(([each]) => each))
          expect(await collect(map.values(range))).toEqual(expected.map(([, value]) => value))
        }
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('keys are found, one by one and many at once, and by their position', async () => {
    await check(
      fc.asyncProperty(models, fc.array(key, { maxLength: 60 }), async (model, keys) => {
        const entries = entriesOf(model)
        const context = newContext(params)
        const { ref } = await SortedMap.from(context, entries)
        const map = await SortedMap.open<Key, Entry[1]>(coldContext(context), ref)
        const places = keys.map((each) => entries.findIndex(([other]) => compareNaively(each, other) === 0))
        expect(await map.getMany(keys)).toEqual(places.map((place) => entries[place]?.[1]))
        for (const [index, each] of keys.entries()) {
          const place = places[index]!
          expect(await map.get(each)).toEqual(entries[place]?.[1])
          expect(await map.has(each)).toBe(place >= 0)
          expect(await map.indexOf(each)).toBe(place >= 0 ? place : undefined)
          if (place >= 0) expect(await map.at(place)).toEqual(entries[place])
        }
        expect(await map.first()).toEqual(entries[0])
        expect(await map.last()).toEqual(entries.at(-1))
        expect(await map.at(-2)).toEqual(entries.at(-2))
        expect(await map.at(entries.length)).toBeUndefined()
        expect(await map.at(-entries.length - 1)).toBeUndefined()
      }),
      { numRuns: runs(numRuns) },
    )
  })
})

describe('a set', () => {
  test('gives its keys, in ranges and by position', async () => {
    const set = await SortedSet.from<number>(newContext(SMALL_PARAMS), [5, 3, 9, 3, 7, 1])
    expect(set.size).toBe(5)
    expect(await collect(set)).toEqual([1, 3, 5, 7, 9])
    expect(await collect(set.values({ gt: 1, lte: 7, reverse: true }))).toEqual([7, 5, 3])
    expect(await set.has(7)).toBe(true)
    expect(await set.has(8)).toBe(false)
    expect(await set.indexOf(7)).toBe(3)
    expect(await set.indexOf(8)).toBeUndefined()
    expect([await set.first(), await set.at(1), await set.at(-2), await set.last()]).toEqual([1, 3, 7, 9])
    expect(await set.at(5)).toBeUndefined()
  })

  test('without keys has none', async () => {
    const set = await SortedSet.from(newContext(), [])
    expect(set.size).toBe(0)
    expect(await collect(set)).toEqual([])
    expect(await collect(set.keys({ reverse: true }))).toEqual([])
    expect(await set.has('a')).toBe(false)
    expect(await set.first()).toBeUndefined()
    expect(await set.last()).toBeUndefined()
  })
})

describe('composite keys', () => {
  test('are ordered element by element, so that a range holds all that begin alike', async () => {
    const keys = [['b'], ['a', 2], ['a'], ['a', 1, 'x'], ['a', 10], ['ab', 0], ['a', 1]]
    const set = await SortedSet.from<(string | number)[]>(newContext(), keys)
    expect(await collect(set)).toEqual([
      ['a'],
      ['a', 1],
      ['a', 1, 'x'],
      ['a', 2],
      ['a', 10],
      ['ab', 0],
      ['b'],
    ])
    expect(await collect(set.keys({ gt: ['a', 1], lt: ['a', 10] }))).toEqual([
      ['a', 1, 'x'],
      ['a', 2],
    ])
  })
})

describe('an iterator', () => {
  const entries = Array.from({ length: 3000 }, (_, index) => [index, `value ${index}`] as const)

  test('asked for many items before the first has come gives them in order', async () => {
    const map = await SortedMap.from<number, string>(newContext(SMALL_PARAMS), entries)
    const iterator = map.entries({ limit: 2000 })
    const results = await Promise.all(Array.from({ length: 2003 }, () => iterator.next()))
    expect(results.slice(0, 2000).map(({ value }) => value)).toEqual(entries.slice(0, 2000))
    expect(results.slice(2000)).toEqual(new Array(3).fill({ done: true, value: undefined }))
  })

  test('that is left reads no further', async () => {
    const context = newContext()
    const { ref } = await SortedMap.from(context, entries)
    const cold = coldContext(context)
    const map = await SortedMap.open<number, string>(cold, ref)
    for await (const [key] of map) if (key === 3) break
    const { reads } = cold.store
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(cold.store.reads).toBe(reads)
    const iterator = map.keys()
    await iterator.next()
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test('gives the error of a chunk that is missing, and then ends', async () => {
    const context = newContext(SMALL_PARAMS)
    const { ref } = await SortedMap.from(context, entries)
    const map = await SortedMap.open<number, string>(coldContext(context), ref)
    const root = map.tree.root
    if (!('refs' in root)) expect.unreachable()
    context.store.lose(root.childRef(1))
    const iterator = map.keys()
    let count = 0
    const readOn = async (): Promise<void> => {
      while ((await iterator.next()).done !== true) count++
    }
    await expect(readOn()).rejects.toMatchObject({ code: 'NOMSY_MISSING_CHUNK' })
    expect(count).toBeLessThanOrEqual(root.childLength(0))
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test.each([
    ['a limit below 0', { limit: -1 }],
    ['a limit that is no integer', { limit: 1.5 }],
  ])('is not made for %s', async (_, range) => {
    const map = await SortedMap.from<number, string>(newContext(), entries)
    expect(() => map.entries(range)).toThrow(RangeError)
  })

  test('is not made for a bound that cannot be a key', async () => {
    const map = await SortedMap.from<number, string>(newContext(), entries)
    expect(() => map.entries({ gt: Number.NaN })).toThrow('key is NaN')
  })
})

describe('what is read', () => {
  test('is a copy: changing it changes nothing that is stored', async () => {
    const map = await SortedMap.from<string, Uint8Array>(newContext(), [['a', Uint8Array.of(1, 2, 3)]])
    const bytes = (await map.get('a'))!
    bytes.fill(9)
    expect(await map.get('a')).toEqual(Uint8Array.of(1, 2, 3))
    for await (const [, value] of map) value.fill(9)
    const after = await map.edit().set('b', Uint8Array.of(4)).done()
    expect(await after.get('a')).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('of many keys at once is read together', async () => {
    const context = newContext()
    const entries = Array.from({ length: 20_000 }, (_, index) => [index, 'x'.repeat(20)] as const)
    const { ref } = await SortedMap.from(context, entries)
    let calls = 0
    const getMany = context.store.getMany.bind(context.store)
    context.store.getMany = (refs) => {
      calls++
      return getMany(refs)
    }
    const map = await SortedMap.open<number, string>(coldContext(context), ref)
    calls = 0
    const keys = Array.from({ length: 1000 }, (_, index) => (index * 7919) % 25_000)
    const values = await map.getMany(keys)
    expect(values.map((value) => value !== undefined)).toEqual(keys.map((key) => key < 20_000))
    expect(calls).toBeLessThanOrEqual(2)
  })
})
