/** Differences between sets and between maps, and merges of them, are those of plain sorted arrays. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { type MapChange, SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import type { Key } from '../../src/collection/value.js'
import { MergeConflictError } from '../../src/errors.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks } from '../sequence/trees.js'
import { coldContext, collect, newContext, type TestContext } from './contexts.js'
import {
  applied,
  type Entry,
  entriesOf,
  indicesOf,
  type Model,
  models,
  ops,
  UNIVERSE,
  valueFor,
} from './model.js'
import { runs } from './runs.js'

type Values = Entry[1]
type TestMap = SortedMap<Key, Values>

function stored(context: TestContext, model: Model): Promise<TestMap> {
  return SortedMap.from(context, entriesOf(model))
}

function changesOf(a: Model, b: Model): MapChange<Key, Values>[] {
  const indices = indicesOf(new Map([...a, ...b])).filter((index) => a.get(index) !== b.get(index))
  return indices.map((index) => {
    const key = UNIVERSE[index]!
    const [before, after] = [a.get(index), b.get(index)]
    if (before === undefined) return { kind: 'added', key, after: valueFor(after!) }
    if (after === undefined) return { kind: 'removed', key, before: valueFor(before) }
    return { kind: 'changed', key, before: valueFor(before), after: valueFor(after) }
  })
}

const edits = fc.array(ops, { maxLength: 3 }).map((each) => each.flat())

describe.each<[string, TreeParams, number]>([
  ['small', SMALL_PARAMS, 40],
  ['usual', COLLECTION_PARAMS, 16],
])('with chunks of %s sizes', (_, params, numRuns) => {
  test('the difference between maps is that of their entries', async () => {
    await check(
      fc.asyncProperty(models, edits, models, async (model, edits, other) => {
        const context = newContext(params)
        const map = await stored(context, model)
        for (const after of [applied(model, edits), other]) {
          expect(await collect(map.diff(await stored(context, after)))).toEqual(changesOf(model, after))
        }
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('the difference between sets is that of their keys', async () => {
    await check(
      fc.asyncProperty(models, edits, async (model, edits) => {
        const context = newContext(params)
        const after = applied(model, edits)
        const keysOf = (each: Model): Key[] => entriesOf(each).map(([key]) => key)
        const a = await SortedSet.from<Key>(context, keysOf(model))
        const b = await SortedSet.from<Key>(context, keysOf(after))
        const expected = changesOf(model, after).filter(({ kind }) => kind !== 'changed')
        expect(await collect(a.diff(b))).toEqual(expected.map(({ kind, key }) => ({ kind, key })))
      }),
      { numRuns: runs(numRuns / 2) },
    )
  })

  test('a merge has the changes of both sides, and what resolves says where they contradict', async () => {
    await check(
      fc.asyncProperty(models, edits, edits, async (model, ourEdits, theirEdits) => {
        const context = newContext(params)
        const [ourModel, theirModel] = [applied(model, ourEdits), applied(model, theirEdits)]
        const [base, ours, theirs] = [
          await stored(context, model),
          await stored(context, ourModel),
          await stored(context, theirModel),
        ]
        const touched = indicesOf(new Map([...model, ...ourModel, ...theirModel]))
        const conflicts = touched.filter((index) => {
          const versions = [model, ourModel, theirModel].map((each) => each.get(index))
          return new Set(versions).size === 3
        })
        /** The merge, `take` being what there is to be in conflicts. */
        const expected = (take: (index: number) => number | undefined): Promise<TestMap> => {
          const resolved = (index: number): number | undefined => {
            if (conflicts.includes(index)) return take(index)
            const our = ourModel.get(index)
            return our === model.get(index) ? theirModel.get(index) : our
          }
          return stored(
            newContext(params),
            applied(
              new Map(),
              touched.map((index) => ({ index, n: resolved(index) })),
            ),
          )
        }
        const refuted = ours.merge(base, theirs)
        if (conflicts.length === 0) {
          expect((await refuted).equals(await expected(() => undefined))).toBe(true)
        } else {
          const error = await refuted.catch((reason: unknown) => reason)
          expect(error).toBeInstanceOf(MergeConflictError)
          expect(error).toMatchObject({
            code: 'NOMSY_MERGE_CONFLICT',
            count: conflicts.length,
            first: conflicts.slice(0, 10).map((index) => UNIVERSE[index]),
          })
        }
        const withOurs = await ours.merge(base, theirs, { resolve: 'ours' })
        expect(withOurs.equals(await expected((index) => ourModel.get(index)))).toBe(true)
        const withTheirs = await ours.merge(base, theirs, { resolve: 'theirs' })
        expect(withTheirs.equals(await expected((index) => theirModel.get(index)))).toBe(true)
        const greater = (index: number): number | undefined => {
          const [our, their] = [ourModel.get(index), theirModel.get(index)]
          return our === undefined || their === undefined ? undefined : Math.max(our, their)
        }
        const asked: Key[] = []
        const resolved = await ours.merge(base, theirs, {
          resolve: async ({ key, base: before, ours: our, theirs: their }) => {
            asked.push(key)
            const index = conflicts[asked.length - 1]!
            expect([before, our, their]).toEqual(
              [model, ourModel, theirModel].map((each) => {
                const n = each.get(index)
                return n === undefined ? undefined : valueFor(n)
              }),
            )
            return our === undefined || their === undefined ? undefined : our.n > their.n ? our : their
          },
        })
        expect(asked).toEqual(conflicts.map((index) => UNIVERSE[index]))
        expect(resolved.equals(await expected(greater))).toBe(true)
        await countChunks(context.store, resolved)
      }),
      { numRuns: runs(numRuns / 2) },
    )
  })

  test('a merge of sets has the changes of both sides', async () => {
    await check(
      fc.asyncProperty(models, edits, edits, async (model, ourEdits, theirEdits) => {
        const context = newContext(params)
        const set = (each: Model): Promise<SortedSet<Key>> =>
          SortedSet.from(
            context,
            entriesOf(each).map(([key]) => key),
          )
        const [ours, theirs] = [applied(model, ourEdits), applied(model, theirEdits)]
        const merged = await (await set(ours)).merge(await set(model), await set(theirs))
        const indices = indicesOf(new Map([...model, ...ours, ...theirs]))
        const kept = indices.filter((index) =>
          model.has(index) ? ours.has(index) && theirs.has(index) : true,
        )
        const expected = await set(new Map(kept.map((index) => [index, 0])))
        expect(merged.equals(expected)).toBe(true)
      }),
      { numRuns: runs(numRuns / 2) },
    )
  })
})

describe('of big maps', () => {
  const entries = Array.from({ length: 200_000 }, (_, index) => [index, `value ${index * 7919}`] as const)
  const big = async (): Promise<{ context: TestContext; map: SortedMap<number, string> }> => {
    const context = newContext()
    return { context, map: await SortedMap.from<number, string>(context, entries) }
  }

  test('the difference reads what differs', async () => {
    const { context, map } = await big()
    const edit = map.edit()
    for (let index = 0; index < 10; index++) edit.set(index * 20_000 + 7, 'changed')
    const { ref } = await edit.done()
    const cold = coldContext(context)
    const [a, b] = [
      await SortedMap.open<number, string>(cold, map.ref),
      await SortedMap.open<number, string>(cold, ref),
    ]
    expect(await collect(a.diff(b))).toHaveLength(10)
    expect(cold.store.reads).toBeLessThan(60)
    const { reads } = cold.store
    expect(await collect(a.diff(await SortedMap.open<number, string>(cold, map.ref)))).toEqual([])
    expect(cold.store.reads).toBe(reads)
  })

  test('the difference to one with much more at its beginning reads that', async () => {
    const { context, map } = await big()
    const edit = map.edit()
    for (let index = 1; index <= 20_000; index++) edit.set(-index, 'new')
    const { ref } = await edit.done()
    const cold = coldContext(context)
    const a = await SortedMap.open<number, string>(cold, map.ref)
    const b = await SortedMap.open<number, string>(cold, ref)
    let count = 0
    for await (const { kind } of a.diff(b)) if (kind === 'added') count++
    expect(count).toBe(20_000)
    expect(cold.store.reads).toBeLessThan(150)
  })

  test('a merge reads and writes what differs', async () => {
    const { context, map } = await big()
    const ours = await map.edit().set(5, 'ours').delete(100_000).done()
    const theirs = await map.edit().set(150_000, 'theirs').set(5.5, 'theirs').done()
    const cold = coldContext(context)
    const [a, b, c] = await Promise.all(
      [map, ours, theirs].map(({ ref }) => SortedMap.open<number, string>(cold, ref)),
    )
    const merged = await b!.merge(a!, c!)
    expect(cold.store.reads).toBeLessThan(50)
    expect(cold.store.puts).toBeLessThan(12)
    expect(await merged.getMany([5, 5.5, 100_000, 150_000])).toEqual(['ours', 'theirs', undefined, 'theirs'])
  })
})

describe('a merge', () => {
  test('of what both changed to the same is what either has', async () => {
    const context = newContext()
    const base = await SortedMap.from<string, number>(context, [
      ['a', 1],
      ['b', 2],
    ])
    const one = await base.edit().set('a', 9).delete('b').done()
    const other = await base.edit().delete('b').set('a', 9).done()
    expect((await one.merge(base, other)).equals(one)).toBe(true)
    expect((await one.merge(base, base)).equals(one)).toBe(true)
    expect((await base.merge(base, one)).equals(one)).toBe(true)
  })

  test('of maps of other stores takes their entries over', async () => {
    const context = newContext()
    const base = await SortedMap.from<string, number>(context, [['a', 1]])
    const elsewhere = newContext()
    const theirs = await SortedMap.from<string, number>(elsewhere, [
      ['a', 1],
      ['b', 2],
    ])
    const merged = await base.merge(await SortedMap.from(elsewhere, [['a', 1]]), theirs)
    expect(await collect(merged)).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    await countChunks(context.store, merged)
  })

  test('names the first conflicts, and that nothing was merged', async () => {
    const context = newContext()
    const base = await SortedMap.from<string, number>(context, [])
    const one = await SortedMap.from<string, number>(
      context,
      Array.from({ length: 12 }, (_, n) => [`k${n}`, 1]),
    )
    const other = await SortedMap.from<string, number>(
      context,
      Array.from({ length: 12 }, (_, n) => [`k${n}`, 2]),
    )
    await expect(one.merge(base, other)).rejects.toThrow(
      /^12 conflicts, at "k0", "k1", "k10",.*, \.\.\.; nothing was/,
    )
  })

  test('rejects with the error of its resolver', async () => {
    const context = newContext()
    const base = await SortedMap.from<string, number>(context, [])
    const one = await SortedMap.from<string, number>(context, [['a', 1]])
    const other = await SortedMap.from<string, number>(context, [['a', 2]])
    const resolve = (): never => {
      throw new Error('undecided')
    }
    await expect(one.merge(base, other, { resolve })).rejects.toThrow('undecided')
    // biome-ignore lint/suspicious/noExplicitAny: what a program without types may give
    await expect(one.merge(base, other, { resolve: () => new Date() as any })).rejects.toThrow(
      'value is a Date',
    )
  })
})
