/** Whatever is done to a set or map, it is the one that its content makes from scratch. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import type { Key } from '../../src/collection/value.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { walk } from '../../src/sequence/walk.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks, nodesPerLevel } from '../sequence/trees.js'
import { coldContext, collect, KNOWN_REFS, newContext } from './contexts.js'
import {
  applied,
  type Entry,
  entriesOf,
  type Model,
  models,
  type Op,
  ops,
  UNIVERSE,
  valueFor,
} from './model.js'
import { runs } from './runs.js'

type Values = Entry[1]

async function refOf(model: Model, params: TreeParams): Promise<string> {
  const map = await SortedMap.from(newContext(params), entriesOf(model))
  return map.ref.toString()
}

function edited(map: SortedMap<Key, Values>, ops: readonly Op[]): Promise<SortedMap<Key, Values>> {
  const edit = map.edit()
  for (const { index, n } of ops) {
    if (n === undefined) edit.delete(UNIVERSE[index]!)
    else edit.set(UNIVERSE[index]!, valueFor(n))
  }
  return edit.done()
}

describe.each<[string, TreeParams, number]>([
  ['small', SMALL_PARAMS, 70],
  ['usual', COLLECTION_PARAMS, 20],
])('with chunks of %s sizes', (_, params, numRuns) => {
  test('any run of edits gives the map of the edited entries', async () => {
    await check(
      fc.asyncProperty(models, fc.array(ops, { minLength: 1, maxLength: 5 }), async (start, batches) => {
        const context = newContext(params)
        let model = start
        let map = await SortedMap.from<Key, Values>(context, entriesOf(model))
        for (const batch of batches) {
          map = await edited(map, batch)
          model = applied(model, batch)
          expect(map.ref.toString()).toBe(await refOf(model, params))
          expect(map.size).toBe(model.size)
          await countChunks(context.store, map)
        }
        expect(await collect(map)).toEqual(entriesOf(model))
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('what extends a map or set is as if it had been there', async () => {
    await check(
      fc.asyncProperty(models, ops, async (model, added) => {
        const context = newContext(params)
        const entries = added.flatMap(({ index, n }): Entry[] =>
          n === undefined ? [] : [[UNIVERSE[index]!, valueFor(n)]],
        )
        const map = await (await SortedMap.from<Key, Values>(context, entriesOf(model))).extend(entries)
        const expected = applied(
          model,
          added.filter(({ n }) => n !== undefined),
        )
        expect(map.ref.toString()).toBe(await refOf(expected, params))
        const keys = entriesOf(model).map(([key]) => key)
        const set = await (await SortedSet.from<Key>(context, keys)).extend(entries.map(([key]) => key))
        expect(set.ref).toEqual((await SortedSet.from(context, map.keys())).ref)
        for (const each of [map, set]) await countChunks(context.store, each)
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('entries in any order, and again and again, give the map of the last of each key', async () => {
    await check(
      fc.asyncProperty(
        fc.array(ops, { maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        async (batches, random) => {
          const sets = batches.flat().filter(({ n }) => n !== undefined)
          const shuffled = sets
            .map((op) => ({ op, at: random.next().value! % 5000 }))
            .sort((a, b) => a.at - b.at)
          for (const each of [sets, shuffled.map(({ op }) => op)]) {
            const entries = each.map(({ index, n }): Entry => [UNIVERSE[index]!, valueFor(n!)])
            const context = newContext(params)
            const map = await SortedMap.from(context, entries)
            expect(map.ref.toString()).toBe(await refOf(applied(new Map(), each), params))
            await countChunks(context.store, map)
          }
        },
      ),
      { numRuns: runs(numRuns / 2) },
    )
  })

  test('sets are edited likewise', async () => {
    await check(
      fc.asyncProperty(models, ops, async (model, batch) => {
        const context = newContext(params)
        const set = await SortedSet.from<Key>(
          context,
          entriesOf(model).map(([key]) => key),
        )
        const edit = set.edit()
        for (const { index, n } of batch) {
          if (n === undefined) edit.delete(UNIVERSE[index]!)
          else edit.add(UNIVERSE[index]!)
        }
        const after = await edit.done()
        const expected = entriesOf(applied(model, batch)).map(([key]) => key)
        expect(await collect(after)).toEqual(expected)
        expect(after.equals(await SortedSet.from(newContext(params), expected))).toBe(true)
        await countChunks(context.store, after)
      }),
      { numRuns: runs(numRuns / 4) },
    )
  })
})

test('what extends a map leaves nothing in the store but the two maps', async () => {
  const context = newContext(COLLECTION_PARAMS)
  const entries = (first: number, value: string): [number, string][] =>
    Array.from({ length: 20_000 }, (_, index) => [(first + index * 7919) % 30_000, value])
  const map = await SortedMap.from<number, string>(
    context,
    entries(0, 'old').toSorted(([a], [b]) => a - b),
  )
  const extended = await map.extend(entries(5, 'new'))
  const reached = new Set(KNOWN_REFS.map(String))
  for (const { ref } of [map, extended]) await collect(walk(context.store, ref, reached))
  const stored = await collect(context.store.refs())
  expect(stored.map(String).sort()).toEqual([...reached].sort())
})

describe('a map', () => {
  const entry = (index: number): [string, string] => [
    `k${String(index).padStart(6, '0')}`,
    `v${index * 7919}`,
  ]
  const entries = (from: number, to: number): [string, string][] =>
    Array.from({ length: to - from }, (_, index) => entry(from + index))
  /** Sizes whose trees have 1 to 5 levels. */
  const sizes = [0, 1, 40, 300, 3000, 20_000]

  test('has more levels the more there is in it', async () => {
    const levels: number[] = []
    for (const size of sizes) {
      const map = await SortedMap.from(newContext(SMALL_PARAMS), entries(0, size))
      levels.push((await nodesPerLevel(map.tree)).length)
    }
    expect(levels).toEqual([...levels].sort((a, b) => a - b))
    expect(new Set(levels).size).toBeGreaterThanOrEqual(4)
  })

  test.each(sizes.flatMap((from) => sizes.filter((to) => to !== from).map((to) => [from, to] as const)))(
    'of %i entries made one of %i, at its beginning or its end, is the one made from scratch',
    async (from, to) => {
      const context = newContext(SMALL_PARAMS)
      const max = Math.max(from, to)
      for (const isAtEnd of [true, false]) {
        const first = (size: number): number => (isAtEnd ? 0 : max - size)
        const map = await SortedMap.from<string, string>(context, entries(first(from), first(from) + from))
        const edit = map.edit()
        const [start, end] = isAtEnd ? [Math.min(from, to), max] : [0, max - Math.min(from, to)]
        for (const [key, value] of entries(start, end)) {
          if (from < to) edit.set(key, value)
          else edit.delete(key)
        }
        const after = await edit.done()
        const scratch = await SortedMap.from(newContext(SMALL_PARAMS), entries(first(to), first(to) + to))
        expect(after.equals(scratch)).toBe(true)
        await countChunks(context.store, after)
      }
    },
  )

  test('edited one key after another, up and down again, is at every step the one made from scratch', async () => {
    let map = await SortedMap.from<string, string>(newContext(SMALL_PARAMS), [])
    const order = entries(0, 150).map((_, index) => (index * 67) % 150)
    const present = new Set<number>()
    for (const [turn, index] of [...order, ...order.toReversed()].entries()) {
      const [key, value] = entry(index)
      if (turn < 150) present.add(index)
      else present.delete(index)
      map = await (turn < 150 ? map.edit().set(key, value) : map.edit().delete(key)).done()
      const expected = [...present].sort((a, b) => a - b).map(entry)
      expect(map.equals(await SortedMap.from(newContext(SMALL_PARAMS), expected))).toBe(true)
    }
    expect(map.size).toBe(0)
  })

  test('of entries that rise but for one finds that one its place, wherever it comes', async () => {
    // Some 64 of them are taken in at once.
    const rising = Array.from({ length: 140 }, (_, index): [string, string] => [
      entry(index)[0],
      'x'.repeat(1000),
    ])
    const late: [string, string] = ['k000050x', 'late']
    const expected = await SortedMap.from(newContext(), [...rising, late])
    for (let at = 52; at <= 140; at++) {
      const map = await SortedMap.from(newContext(), rising.toSpliced(at, 0, late))
      expect(map.equals(expected)).toBe(true)
    }
  })

  test('is itself after edits that change nothing, and nothing is written', async () => {
    const context = newContext(SMALL_PARAMS)
    const map = await SortedMap.from<string, string>(context, entries(0, 500))
    context.store.puts = 0
    const same = await map
      .edit()
      .set(...entry(77))
      .delete('absent')
      .set('new', 'x')
      .delete('new')
      .done()
    expect(same).toBe(map)
    expect(await map.edit().done()).toBe(map)
    expect(context.store.puts).toBe(0)
  })

  test('changed in one place is read and written around that place only', async () => {
    const context = newContext()
    const { ref } = await SortedMap.from<string, string>(context, entries(0, 100_000))
    for (const index of [0, 50_000, 99_999]) {
      const cold = coldContext(context)
      const map = await SortedMap.open<string, string>(cold, ref)
      const after = await map.edit().set(entry(index)[0], 'changed').done()
      expect(cold.store.reads).toBeLessThan(12)
      expect(cold.store.puts).toBeLessThan(8)
      expect(await after.get(entry(index)[0])).toBe('changed')
    }
  })

  test('changed in many places is read and written once, without what lies between', async () => {
    const context = newContext()
    const { ref } = await SortedMap.from<string, string>(context, entries(0, 100_000))
    const cold = coldContext(context)
    const edit = (await SortedMap.open<string, string>(cold, ref)).edit()
    for (let index = 0; index < 100_000; index += 10_000) edit.set(entry(index)[0], 'changed')
    const after = await edit.done()
    expect(cold.store.reads).toBeLessThan(60)
    expect(cold.store.puts).toBeLessThan(40)
    // Not one node that the map does not need.
    const reachable = await countChunks(context.store, after)
    const before = await countChunks(context.store, { ref })
    expect(context.store.putBytes).toBeGreaterThan(0)
    expect(reachable).toBeLessThan(before + 40)
  })
})
