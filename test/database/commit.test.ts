/** Commits and single values as chunks: what is written, what is read, what is refused. */

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../src/collection/value.js'
import { Commit } from '../../src/database/commit.js'
import type { Database } from '../../src/database/database.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value as AnyValue, ValueRecord } from '../../src/encoding/value.js'
import { InvalidNodeError, MissingChunkError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { check } from '../seed.js'
import { collect, inMemory } from './databases.js'

interface Vectors {
  readonly values: { readonly value: unknown; readonly hex: string; readonly ref: string }[]
  readonly commits: {
    readonly what: string
    readonly generation: number
    readonly message: string
    /** Which of the commits before it. */
    readonly parents: number[]
    readonly time: number
    readonly value: string
    readonly meta: object
    readonly hex: string
    readonly ref: string
  }[]
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../vectors/commit.json', import.meta.url), 'utf8'))
const absent = Ref.of(encode('absent'))

describe('vectors', () => {
  test('single values', () =>
    inMemory(async (db) => {
      for (const { value, hex, ref } of vectors.values) {
        const stored = await db.putValue(fromJson(value))
        expect(stored.toString()).toBe(ref)
        expect(await hexOf(db, stored)).toBe(hex)
        expect(await db.readValue(stored)).toEqual(fromJson(value))
      }
    }))

  test('commits', () =>
    inMemory(async (db) => {
      for (const { value } of vectors.values) await db.putValue(fromJson(value))
      await db.putBlob(new TextEncoder().encode('hello, nomsy\n'))
      const refs: Ref[] = []
      for (const { what, hex, ref, value, meta, parents: before, ...fields } of vectors.commits) {
        const said = fromJson(meta) as Commit['meta']
        const parents = before.map((index) => refs[index]!)
        const commit = await db.commit('main', Ref.parse(value)!, { ...fields, parents, meta: said })
        expect(commit.ref.toString(), what).toBe(ref)
        expect(await hexOf(db, commit.ref)).toBe(hex)
        const read = await db.readCommit(commit.ref)
        expect(read).toEqual(commit)
        expect(read).toMatchObject({ ...fields, meta: said })
        expect([read.value, ...read.parents].map(String)).toEqual([value, ...parents.map(String)])
        refs.push(commit.ref)
      }
    }))
})

test('what is committed is what is read, whatever is said of it', async () => {
  const name = fc.string({ unit: 'grapheme' }).filter((key) => !(key in FIELDS))
  const said = fc.dictionary(name, fc.jsonValue({ stringUnit: 'grapheme' }).map(withoutMinusZero))
  await check(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger(), said, (message, time, meta) =>
      inMemory(async (db) => {
        const commit = await db.commit('main', 1, { message, time, meta: meta as Commit['meta'] })
        expect(commit).toMatchObject({ generation: 1, message, parents: [], time: time + 0 })
        expect(commit.meta).toEqual({ ...meta })
        expect(await db.readCommit('main')).toEqual(commit)
      }),
    ),
    { numRuns: 50 },
  )
})

test.each([
  ['nothing', null],
  ['text', 'text'],
  ['a record', { born: 1815, tags: ['a', new Uint8Array([1])] }],
])('%s is committed as a single value', (_, value) =>
  inMemory(async (db) => {
    const commit = await db.commit('main', value)
    expect(await db.readValue(commit.value)).toEqual(value)
  }),
)

test('a blob, list, map, set, commit or ref is committed as it is', () =>
  inMemory(async (db) => {
    const first = await db.commit('other', 1)
    const things = [
      await db.putBlob(new Uint8Array(9)),
      await db.list([1]),
      await db.map([[1, 2]]),
      await db.set([1]),
      first,
      { ref: first.value },
    ]
    for (const thing of things) {
      const commit = await db.commit('main', thing instanceof Commit || 'equals' in thing ? thing : thing.ref)
      expect(commit.value.equals(thing.ref)).toBe(true)
      expect((await db.at('main')).equals(thing.ref)).toBe(true)
    }
  }))

test('a value holds blobs as their refs, and changes to what was read reach nobody else', () =>
  inMemory(async (db) => {
    const blob = await db.putBlob(new Uint8Array(9))
    const bytes = new Uint8Array([1, 2, 3])
    const ref = await db.putValue({ blob, bytes })
    const read = (await db.readValue(ref)) as { blob: Ref; bytes: Uint8Array }
    expect(read.blob.equals(blob.ref)).toBe(true)
    read.bytes.fill(9)
    const { meta } = await db.commit('main', ref, { meta: { bytes } })
    ;(Object.values(meta)[0] as Uint8Array).fill(9)
    expect(await db.readValue(ref)).toMatchObject({ bytes })
    expect(await db.readCommit('main')).toMatchObject({ meta: { bytes } })
  }))

describe('a commit is refused, and no head made', () => {
  test.each<[string, (db: Database) => Promise<unknown>, object | string]>([
    ['of nothing', (db) => db.commit('main', undefined as never), 'value is undefined'],
    ['of a Date', (db) => db.commit('main', { at: new Date() } as never), 'value.at is a Date'],
    ['without its value', (db) => db.commit('main', absent), new MissingChunkError(`${absent}`)],
    ['whose value refers to what is not here', (db) => db.commit('main', { absent }), MissingChunkError],
    ['without its parent', (db) => db.commit('main', 1, { parents: [absent] }), MissingChunkError],
    [
      'whose meta refers to what is not here',
      (db) => db.commit('main', 1, { meta: { absent } }),
      MissingChunkError,
    ],
    [
      'whose parent is none',
      async (db) => db.commit('main', 1, { parents: [(await db.putBlob(new Uint8Array(9))).ref] }),
      /blob and no commit/,
    ],
    ['with a name for a pin', (db) => db.commit('pins/main', 1), /are pins/],
    ['with a name that no head has', (db) => db.commit('a//b', 1), /cannot name a head/],
    ['at no whole millisecond', (db) => db.commit('main', 1, { time: 0.5 }), /commit\.time is 0\.5/],
    [
      'with a message that is no text',
      (db) => db.commit('main', 1, { message: 1 as never }),
      /commit\.message/,
    ],
    [
      'with half a character',
      (db) => db.commit('main', 1, { message: '\ud800' }),
      /commit\.message holds a lone/,
    ],
    [
      'with meta of a Map',
      (db) => db.commit('main', 1, { meta: { a: new Map() } as never }),
      /meta\.a is a Map/,
    ],
    [
      'with a list of refs',
      (db) => db.commit('main', 1, { meta: { a: RefList.of([]) } as never }),
      /meta\.a is a RefList/,
    ],
    [
      'with too much',
      (db) => db.commit('main', 1, { meta: { a: 'x'.repeat(2 ** 22) } }),
      /commit is 4194\d+ bytes/,
    ],
    ['of too much', (db) => db.commit('main', 'x'.repeat(2 ** 22)), /value is 4194\d+ bytes/],
    [
      'that is nested too deep',
      (db) => db.commit('main', 1, { meta: { a: nested(63) } }),
      /nested more than 63/,
    ],
    ['of what is nested too deep', (db) => db.commit('main', nested(64)), /nested more than 63/],
    ...['generation', 'message', 'parents', 'time', 'value'].map(
      (field): [string, (db: Database) => Promise<unknown>, RegExp] => [
        `with another ${field}`,
        (db) => db.commit('main', 1, { meta: { [field]: 1 } }),
        new RegExp(`meta\\.${field}: .*choose another name`),
      ],
    ),
  ])('%s', (_, commit, error) =>
    inMemory(async (db) => {
      await expect(commit(db)).rejects.toThrow(error as string)
      expect(await collect(db.heads.list())).toEqual([])
    }),
  )

  test('after one of the highest generation that can be said', () =>
    inMemory(async (db) => {
      const parent = await putCommit(db, {
        parents: [await putCommit(db)],
        generation: Number.MAX_SAFE_INTEGER,
      })
      await expect(db.commit('main', 1, { parents: [parent] })).rejects.toThrow(/generation is above/)
    }))
})

test('what is as deep as can be is committed and read', () =>
  inMemory(async (db) => {
    const commit = await db.commit('main', nested(63), { meta: { a: nested(62) } })
    expect((await db.readCommit('main')).meta).toEqual({ a: nested(62) })
    expect(await db.readValue(commit.value)).toEqual(nested(63))
  }))

describe('a chunk is not taken for a commit', () => {
  const ref = Ref.of(encode('value'))
  const refs = (count: number): RefList => RefList.of(Array.from({ length: count }, () => ref))
  const good = { generation: 1, message: '', parents: refs(0), time: 0, value: ref }

  test.each<[why: string, chunk: AnyValue]>([
    ['list and no commit', ['list', 0, []]],
    ['blob and no commit', new Uint8Array(3)],
    ['nothing known and no commit', null],
    ['nothing known and no commit', []],
    ['three elements', ['commit', 0]],
    ['three elements', ['commit', 0, good, null]],
    ['level is not 0', ['commit', 1, good]],
    ['level is not 0', ['commit', null, good]],
    ['third element is no record', ['commit', 0, [good]]],
    ['third element is no record', ['commit', 0, refs(1)]],
    ['third element is no record', ['commit', 0, new Uint8Array(2)]],
    ['message is no string', ['commit', 0, {}]],
    ['message is no string', ['commit', 0, { ...good, message: null }]],
    ['time is no integer', ['commit', 0, { ...good, time: 0.5 }]],
    ['time is no integer', ['commit', 0, { ...good, time: 2n ** 60n }]],
    ['time is no integer', ['commit', 0, { ...good, time: '0' }]],
    ['value is not one ref', ['commit', 0, { ...good, value: refs(2) }]],
    ['value is not one ref', ['commit', 0, { ...good, value: refs(0) }]],
    ['value is not one ref', ['commit', 0, { ...good, value: 'text' }]],
    ['parents are no refs', ['commit', 0, { ...good, parents: [ref] }]],
    ['parents are no refs', ['commit', 0, { ...good, parents: null }]],
    ['generation is not 1 +', ['commit', 0, { ...good, generation: 0 }]],
    ['generation is not 1 +', ['commit', 0, { ...good, generation: 2 }]],
    ['generation is not 1 +', ['commit', 0, { ...good, generation: 1.5 }]],
    ['generation is not 1 +', ['commit', 0, { ...good, generation: 1, parents: refs(1) }]],
    ['generation is not 1 +', ['commit', 0, { ...good, generation: 2n ** 63n, parents: refs(1) }]],
    ['list of refs', ['commit', 0, { ...good, more: refs(0) }]],
    ['list of refs', ['commit', 0, { ...good, more: [{ deep: refs(2) }] }]],
  ])('%s', (why, chunk) =>
    inMemory(async (db) => {
      const ref = await putChunk(db, encode(chunk))
      const error = await db.readCommit(ref).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(InvalidNodeError)
      expect(error).toMatchObject({ ref: ref.toString(), message: expect.stringContaining(why) })
    }),
  )

  test('and no bytes but those that it is written in are', () =>
    inMemory(async (db) => {
      const { ref } = await db.commit('main', 1, { message: 'm', time: 1, meta: { a: [1, 'text'] } })
      const bytes = (await db.store.get(ref))!
      await check(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, byte) => {
          const changed = bytes.with(at, byte)
          const commit = await db.readCommit(await putChunk(db, changed)).catch((error: unknown) => error)
          if (commit instanceof Commit) {
            const { ref, meta, ...fields } = commit
            const record = { ...meta, ...fields, parents: RefList.of(fields.parents) } as ValueRecord
            expect(Ref.of(encode(['commit', 0, record])).equals(ref)).toBe(true)
          } else expect(commit).toBeInstanceOf(InvalidNodeError)
        }),
        { numRuns: 1000 },
      )
    }))

  test('cut short or with more after it', () =>
    inMemory(async (db) => {
      const { ref } = await db.commit('main', 1)
      const bytes = (await db.store.get(ref))!
      for (const changed of [
        ...Array.from(bytes, (_, end) => bytes.slice(0, end)),
        Uint8Array.of(...bytes, 0),
      ]) {
        await expect(db.readCommit(await putChunk(db, changed))).rejects.toThrow(InvalidNodeError)
      }
    }))
})

test.each<[string, AnyValue]>([
  ['list and no single value', ['list', 0, []]],
  ['blob and no single value', new Uint8Array(1)],
  ['an array of other than 2', ['value']],
  ['an array of other than 2', ['value', 1, 2]],
  ['2 refs in place of one', ['value', [RefList.of([absent, absent])]]],
])('a chunk is not taken for a single value: %s', (why, chunk) =>
  inMemory(async (db) => {
    await expect(db.readValue(await putChunk(db, encode(chunk)))).rejects.toThrow(why)
  }),
)

test('a chunk with more after it is not taken for a single value', () =>
  inMemory(async (db) => {
    const ref = await putChunk(db, Uint8Array.of(...encode(['value', 1]), 0))
    await expect(db.readValue(ref)).rejects.toThrow(/1 bytes too many/)
  }))

/** The names of what every commit says, and of what a record has without being asked. */
const FIELDS = { generation: 0, message: 0, parents: 0, time: 0, value: 0 }

/** A commit whose fields need not be right. */
function putCommit(
  db: Database,
  fields: { readonly parents?: readonly Ref[]; readonly generation?: number } = {},
): Promise<Ref> {
  const { parents = [], generation = 1 } = fields
  const value = Ref.of(encode(['value', 1]))
  return putChunk(
    db,
    encode(['commit', 0, { generation, message: '', parents: RefList.of(parents), time: 0, value }]),
  )
}

async function putChunk(db: Database, bytes: Uint8Array): Promise<Ref> {
  const chunk = chunkOf(bytes)
  await db.store.put([chunk])
  return chunk.ref
}

async function hexOf(db: Database, ref: Ref): Promise<string> {
  return Buffer.from((await db.store.get(ref))!).toString('hex')
}

/** Arrays inside each other, `depth` of them. */
function nested(depth: number): Value {
  let value: Value = []
  for (let level = 1; level < depth; level++) value = [value]
  return value
}

function withoutMinusZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function fromJson(json: unknown): Value {
  if (Array.isArray(json)) return json.map(fromJson)
  if (json === null || typeof json !== 'object') return json as Value
  const { $bytes, $ref } = json as Record<string, string>
  if ($bytes !== undefined) return Uint8Array.from(Buffer.from($bytes, 'hex'))
  if ($ref !== undefined) return Ref.parse($ref)!
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fromJson(value)]))
}
