import { describe, expect, expectTypeOf, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { List } from '../../src/collection/list.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import { SortedSet } from '../../src/collection/sorted-set.js'
import type { Key, Value } from '../../src/collection/value.js'
import { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import { encode } from '../../src/encoding/encode.js'
import type { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { MetaNode } from '../../src/sequence/node.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { WatchedStore } from '../sequence/watched-store.js'
import { collect, onDisk } from './databases.js'

function newDatabase(): Database {
  return new Database(new MemoryStore())
}

describe('get gives what a ref stands for:', () => {
  test('a blob, a list, a map, a set, small and large', async () => {
    const db = newDatabase()
    const many = Array.from({ length: 5000 }, (_, index) => index)
    const stored = [
      await db.putBlob(new Uint8Array(1)),
      await db.putBlob(new Uint8Array(100_000)),
      await db.list([]),
      await db.list(many),
      await db.map([['a', 1]]),
      await db.map(many.map((index) => [index, index] as const)),
      await db.set(['a']),
      await db.set(many),
    ]
    const classes = [Blob, Blob, List, List, SortedMap, SortedMap, SortedSet, SortedSet]
    for (const [index, { ref }] of stored.entries()) {
      const found = await db.get(ref)
      expect(found).toBeInstanceOf(classes[index])
      expect(found.ref.equals(ref)).toBe(true)
    }
  })

  test('nothing where there is nothing, or something else', async () => {
    const db = newDatabase()
    const { ref } = chunkOf(encode(['list', 0, []]))
    await expect(db.get(ref)).rejects.toMatchObject({ code: 'NOMSY_MISSING_CHUNK' })
    await expect(db.get('main' as unknown as Ref)).rejects.toThrow(TypeError)
    for (const bytes of [
      encode(['other', 0]),
      encode({}),
      encode([]),
      Uint8Array.of(0xc1),
      encode(['set', 'x']),
    ]) {
      const chunk = chunkOf(bytes)
      await db.store.put([chunk])
      await expect(db.get(chunk.ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
    }
  })
})

describe('list, map and set', () => {
  test('make of nothing what is empty, and open what a ref stands for', async () => {
    const db = newDatabase()
    const list = await db.list<string>()
    expect(list.length).toBe(0)
    expect((await db.list<string>(list.ref)).equals(list)).toBe(true)
    const map = await db.map<string, number>()
    expect(map.size).toBe(0)
    expect((await db.map<string, number>(map.ref)).equals(map)).toBe(true)
    const set = await db.set<string>()
    expect(set.size).toBe(0)
    expect((await db.set<string>(set.ref)).equals(set)).toBe(true)
    await expect(db.map(set.ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  })

  test('take what comes at once, and what comes bit by bit', async () => {
    const db = newDatabase()
    async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T> {
      for (const item of items) {
        await null
        yield item
      }
    }
    const entries = new Map([
      ['b', 2],
      ['a', 1],
    ])
    const map = await db.map(entries)
    expect(map.equals(await db.map(slowly(entries)))).toBe(true)
    expect(await collect(map)).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    const list = await db.list(slowly(new Set([3, 1, 2])))
    expect(await collect(list)).toEqual([3, 1, 2])
    expect(await collect(await db.set(slowly([3, 1, 3])))).toEqual([1, 3])
  })

  test('tell how far they are, and stop when they are told to', async () => {
    const db = newDatabase()
    let count = 0
    const items = Array.from({ length: 20_000 }, (_, index) => index)
    for (const make of [
      () => db.list(items, { onProgress: (more) => void (count += more) }),
      () => db.set(items.toReversed(), { onProgress: (more) => void (count += more) }),
      () => db.map(items.entries(), { onProgress: (more) => void (count += more) }),
    ]) {
      count = 0
      await make()
      expect(count).toBe(20_000)
    }
    await expect(db.list(items, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    // Also while the source is silent.
    let isLeft = false
    const silent = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>(() => {}),
        return: async () => {
          isLeft = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    const stop = new AbortController()
    const waiting = db.set(silent, { signal: stop.signal })
    setTimeout(() => stop.abort(), 5)
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(isLeft).toBe(true)
  })

  test('reject with the error of their source, and of their store', async () => {
    const db = newDatabase()
    const failing = function* (): Generator<[string, number]> {
      yield ['b', 1]
      yield ['a', 1]
      throw new Error('no more')
    }
    await expect(db.map(failing())).rejects.toThrow('no more')
    await db.close()
    await expect(db.list([1])).rejects.toMatchObject({ code: 'NOMSY_CLOSED' })
  })

  test('have the types of what is read back', async () => {
    const db = newDatabase()
    const blob = await db.putBlob(new Uint8Array(1))
    expectTypeOf(await db.list([1, 2])).toEqualTypeOf<List<number>>()
    expectTypeOf(await db.list(['a', blob])).toEqualTypeOf<List<string | Ref>>()
    expectTypeOf(await db.set([['a', 1]])).toEqualTypeOf<SortedSet<(string | number)[]>>()
    const map = await db.map([['ada', { born: 1815, picture: blob, tags: ['x'] }]])
    expectTypeOf(map).toEqualTypeOf<SortedMap<string, { born: number; picture: Ref; tags: string[] }>>()
    // What is stored may hold blobs where refs are read.
    const more = await map.edit().set('alan', { born: 1912, picture: blob, tags: [] }).done()
    expect((await more.get('alan'))?.picture).toEqual(blob.ref)
    async function* keys(): AsyncGenerator<Key> {
      yield* ['b', ['a', 1]]
    }
    expectTypeOf(await db.set(keys())).toEqualTypeOf<SortedSet<Key>>()
    async function* entries(): AsyncGenerator<readonly [Key, Value]> {
      yield ['b', { born: 1815 }]
    }
    expectTypeOf(await db.map(entries())).toEqualTypeOf<SortedMap<Key, Value>>()
    type Color = 'red' | 'green'
    const colors = await db.map<Color, { hue: number }>([['red', { hue: 0 }]])
    expectTypeOf(colors).toEqualTypeOf<SortedMap<Color, { hue: number }>>()
    // @ts-expect-error blue is no such color
    await colors.get('blue')
    // @ts-expect-error a Date cannot be stored
    await expect(db.map([['now', new Date()]])).rejects.toThrow('value is a Date')
    // @ts-expect-error a record cannot be a key
    await expect(db.set([{ a: 1 }])).rejects.toThrow('key is a record')
  })
})

test('collections on a disk are there again when it is opened again', async () => {
  const refs: Ref[] = []
  await onDisk(async (db, path) => {
    const blob = await db.putBlob(new Uint8Array(100_000))
    const entries = Array.from(
      { length: 20_000 },
      (_, index) => [(index * 7919) % 20_011, [index, blob]] as const,
    )
    const map = await db.map(entries)
    const edited = await map.edit().set(5, [5, blob.ref]).delete(0).done()
    const list = await db.list(Array.from({ length: 20_000 }, (_, index) => `item ${index}`))
    const spliced = await list.splice(10_000, 5000, ['x'])
    for (const { ref } of [map, edited, list, spliced]) {
      await db.pin(ref)
      refs.push(ref)
    }
    await db.close()
    const again = await open(path, { create: false })
    const reread = await again.map<number, (number | Ref)[]>(refs[1])
    expect(reread.size).toBe(edited.size)
    expect(await reread.get(5)).toEqual([5, blob.ref])
    expect(await reread.get(0)).toBeUndefined()
    expect((await reread.edit().delete(5).set(5, [5, blob]).done()).equals(reread)).toBe(true)
    expect(
      (await collect((await again.list<string>(refs[3])).values({ start: 9999, end: 10_002 }))).length,
    ).toBe(3)
    await again.close()
  })
})

describe('check', () => {
  async function problems(db: Database): Promise<string[]> {
    return (await collect(db.check({ data: true }))).map(({ message }) => message)
  }

  test('follows a map to its leaves, and what its values refer to', async () => {
    const store = new WatchedStore()
    const db = new Database(store)
    const inner = await db.list(Array.from({ length: 3000 }, (_, index) => `item ${index}`))
    const blob = await db.putBlob(new Uint8Array(200_000))
    const entries = Array.from(
      { length: 3000 },
      (_, index) => [index, index === 77 ? [inner, blob] : 'x'] as const,
    )
    const map = await db.map(entries)
    await db.setHead('map', map.ref)
    expect(await problems(db)).toEqual([])
    const root = map.tree.root
    const innerRoot = inner.tree.root
    if (!(root instanceof MetaNode && innerRoot instanceof MetaNode)) expect.unreachable()
    store.lose(root.childRef(1))
    store.lose(innerRoot.childRef(0))
    store.lose(blob.ref)
    const [start, end] = [root.childStart(1), root.ends[1]!]
    expect((await problems(db)).sort()).toEqual(
      [
        `map: items ${start}-${end - 1}, after [${start - 1}], up to [${end - 1}]: chunk ${root.childRef(1)} is missing`,
        `map:[77]/0: items 0-${innerRoot.ends[0]! - 1}: chunk ${innerRoot.childRef(0)} is missing`,
        `map:[77]/1: chunk ${blob.ref} is missing`,
      ].sort(),
    )
  })

  test('finds nodes that are not what their parents say, and none', async () => {
    const db = newDatabase()
    const add = async (value: Parameters<typeof encode>[0]): Promise<Ref> => {
      const chunk = chunkOf(encode(value))
      await db.store.put([chunk])
      return chunk.ref
    }
    const [a, b] = [await add(['set', 0, ['a']]), await add(['set', 0, ['b']])]
    const lying = await add(['set', 1, RefList.of([a, b]), [1, 1], ['a', 'c']])
    const unsorted = await add(['map', 0, ['b', 1, 'a', 1]])
    await db.setHead('lying', lying)
    await db.setHead('unsorted', unsorted)
    expect(await problems(db)).toEqual([
      `lying: items 1-1, after a, up to c: chunk ${b} is not what its parent says`,
      `unsorted: chunk ${unsorted} is no valid node`,
    ])
  })
})
