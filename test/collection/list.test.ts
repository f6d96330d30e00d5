/** Lists are what plain arrays are, and whatever was done to them the ones that their items make from scratch. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { List } from '../../src/collection/list.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks } from '../sequence/trees.js'
import { coldContext, collect, newContext, type TestContext } from './contexts.js'
import { runs } from './runs.js'

type Item = string | number | { n: number }

/** Items from one byte to more than a whole small chunk, few and many, alike and not. */
function items(maxItems: number): fc.Arbitrary<Item[]> {
  const item: fc.Arbitrary<Item> = fc.oneof(
    fc.nat(300),
    fc.string({ maxLength: 40 }),
    fc.constant('x'.repeat(500)),
    fc.record({ n: fc.nat(9) }),
  )
  const many = fc
    .tuple(fc.nat(maxItems), fc.nat(50), fc.constantFrom(1, 7, 1_000_000))
    .map(([count, seed, period]) =>
      Array.from({ length: count }, (_, index) => `${seed}:${(index % period) * 7919}`),
    )
  return fc.oneof(fc.array(item, { maxLength: 30 }), many)
}

function stored(context: TestContext, items: readonly Item[]): Promise<List<Item>> {
  return List.from<Item>(context, items)
}

async function expectItems(list: List<Item>, items: readonly Item[], params: TreeParams): Promise<void> {
  expect(list.length).toBe(items.length)
  expect(list.ref.toString()).toBe((await stored(newContext(params), items)).ref.toString())
}

const part = fc.double({ min: 0, max: 1, noNaN: true })

describe.each<[string, TreeParams, number, number]>([
  ['small', SMALL_PARAMS, 3000, 60],
  ['usual', COLLECTION_PARAMS, 6000, 20],
])('with chunks of %s sizes', (_, params, maxItems, numRuns) => {
  test('any run of splices gives the list of the spliced items', async () => {
    const splice = fc.record({
      at: part,
      removed: fc.oneof(part, fc.constant(0)),
      inserted: items(maxItems / 8),
    })
    await check(
      fc.asyncProperty(
        items(maxItems),
        fc.array(splice, { minLength: 1, maxLength: 4 }),
        async (before, splices) => {
          const context = newContext(params)
          let list = await stored(context, before)
          const expected = [...before]
          for (const { at: atPart, removed: removedPart, inserted } of splices) {
            const at = Math.floor(atPart * expected.length)
            const removed = Math.floor(removedPart * (expected.length - at))
            list = await list.splice(at, removed, inserted)
            expected.splice(at, removed, ...inserted)
            await expectItems(list, expected, params)
          }
          expect(await collect(list)).toEqual(expected)
          await countChunks(context.store, list)
        },
      ),
      { numRuns: runs(numRuns) },
    )
  })

  test('many edits at once do what they do to an array, one after the other', async () => {
    const edit = fc.record({
      kind: fc.constantFrom('set', 'splice', 'splice', 'push'),
      at: part,
      removed: fc.oneof(fc.nat(3), fc.nat(300)),
      values: fc.oneof(fc.array(fc.nat(99), { maxLength: 3 }), items(200)),
    })
    await check(
      fc.asyncProperty(items(maxItems), fc.array(edit, { maxLength: 20 }), async (before, edits) => {
        const context = newContext(params)
        const list = await stored(context, before)
        const expected = [...before]
        const changes = list.edit()
        for (const { kind, at, removed, values } of edits) {
          const index = Math.floor(at * expected.length)
          if (kind === 'push') {
            changes.push(...values)
            expected.push(...values)
          } else if (kind === 'set' && index < expected.length) {
            changes.set(index, removed)
            expected[index] = removed
          } else {
            const count = Math.min(removed, expected.length - index)
            changes.splice(index, count, values)
            expected.splice(index, count, ...values)
          }
          expect(changes.length).toBe(expected.length)
        }
        const after = await changes.done()
        await expectItems(after, expected, params)
        await countChunks(context.store, after)
        // The list that was edited is what it was.
        expect(await collect(list)).toEqual(before)
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('slices, and lists one after the other, are those of arrays', async () => {
    await check(
      fc.asyncProperty(items(maxItems), items(maxItems / 2), part, part, async (one, other, from, to) => {
        const context = newContext(params)
        const [a, b] = [await stored(context, one), await stored(context, other)]
        const start = Math.floor(from * one.length)
        const end = Math.floor(to * one.length)
        await expectItems(await a.slice(start, end), one.slice(start, end), params)
        await expectItems(await a.slice(-start, -1), one.slice(-start, -1), params)
        await expectItems(await a.concat(b, a), [...one, ...other, ...one], params)
        await expectItems(await a.append(b), [...one, ...other], params)
        await expectItems(await a.splice(start, 0, b), one.toSpliced(start, 0, ...other), params)
        const elsewhere = await a.concat(await stored(newContext(params), other))
        await expectItems(elsewhere, [...one, ...other], params)
        await countChunks(context.store, elsewhere)
      }),
      { numRuns: runs(numRuns / 2) },
    )
  })

  test('items are read by position, and in ranges both ways', async () => {
    await check(
      fc.asyncProperty(items(maxItems), part, part, async (all, from, to) => {
        const context = newContext(params)
        const { ref } = await stored(context, all)
        const list = await List.open<Item>(coldContext(context), ref)
        const start = Math.floor(from * all.length)
        const end = Math.floor(to * all.length)
        for (const [first, last] of [
          [start, end],
          [-end, -1],
          [start, undefined],
          [undefined, end],
        ]) {
          const expected = all.slice(first, last)
          expect(await collect(list.values({ start: first, end: last }))).toEqual(expected)
          expect(await collect(list.values({ start: first, end: last, reverse: true }))).toEqual(
            expected.reverse(),
          )
        }
        for (const index of [start, end, 0, -1, -start, all.length, -all.length - 1])
          expect(await list.at(index)).toEqual(all.at(index))
      }),
      { numRuns: runs(numRuns / 2) },
    )
  })

  test('the difference between lists turns the one into the other', async () => {
    await check(
      fc.asyncProperty(
        items(maxItems),
        part,
        fc.nat(20),
        items(100),
        async (before, place, removed, inserted) => {
          const context = newContext(params)
          const at = Math.floor(place * before.length)
          const after = before.toSpliced(at, removed, ...inserted).toSpliced(at >> 1, 1, 'changed')
          const [a, b] = [await stored(context, before), await stored(context, after)]
          const result = [...before]
          const changes = await collect(a.diff(b))
          for (const { aStart, removed, bStart, inserted } of changes.toReversed())
            result.splice(aStart, removed, ...after.slice(bStart, bStart + inserted))
          expect(result).toEqual(after)
          expect(await collect(a.diff(await stored(context, before)))).toEqual([])
        },
      ),
      { numRuns: runs(numRuns) },
    )
  })

  test('a merge comes to the same from either side', async () => {
    const edit = fc.record({ at: part, removed: fc.nat(4), inserted: fc.array(fc.nat(9), { maxLength: 3 }) })
    const edits = fc.array(edit, { maxLength: 4 })
    await check(
      fc.asyncProperty(items(maxItems / 4), edits, edits, async (before, ourEdits, theirEdits) => {
        const context = newContext(params)
        const edited = (each: typeof ourEdits): Promise<List<Item>> =>
          stored(
            context,
            each.reduce<Item[]>((all, { at, removed, inserted }) => {
              return all.toSpliced(Math.floor(at * all.length), removed, ...inserted)
            }, before),
          )
        const base = await stored(context, before)
        const [ours, theirs] = [await edited(ourEdits), await edited(theirEdits)]
        const one = await ours.merge(base, theirs, { resolve: 'ours' })
        const other = await theirs.merge(base, ours, { resolve: 'theirs' })
        expect(await collect(one)).toEqual(await collect(other))
        expect(one.equals(other)).toBe(true)
        const resolved = await ours.merge(base, theirs, { resolve: (conflict) => conflict.ours })
        expect(resolved.equals(one)).toBe(true)
        expect((await ours.merge(base, base)).equals(ours)).toBe(true)
        expect((await base.merge(base, theirs)).equals(theirs)).toBe(true)
        expect((await ours.merge(base, ours)).equals(ours)).toBe(true)
        await countChunks(context.store, one)
      }),
      { numRuns: runs(numRuns) },
    )
  })
})

describe('a merge', () => {
  const base = [...'abcdefghij']

  test.each<[string, string, string, string]>([
    ['replacements apart from each other', 'aBcdefghij', 'abcdefghIj', 'aBcdefghIj'],
    ['replacements next to each other', 'aBcdefghij', 'abCdefghij', 'aBCdefghij'],
    ['an insertion and a removal', 'aXbcdefghij', 'abcdefgij', 'aXbcdefgij'],
    ['an insertion before what the other replaces', 'abXcdefghij', 'abCdefghij', 'abXCdefghij'],
    ['an insertion after what the other replaces', 'abcXdefghij', 'abCdefghij', 'abCXdefghij'],
    ['the same change', 'abXdefghij', 'abXdefghij', 'abXdefghij'],
    ['the same insertion', 'abcdefghijX', 'abcdefghijX', 'abcdefghijX'],
    ['the same removal and one more each', 'abefghijX', 'Xabefghij', 'XabefghijX'],
    ['nothing on one side', 'abcdefghij', 'xyz', 'xyz'],
    ['everything on one side', '', 'abcdefghij', ''],
  ])('of %s has both', async (_, our, their, merged) => {
    const context = newContext()
    const [a, ours, theirs] = await Promise.all(
      [base, [...our], [...their]].map((each) => stored(context, each)),
    )
    expect((await collect(await ours!.merge(a!, theirs!))).join('')).toBe(merged)
    expect((await collect(await theirs!.merge(a!, ours!))).join('')).toBe(merged)
  })

  test.each<[string, string, string, number, [string, string, string]]>([
    ['replacements of the same item', 'abXdefghij', 'abYdefghij', 2, ['c', 'X', 'Y']],
    ['insertions at one place', 'abXcdefghij', 'abYcdefghij', 2, ['', 'X', 'Y']],
    ['replacements that overlap', 'abXXefghij', 'abcYYfghij', 2, ['cde', 'XXe', 'cYY']],
    ['an insertion into what the other removes', 'abcXdefghij', 'abghij', 2, ['cdef', 'cXdef', '']],
    ['replacements that overlap in a chain', 'aXXdYYghij', 'abZZZfghij', 1, ['bcdef', 'XXdYY', 'bZZZf']],
  ])('of %s is a conflict', async (_, our, their, at, parts) => {
    const context = newContext()
    const [a, ours, theirs] = await Promise.all(
      [base, [...our], [...their]].map((each) => stored(context, each)),
    )
    await expect(ours!.merge(a!, theirs!)).rejects.toMatchObject({
      code: 'NOMSY_MERGE_CONFLICT',
      count: 1,
      first: [at],
    })
    const resolved = await ours!.merge(a!, theirs!, {
      resolve: (conflict) => {
        expect(conflict.at).toBe(at)
        expect([conflict.base, conflict.ours, conflict.theirs].map((each) => each.join(''))).toEqual(parts)
        return ['<', ...conflict.theirs, '>']
      },
    })
    const [before, , after] = [base.slice(0, at).join(''), 0, base.slice(at + parts[0].length).join('')]
    expect((await collect(resolved)).join('')).toBe(`${before}<${parts[2]}>${after}`)
  })
})

describe('of a big list', () => {
  const all = Array.from({ length: 200_000 }, (_, index) => `item ${index * 7919}`)
  const big = async (): Promise<{ context: TestContext; list: List<Item> }> => {
    const written = newContext()
    const { ref } = await stored(written, all)
    const context = coldContext(written)
    return { context, list: await List.open<Item>(context, ref) }
  }

  test.each([0, 100_000, 199_999])('a splice at %i reads and writes a few chunks', async (at) => {
    const { context, list } = await big()
    const after = await list.splice(at, 1, ['x', 'y'])
    expect(context.store.reads).toBeLessThan(20)
    expect(context.store.puts).toBeLessThan(12)
    expect(await after.at(at + 1)).toBe('y')
  })

  test('ten edits at once read and write around them', async () => {
    const { context, list } = await big()
    const edit = list.edit()
    for (let index = 0; index < 10; index++) edit.set(index * 20_000, 'x')
    await edit.done()
    expect(context.store.reads).toBeLessThan(80)
    expect(context.store.puts).toBeLessThan(50)
  })

  test('the difference to an edited one is the edits', async () => {
    const { context, list } = await big()
    const edited = await list.edit().set(70_000, 'x').splice(70_010, 1).push('y').done()
    const { store } = coldContext(context)
    expect(await collect(list.diff(edited))).toEqual([
      { aStart: 70_000, removed: 1, bStart: 70_000, inserted: 1 },
      { aStart: 70_010, removed: 1, bStart: 70_010, inserted: 0 },
      { aStart: 200_000, removed: 0, bStart: 199_999, inserted: 1 },
    ])
    expect(store.reads).toBeLessThan(30)
  })
})

describe('a list', () => {
  test('that is empty has no items, and is the same however it came to be', async () => {
    const context = newContext()
    const empty = await stored(context, [])
    expect(empty.length).toBe(0)
    expect(await empty.at(0)).toBeUndefined()
    expect(await collect(empty.values({ reverse: true }))).toEqual([])
    expect((await empty.concat()).equals(empty)).toBe(true)
    expect((await empty.edit().done()).equals(empty)).toBe(true)
    expect((await (await empty.append([1])).splice(0, 1)).equals(empty)).toBe(true)
    expect((await empty.edit().push(1, 2).splice(0, 2).done()).equals(empty)).toBe(true)
  })

  test.each<[string, number, number]>([
    ['a negative place', -1, 0],
    ['a place beyond the end', 4, 0],
    ['a place that is no integer', 0.5, 0],
    ['more items than there are', 1, 3],
    ['a negative number of items', 1, -1],
  ])('refuses a splice at %s', async (_, at, removed) => {
    const list = await stored(newContext(), [1, 2, 3])
    await expect(list.splice(at, removed)).rejects.toThrow(RangeError)
    expect(() => list.edit().splice(at, removed)).toThrow(RangeError)
  })

  test('refuses to set an item that is not there', async () => {
    const list = await stored(newContext(), [1])
    expect(() => list.edit().set(1, 2)).toThrow('index is 1; it must be an integer from 0 to 0')
  })
})
