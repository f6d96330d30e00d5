/** What can be stored reads back equal; what cannot is refused by name of its place. */

import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { List } from '../../src/collection/list.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import type { Key, Storable, Value } from '../../src/collection/value.js'
import type { Value as ChunkValue } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { MAX_ITEM_BYTES, MAX_KEY_BYTES } from '../../src/sequence/format.js'
import { asRead, values } from '../encoding/values.js'
import { check } from '../seed.js'
import { countChunks } from '../sequence/trees.js'
import { collect, KNOWN_REFS, newContext } from './contexts.js'
import { runs } from './runs.js'

/** Values of collections: those of chunks, with refs to what is there in place of all refs. */
const storable = values.map((value) => withKnownRefs(value))

function withKnownRefs(value: ChunkValue): Value {
  if (value instanceof Ref || value instanceof RefList) return KNOWN_REFS[value.bytes.length % 8]!
  if (Array.isArray(value)) return value.map(withKnownRefs)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withKnownRefs(each)]))
}

test('what is read back equals what was stored', async () => {
  await check(
    fc.asyncProperty(fc.array(storable, { maxLength: 5 }), async (all) => {
      const list = await List.from<Value>(newContext(), all)
      const expected = all.map((value) => asRead(value as ChunkValue))
      deepStrictEqual(await collect(list), expected)
      const map = await SortedMap.from<number, Value>(newContext(), all.entries())
      deepStrictEqual(await map.getMany(all.keys()), expected)
      deepStrictEqual(
        await collect(
          (
            await list
              .edit()
              .push(...all)
              .splice(0, all.length)
              .done()
          ).values(),
        ),
        expected,
      )
    }),
    { numRuns: runs(300) },
  )
})

test('a key named __proto__ is a key like any other, and no prototype is touched', async () => {
  const record = JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}')
  const map = await SortedMap.from<string, Record<string, Value>>(newContext(), [['__proto__', record]])
  const read = (await map.get('__proto__'))!
  expect(Object.keys(read)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
  expect(await map.get('constructor')).toBeUndefined()
})

test('blobs, lists, maps and sets are stored as their refs, wherever they stand, as keys too', async () => {
  const context = newContext()
  const blob = await Blob.put({ store: context.store, cache: context.cache }, Uint8Array.of(1, 2, 3))
  const list = await List.from<number>(context, [1])
  const set = await SortedSet.from<number>(context, [1])
  const map = await SortedMap.from<string, Value>(context, [['all', [blob, { list, set }]]])
  expect(await map.get('all')).toEqual([blob.ref, { list: list.ref, set: set.ref }])
  const byRef = await SortedMap.from<Ref, string>(context, [[map, 'the map']])
  expect(await byRef.get(map)).toBe('the map')
  expect(await byRef.get(map.ref)).toBe('the map')
  const edited = await byRef.edit().set(blob, 'the blob').delete(map).done()
  expect(await collect(edited)).toEqual([[blob.ref, 'the blob']])
  // A walk finds what is referred to: the list, the set and the blob are under the map.
  expect(await countChunks(context.store, map)).toBe(4)
})

describe('a ref to what the store does not hold', () => {
  const ref = Ref.fromBytes(new Uint8Array(20).fill(7))
  const missing = { code: 'NOMSY_MISSING_CHUNK', ref: ref.toString() }

  test('is refused in new items of every kind', async () => {
    const context = newContext()
    const list = await List.from<Storable & Value>(context, [1])
    const map = await SortedMap.from<Key, Value>(context, [])
    const set = await SortedSet.from<Key>(context, [])
    for (const attempt of [
      () => List.from(context, [[{ a: ref }]]),
      () => SortedMap.from(context, [['a', ref]]),
      () => SortedMap.from(context, [[ref, 'a']]),
      () =>
        SortedMap.from(context, [
          ['b', 1],
          ['a', { deep: [ref] }],
        ]),
      () => SortedSet.from(context, [ref]),
      () => list.splice(0, 0, [ref]),
      () => list.edit().push(ref).done(),
      () => map.edit().set('a', ref).done(),
      () => set.edit().add(ref).done(),
    ]) {
      await expect(attempt()).rejects.toMatchObject(missing)
    }
  })

  test('is refused in items that come from another store', async () => {
    const elsewhere = newContext()
    const blob = await Blob.put({ store: elsewhere.store, cache: elsewhere.cache }, Uint8Array.of(1, 2, 3))
    const theirs = await List.from<Ref>(elsewhere, [blob])
    const ours = await List.from<Ref>(newContext(), [])
    await expect(ours.concat(theirs)).rejects.toMatchObject({
      code: 'NOMSY_MISSING_CHUNK',
      ref: String(blob.ref),
    })
  })
})

const nested = (depth: number): Value => Array.from({ length: depth }).reduce<Value>((inner) => [inner], null)

describe('what cannot be stored is refused:', () => {
  const cycle: unknown[] = []
  cycle.push({ self: cycle })

  test.each<[string, unknown, typeof TypeError | typeof RangeError, string]>([
    ['a Date', { users: [0, 1, 2, { born: new Date() }] }, TypeError, 'value.users[3].born is a Date, which'],
    ['undefined', { a: undefined }, TypeError, 'value.a is undefined'],
    ['a hole in an array', new Array(1), TypeError, 'value[0] is undefined'],
    ['a function', [() => 1], TypeError, 'value[0] is a function'],
    ['a symbol', Symbol('s'), TypeError, 'value is a symbol'],
    ['a cycle', cycle, RangeError, 'or refers to itself'],
    ['a lone surrogate', { a: 'x\ud800' }, TypeError, 'value.a holds a lone surrogate'],
    ['a Map of the language', { m: new Map() }, TypeError, 'value.m is a Map'],
    ['an instance of a class', [new (class Point {})()], TypeError, 'value[0] is a Point'],
    ['an array of numbers of another kind', [new Float32Array(1)], TypeError, 'value[0] is a Float32Array'],
    ['a list of refs', { refs: RefList.of([]) }, TypeError, 'value.refs is a RefList'],
    ['a bigint beyond 64 bits', [2n ** 64n], RangeError, 'value[0] is 18446744073709551616, beyond 64 bits'],
    ['63 arrays inside each other', nested(63), RangeError, 'nested more than 62 deep'],
    [
      'an item above 1 MiB',
      'x'.repeat(MAX_ITEM_BYTES),
      RangeError,
      'value is 1048581 bytes encoded, above 1048576',
    ],
  ])('%s', async (_, value, errorClass, message) => {
    const context = newContext()
    const list = await List.from<Value>(context, [])
    const map = await SortedMap.from<string, Value>(context, [])
    // What a program without types may ask for.
    const any = value as Value
    const attempts: (() => Promise<unknown>)[] = [
      () => List.from(context, [any]),
      () => list.append([any]),
      async () => list.edit().push(any),
      async () => list.edit().splice(0, 0, [any]),
    ]
    if (!message.includes('bytes encoded')) {
      attempts.push(
        () => SortedMap.from(context, [['a', any]]),
        async () => map.edit().set('a', any),
      )
    }
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(errorClass)
      expect((error as Error).message).toContain(message)
    }
    expect(await list.edit().done()).toEqual(list)
  })

  test.each<[string, unknown, typeof TypeError | typeof RangeError, string]>([
    ['NaN', Number.NaN, TypeError, 'key is NaN, which cannot be a key'],
    ['NaN in a composite key', ['a', [Number.NaN]], TypeError, 'key[1][0] is NaN'],
    ['a record', { a: 1 }, TypeError, 'key is a record, which cannot be a key'],
    ['a record in a composite key', ['a', { b: 1 }], TypeError, 'key[1] is a record'],
    ['undefined', undefined, TypeError, 'key is undefined'],
    ['a Date', [new Date()], TypeError, 'key[0] is a Date'],
    ['a lone surrogate', '\udc00', TypeError, 'key holds a lone surrogate'],
    [
      'a key above 1,024 bytes',
      'x'.repeat(MAX_KEY_BYTES - 2),
      RangeError,
      'key is 1025 bytes encoded, above 1024',
    ],
    ['a long composite key', new Array(1022).fill(0), RangeError, 'key is 1025 bytes encoded'],
    ['63 arrays inside each other', nested(63), RangeError, 'key[0][0]'],
  ])('%s as a key', async (_, key, errorClass, message) => {
    const context = newContext()
    const map = await SortedMap.from<Key, number>(context, [])
    const set = await SortedSet.from<Key>(context, [])
    const any = key as Key
    for (const attempt of [
      () => SortedMap.from(context, [[any, 1]]),
      () => SortedSet.from(context, [any]),
      () => map.get(any),
      () => map.getMany([any]),
      () => set.has(any),
      async () => map.edit().set(any, 1),
      async () => map.edit().delete(any),
      async () => set.edit().add(any),
    ]) {
      const error = await (attempt as () => Promise<unknown>)().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(errorClass)
      expect((error as Error).message).toContain(message)
    }
  })

  test.each<[string, unknown]>([
    ['text', 'ab'],
    ['a record', { 0: 'a', 1: 'b' }],
    ['nothing', undefined],
  ])('%s in place of an entry', async (_, entry) => {
    const entries = [entry] as [string, number][]
    await expect(SortedMap.from(newContext(), entries)).rejects.toThrow(
      'an entry of a map is an array: [key, value]',
    )
  })
})

describe('what can just be stored is:', () => {
  test.each<[string, Value]>([
    ['62 arrays inside each other', nested(62)],
    ['an item of 1 MiB', 'x'.repeat(MAX_ITEM_BYTES - 5)],
    ['-0, as 0', [0]],
  ])('%s', async (_, value) => {
    const list = await List.from<Value>(newContext(), [value])
    expect(await list.at(0)).toEqual(value)
    const reread = await List.open<Value>({ ...list.context }, list.ref)
    expect(await reread.at(0)).toEqual(value)
  })

  test('a key of 1,024 bytes, and one 62 deep', async () => {
    const keys: Key[] = ['x'.repeat(MAX_KEY_BYTES - 3), nested(62) as Key]
    const set = await SortedSet.from<Key>(newContext(), keys)
    expect(await collect(set)).toEqual(keys)
  })

  test('-0 and 0 as one key', async () => {
    const map = await SortedMap.from<number, string>(newContext(), [
      [0, 'first'],
      [-0, 'last'],
    ])
    expect(await collect(map)).toEqual([[0, 'last']])
  })

  test('a value as it is when it is given, whatever becomes of it', async () => {
    const map = await SortedMap.from<string, { n: number }>(newContext(), [])
    const value = { n: 1 }
    const edit = map.edit().set('a', value)
    value.n = 2
    expect(await (await edit.done()).get('a')).toEqual({ n: 1 })
  })

  test('a value with a getter that looks something up meanwhile', async () => {
    const map = await SortedMap.from<string, number>(newContext(), [['a', 1]])
    const found: Promise<number | undefined>[] = []
    const value = {
      get n(): number {
        found.push(map.get('a'))
        return 5
      },
    }
    const other = await SortedMap.from<string, { n: number }>(newContext(), [])
    expect(await (await other.edit().set('key', value).done()).get('key')).toEqual({ n: 5 })
    expect(await Promise.all(found)).toEqual([1])
  })
})
