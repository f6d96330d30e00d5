/** Nodes of lists, sets and maps that have the right hash and lie: each is met with a typed error. */

import { describe, expect, test } from 'vitest'
import type { Collection } from '../../src/collection/collection.js'
import { List } from '../../src/collection/list.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import type { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { collect, KNOWN_REFS, newContext, type TestContext } from './contexts.js'

/** Short ways to put nodes in a store. */
class Forge {
  readonly context: TestContext = newContext()

  value(value: Value): Ref {
    return this.add(encode(value))
  }

  add(bytes: Uint8Array): Ref {
    const chunk = chunkOf(bytes)
    void this.context.store.put([chunk])
    return chunk.ref
  }

  /** A meta node over children, of each its ref, its length and, in sets and maps, its last key. */
  meta(kind: string, level: number, ...children: [Ref, Value, Value?][]): Ref {
    const refs = RefList.of(children.map(([ref]) => ref))
    const lengths = children.map(([, length]) => length)
    const lastKeys = children.flatMap(([, , key]) => (key === undefined ? [] : [key]))
    return this.value([kind, level, refs, lengths, ...(lastKeys.length > 0 ? [lastKeys] : [])])
  }

  set(...keys: Value[]): Ref {
    return this.value(['set', 0, keys])
  }
}

const nested = (depth: number): Value => Array.from({ length: depth }).reduce<Value>((inner) => [inner], null)
/** The encoding of `["list", 0, [value]]`, its one value given by bytes. */
const listLeaf = (value: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from('93a46c6973740091', 'hex'), value])

type Case = [string, 'list' | 'set' | 'map', (forge: Forge) => Ref]

const cases: Case[] = [
  ['a leaf of another kind', 'map', (forge) => forge.value(['set', 0, []])],
  ['a blob', 'list', (forge) => forge.value(Uint8Array.of(1))],
  ['a leaf that is no array of 3', 'set', (forge) => forge.value(['set', 0])],
  ['a leaf of level 1', 'set', (forge) => forge.value(['set', 1, []])],
  ['a leaf whose items are no array', 'list', (forge) => forge.value(['list', 0, 'items'])],
  [
    'a leaf with something after it',
    'list',
    (forge) => forge.add(Buffer.concat([encode(['list', 0, []]), Buffer.of(0)])),
  ],
  ['a key without a value', 'map', (forge) => forge.value(['map', 0, ['a', 1, 'b']])],
  ['keys in a leaf that fall', 'set', (forge) => forge.set('b', 'a')],
  ['a key twice', 'map', (forge) => forge.value(['map', 0, ['a', 1, 'a', 2]])],
  ['keys in the order of UTF-16', 'set', (forge) => forge.set('\u{10000}', '\uffff')],
  ['a float before the integer that equals it', 'set', (forge) => forge.set(2 ** 53, 2n ** 53n)],
  ['a record as a key', 'set', (forge) => forge.set({ a: 1 })],
  ['a record in a composite key', 'map', (forge) => forge.value(['map', 0, [[{ a: 1 }], 1]])],
  ['NaN as a key', 'set', (forge) => forge.set(Number.NaN)],
  ['no refs as a key', 'set', (forge) => forge.set(RefList.of([]))],
  [
    'two refs as a value',
    'map',
    (forge) => forge.value(['map', 0, ['a', RefList.of(KNOWN_REFS.slice(0, 2))]]),
  ],
  ['no refs inside a value', 'list', (forge) => forge.value(['list', 0, [{ refs: RefList.of([]) }]])],
  ['a value 63 deep', 'list', (forge) => forge.add(listLeaf(encode(nested(63))))],
  ['an item above 1 MiB', 'list', (forge) => forge.value(['list', 0, ['x'.repeat(1024 * 1024)]])],
  ['a key above 1,024 bytes', 'set', (forge) => forge.set('x'.repeat(1024))],
  ['an integer that is not in its shortest form', 'list', (forge) => forge.add(listLeaf(Buffer.of(0xcc, 5)))],
  [
    'a meta node without last keys',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1], [forge.set('b'), 1]),
  ],
  [
    'a meta node of a list with last keys',
    'list',
    (forge) => {
      const leaf = forge.value(['list', 0, [1]])
      return forge.meta('list', 1, [leaf, 1, 1], [leaf, 1, 2])
    },
  ],
  [
    'last keys that fall',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('b'), 1, 'b'], [forge.set('a'), 1, 'a']),
  ],
  [
    'a last key twice',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'a'], [forge.set('a'), 1, 'a']),
  ],
  [
    'fewer last keys than children',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'a'], [forge.set('b'), 1]),
  ],
  [
    'a record as a last key',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'a'], [forge.set('b'), 1, {}]),
  ],
  [
    'a last key that its child has not',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'b'], [forge.set('c'), 1, 'c']),
  ],
  [
    'a child that begins before the one before it ends',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a', 'c'), 2, 'c'], [forge.set('b', 'd'), 2, 'd']),
  ],
  [
    'a length that its child has not',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 2, 'a'], [forge.set('b'), 1, 'b']),
  ],
  ['an empty child', 'set', (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'a'], [forge.set(), 0, 'b'])],
  [
    'a child of another kind',
    'set',
    (forge) => forge.meta('set', 1, [forge.set('a'), 1, 'a'], [forge.value(['list', 0, ['b']]), 1, 'b']),
  ],
  [
    'a meta node whose last key is not that of its last child',
    'set',
    (forge) => {
      const node = (low: string, high: string): Ref =>
        forge.meta('set', 1, [forge.set(low), 1, low], [forge.set(high), 1, high])
      return forge.meta('set', 2, [node('a', 'b'), 2, 'c'], [node('d', 'e'), 2, 'e'])
    },
  ],
  ['a root with one child', 'list', (forge) => forge.meta('list', 1, [forge.value(['list', 0, [1]]), 1])],
]

function open(kind: Case[1], context: TestContext, ref: Ref): Promise<Collection & AsyncIterable<unknown>> {
  if (kind === 'list') return List.open(context, ref)
  return kind === 'map' ? SortedMap.open(context, ref) : SortedSet.open(context, ref)
}

describe.each(cases)('%s', (_, kind, forge) => {
  test('is refused when it is opened, or read', async () => {
    const place = new Forge()
    const ref = forge(place)
    const read = async (): Promise<unknown> => collect(await open(kind, place.context, ref))
    await expect(read()).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
    // And so it is again, with what was read meanwhile in memory.
    await expect(read()).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  })
})

test('a child that one parent tells the truth about is refused under another that does not', async () => {
  const forge = new Forge()
  const [a, b] = [forge.set('a'), forge.set('b')]
  const honest = forge.meta('set', 1, [a, 1, 'a'], [b, 1, 'b'])
  const lying = forge.meta('set', 1, [a, 1, 'a'], [b, 1, 'c'])
  expect(await collect(await SortedSet.open(forge.context, honest))).toEqual(['a', 'b'])
  const set = await SortedSet.open<string>(forge.context, lying)
  await expect(set.has('b')).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  await expect(collect(set)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
})

test('a chunk that is one kind of collection is not taken for another that was read before', async () => {
  const forge = new Forge()
  const ref = forge.set('a')
  await SortedSet.open(forge.context, ref)
  await expect(List.open(forge.context, ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  await SortedSet.open(forge.context, ref)
})
