/** What came before a commit: log, common ancestors, `~N`, and that all of it is checked. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Commit } from '../../src/database/commit.js'
import { Database } from '../../src/database/database.js'
import { encode } from '../../src/encoding/encode.js'
import { InvalidNodeError, MissingChunkError, UnknownObjectError } from '../../src/errors.js'
import type { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { check } from '../seed.js'
import { WatchedStore } from '../sequence/watched-store.js'
import { collect, inMemory } from './databases.js'
import { histories, ModelHistory } from './model-history.js'

test('any history reads as its model does: generations, log, common ancestors, ~N', () =>
  check(
    fc.asyncProperty(histories, (plans) =>
      inMemory(async (db) => {
        const model = await ModelHistory.make(db, plans)
        for (const [index, { generation }] of model.commits.entries()) {
          expect(generation).toBe(model.generation(index))
          const log = await collect(db.log(`n${index}`))
          expect(log.map(({ ref }) => model.numberOf(ref))).toEqual(model.sorted(model.past(index)))
          for (let steps = 0; steps < 4; steps++) {
            const found = await db.resolve(`n${index}~${steps}`).catch(() => undefined)
            expect(found && model.numberOf(found.ref)).toBe(model.ancestor(index, steps))
          }
          for (const other of [0, index >> 1, plans.length - 1]) {
            const found = await db.commonAncestor(`n${index}`, `n${other}`)
            const lowest = model.lowestCommonAncestors(index, other)
            expect(found && model.numberOf(found.ref)).toBe(model.sorted(lowest)[0])
            expect(await db.commonAncestor(`n${other}`, `n${index}`)).toEqual(found)
          }
        }
      }),
    ),
    { numRuns: 100 },
  ))

describe('log', () => {
  test('gives as many as are asked for, and reads no more than that takes', () =>
    inMemory(async (db, store) => {
      const commits = await chain(db, 'main', 100)
      store.reads = 0
      expect(await collect(db.log('main', { limit: 3 }))).toEqual(commits.slice(-3).reverse())
      expect(store.reads).toBe(3)
      expect(await collect(db.log('main', { limit: 0 }))).toEqual([])
      expect(await collect(db.log('main', { limit: 1000 }))).toHaveLength(100)
    }))

  test('begins at a name, a ref, the first characters of one, or before any of these', () =>
    inMemory(async (db) => {
      const [first, second, third] = await chain(db, 'main', 3)
      const before = [second!, first!]
      const { ref } = third!
      for (const object of ['main~', `${ref}~1`, `${ref.toString().slice(0, 12)}~`, second!.ref])
        expect(await collect(db.log(object))).toEqual(before)
    }))

  test('of lines side by side reads them together, and tells of what is missing only when it comes to it', () =>
    inMemory(async (db, store) => {
      const lines = await Promise.all(Array.from({ length: 20 }, (_, line) => chain(db, `line${line}`, 10)))
      await db.commit('main', 'all', { parents: lines.map((line) => line.at(-1)!.ref) })
      store.reads = 0
      store.requests = 0
      expect(await collect(db.log('main'))).toHaveLength(201)
      expect(store.reads).toBeLessThan(250)
      expect(store.requests).toBeLessThan(60)
      const lost = lines[7]![0]!.ref
      store.lose(lost)
      const seen: Commit[] = []
      const reading = (async () => {
        for await (const commit of db.log('main')) seen.push(commit)
      })()
      await expect(reading).rejects.toThrow(new MissingChunkError(lost.toString()))
      expect(seen.at(-1)!.parents[0]).toEqual(lost)
      expect(seen.length).toBeGreaterThan(150)
      for (const line of lines) await db.remove(`line${lines.indexOf(line)}`)
      await db.remove('main')
    }))

  test('stops at a signal', () =>
    inMemory(async (db) => {
      await chain(db, 'main', 10)
      const stop = new AbortController()
      const reason = new Error('enough')
      let seen = 0
      const reading = (async () => {
        for await (const _ of db.log('main', { signal: stop.signal })) if (++seen === 2) stop.abort(reason)
      })()
      await expect(reading).rejects.toBe(reason)
      expect(seen).toBe(2)
    }))

  test('of what is no commit is refused', () =>
    inMemory(async (db) => {
      await db.setHead('blob', (await db.putBlob(new Uint8Array(9))).ref)
      await expect(collect(db.log('blob'))).rejects.toThrow(/blob and no commit/)
      await expect(collect(db.log('nothing'))).rejects.toThrow(UnknownObjectError)
      await expect(collect(db.log(1 as never))).rejects.toThrow(TypeError)
    }))
})

describe('the common ancestor', () => {
  test('of branches of a long history costs the branches', () =>
    inMemory(async (db, store) => {
      const trunk = await chain(db, 'main', 500)
      await db.branch('draft', 'main')
      await chain(db, 'main', 5)
      await chain(db, 'draft', 7)
      store.reads = 0
      expect(await db.commonAncestor('main', 'draft')).toEqual(trunk.at(-1))
      // Where they part is read once, for both.
      expect(store.reads).toBe(2 + 5 + 7 - 1)
    }))

  test('of a commit and one that follows it is that commit, and of one and itself too', () =>
    inMemory(async (db) => {
      const commits = await chain(db, 'main', 4)
      expect(await db.commonAncestor('main', 'main~2')).toEqual(commits[1])
      expect(await db.commonAncestor('main', 'main')).toEqual(commits[3])
    }))

  test('of a criss-cross history is the later of those that do not follow each other', () =>
    inMemory(async (db) => {
      const { ref: root } = await db.commit('root', 0, { time: 0 })
      const early = await db.commit('early', 1, { parents: [root], time: 1 })
      const late = await db.commit('late', 2, { parents: [root], time: 2 })
      await db.commit('a', 3, { parents: [early.ref, late.ref], time: 3 })
      await db.commit('b', 4, { parents: [late.ref, early.ref], time: 4 })
      expect(await db.commonAncestor('a', 'b')).toEqual(late)
    }))

  test('of histories that share nothing is none', () =>
    inMemory(async (db) => {
      await chain(db, 'a', 3)
      await chain(db, 'b', 2)
      expect(await db.commonAncestor('a', 'b')).toBeUndefined()
    }))
})

describe('~N', () => {
  test('counts first parents from any name, ref or first characters of one', () =>
    inMemory(async (db) => {
      const commits = await chain(db, 'main', 4)
      const other = await db.commit('other', 9)
      const merge = await db.commit('main', 8, { parents: [commits[3]!.ref, other.ref] })
      const refs = [merge, ...commits.toReversed()].map(({ ref }) => ref)
      for (const base of ['main', refs[0]!.toString(), refs[0]!.toString().slice(0, 12)]) {
        for (const [suffix, steps] of [
          ['~0', 0],
          ['~', 1],
          ['~1', 1],
          ['~~', 2],
          ['~2~1', 3],
          ['~04', 4],
        ] as const)
          expect((await db.resolve(base + suffix)).ref.equals(refs[steps]!)).toBe(true)
      }
      expect((await db.resolve('main~2')).head).toBe('main')
      expect((await db.resolve(`${refs[0]}~2`)).head).toBeUndefined()
    }))

  test.each([
    ['main~3', 'main~3: its history is too short: main~2 is the first commit'],
    ['main~99999999999999999999999', /main~2 is the first commit/],
    ['main~-1', "main~-1: after '~' comes how many commits to go back, as in main~2"],
    ['main~x', /how many commits/],
    ['main~1.5', /how many commits/],
    ['main~1 ', /how many commits/],
    ['blob~1', 'blob~1: blob is no commit, so nothing came before it'],
    ['blob~0', /blob is no commit/],
    ['nothing~1', /^nothing: no head and no object/],
    ['~1', /no head of that name/],
  ])('%s is refused', (object, message) =>
    inMemory(async (db) => {
      await chain(db, 'main', 3)
      await db.setHead('blob', (await db.putBlob(new Uint8Array(9))).ref)
      const error = await db.resolve(object).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(UnknownObjectError)
      expect(() => {
        throw error
      }).toThrow(message)
    }),
  )

  test('gives what was committed, or the thing itself where it is no commit', () =>
    inMemory(async (db) => {
      const blob = await db.putBlob(new Uint8Array(9))
      const commit = await db.commit('main', blob)
      await db.commit('main', 1)
      for (const object of ['main~', commit.ref, blob.ref])
        expect((await db.at(object)).equals(blob.ref)).toBe(true)
    }))
})

describe('a generation that is not 1 + the highest of the parents', () => {
  test.each([3, 5])('%i is found out when the parents are read', (generation) =>
    inMemory(async (db) => {
      const [first] = await chain(db, 'main', 1)
      const liar = await putCommit(db, [first!.ref], generation)
      await chain(db, 'other', 1)
      for (const read of [collect(db.log(liar)), db.commonAncestor(liar, 'other')]) {
        await expect(read).rejects.toThrow(`generation ${generation} is not 1 + the highest of its parents`)
        await expect(read).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE', ref: liar.toString() })
      }
    }),
  )
})

describe('check', () => {
  test('finds what is missing under a commit: what was committed, and a parent', async () => {
    const store = new WatchedStore()
    await using db = new Database(store)
    const blob = await db.putBlob(new Uint8Array(9))
    const [first] = await chain(db, 'main', 3)
    await db.commit('main', blob)
    expect(await collect(db.check({ data: true }))).toEqual([])
    store.lose(first!.ref)
    store.lose(blob.ref)
    expect(await collect(db.check({ data: true }))).toEqual([
      { ref: blob.ref, object: 'main', message: `main: chunk ${blob.ref} is missing` },
      {
        ref: first!.ref,
        object: 'main',
        place: 'main~3',
        message: `main~3: chunk ${first!.ref} is missing`,
      },
    ])
    await expect(collect(db.log('main'))).rejects.toThrow(new MissingChunkError(first!.ref.toString()))
    await expect(db.resolve('main~3')).rejects.toThrow(MissingChunkError)
  })

  test('finds a commit that is none', async () => {
    const bad = chunkOf(encode(['commit', 0, { parents: RefList.of([]) }]))
    await inMemory(async (db) => {
      await db.store.put([bad])
      await db.setHead('main', bad.ref)
      const message = `main: chunk ${bad.ref} is no valid node`
      expect(await collect(db.check({ data: true }))).toEqual([{ ref: bad.ref, object: 'main', message }])
      await expect(db.commit('main', 1)).rejects.toThrow(InvalidNodeError)
      await db.remove('main')
    })
  })
})

/** Makes commits one after the other, of different values, on what the head names. */
async function chain(db: Database, name: string, count: number): Promise<Commit[]> {
  const commits: Commit[] = []
  for (let index = 0; index < count; index++) commits.push(await db.commit(name, `${name} ${index}`))
  return commits
}

/** A commit that says what it is told to. */
async function putCommit(db: Database, parents: readonly Ref[], generation: number): Promise<Ref> {
  const value = await db.putValue(generation)
  const commit = { generation, message: '', parents: RefList.of(parents), time: 0, value }
  const chunk = chunkOf(encode(['commit', 0, commit]))
  await db.store.put([chunk])
  return chunk.ref
}
