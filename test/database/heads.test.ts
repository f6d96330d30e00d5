/** Heads and those who move them at once: commit, update, branch. */

import { describe, expect, test } from 'vitest'
import type { CommitOptions } from '../../src/database/head-commit.js'
import { open } from '../../src/database/open.js'
import { HeadConflictError, MissingChunkError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { collect, inMemory, onDisk } from './databases.js'

describe.each([
  ['memory', inMemory],
  ['segments', onDisk],
])('in %s', (_, withDatabase) => {
  test('of two who commit at once one wins, and the other is told of both refs', () =>
    withDatabase(async (db) => {
      const { ref: expected } = await db.commit('main', 0)
      const racers = [1, 2, 3].map((value) => db.commit('main', value))
      const results = await Promise.allSettled(racers)
      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      expect(winners).toHaveLength(1)
      const { ref: actual } = winners[0]!
      for (const result of results) {
        if (result.status === 'fulfilled') continue
        expect(result.reason).toBeInstanceOf(HeadConflictError)
        expect(result.reason).toMatchObject({
          code: 'NOMSY_HEAD_CONFLICT',
          head: 'main',
          expected: expected.toString(),
          actual: actual.toString(),
        })
      }
      expect((await db.head('main'))?.equals(actual)).toBe(true)
      expect(winners[0]!.parents.map(String)).toEqual([expected.toString()])
    }))

  test('of two who make one head at once one wins', () =>
    withDatabase(async (db) => {
      const results = await Promise.allSettled([db.commit('main', 1), db.commit('main', 2)])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await collect(db.log('main'))).toHaveLength(1)
    }))

  test('updates at once lose nothing, and follow one another', () =>
    withDatabase(async (db) => {
      const count = 24
      const commits = await Promise.all(
        Array.from({ length: count }, (_, key) =>
          db.update(
            'main',
            async (value) => (await db.map<number, string>(value)).edit().set(key, `by ${key}`).done(),
            { message: `add ${key}` },
          ),
        ),
      )
      const map = await db.map<number, string>(await db.at('main'))
      expect(await collect(map.keys())).toEqual(Array.from({ length: count }, (_, key) => key))
      const log = await collect(db.log('main'))
      expect(log.map(({ generation }) => generation)).toEqual(
        Array.from({ length: count }, (_, back) => count - back),
      )
      expect(new Set(log.map(({ ref }) => `${ref}`))).toEqual(new Set(commits.map(({ ref }) => `${ref}`)))
      expect(log.every(({ parents }) => parents.length <= 1)).toBe(true)
    }))

  test('updates of several heads, and commits and removals between them, keep every head whole', () =>
    withDatabase(async (db) => {
      const count = async (value: Ref | undefined): Promise<number> =>
        1 + (value === undefined ? 0 : ((await db.readValue(value)) as number))
      await Promise.all(
        Array.from({ length: 30 }, async (_, turn) => {
          const name = `head/${turn % 3}`
          await db.update(name, count)
          if (turn % 10 === 9) await db.commit(`other/${turn}`, turn)
        }),
      )
      for (const name of ['head/0', 'head/1', 'head/2'])
        expect(await db.readValue(await db.at(name))).toBe(10)
    }))
})

test('what is committed on disk is there when the store is opened again', () =>
  onDisk(async (db, path) => {
    const commit = await db.commit('main', { born: 1815 }, { message: 'add ada', meta: { author: 'me' } })
    await db.close()
    await using again = await open(path)
    expect((await again.head('main'))?.equals(commit.ref)).toBe(true)
    expect(await again.readCommit(commit.ref)).toEqual(commit)
    expect(await again.readValue(commit.value)).toEqual({ born: 1815 })
  }))

describe('commit', () => {
  test('follows what the head names, if that is a commit', () =>
    inMemory(async (db) => {
      const first = await db.commit('main', 1, { time: 5 })
      const second = await db.commit('main', 2)
      expect([first.parents, second.parents]).toEqual([[], [first.ref]])
      expect([first.time, first.message, first.meta]).toEqual([5, '', {}])
      expect(Math.abs(second.time - Date.now())).toBeLessThan(60_000)
      await db.setHead('blob', (await db.putBlob(new Uint8Array(1))).ref)
      expect(await db.commit('blob', 3)).toMatchObject({ parents: [], generation: 1 })
    }))

  test('follows those that it is told to, and the head moves to it all the same', () =>
    inMemory(async (db) => {
      const a = await db.commit('main', 1)
      const b = await db.commit('main', 2)
      const c = await db.commit('main', 3, { parents: [a.ref] })
      expect(c).toMatchObject({ parents: [a.ref], generation: 2 })
      expect(await db.commit('other', 4, { parents: [a.ref, b.ref] })).toMatchObject({ generation: 3 })
      expect((await db.head('main'))?.equals(c.ref)).toBe(true)
    }))

  test('moves the head only from where it is expected', () =>
    inMemory(async (db) => {
      const first = await db.commit('main', 1, { expected: null })
      const second = await db.commit('main', 2, { expected: first.ref })
      expect(second.parents).toEqual([first.ref])
      const wrong: CommitOptions[] = [{ expected: first.ref }, { expected: null }]
      for (const options of wrong)
        await expect(db.commit('main', 3, options)).rejects.toThrow(HeadConflictError)
      await expect(db.commit('new', 3, { expected: first.ref })).rejects.toMatchObject({ actual: undefined })
      expect((await db.head('main'))?.equals(second.ref)).toBe(true)
    }))

  test('on a damaged head is refused', () =>
    inMemory(async (db) => {
      const ref = Ref.of(new Uint8Array(1))
      await expect(db.commit('main', 1, { expected: ref })).rejects.toThrow(MissingChunkError)
    }))
})

test.each(['a//b', 'pins/a', ''])(
  "nothing is stored for the sake of '%s', which no head can be called",
  (name) =>
    inMemory(async (db, store) => {
      await expect(db.commit(name, 1)).rejects.toThrow(RangeError)
      await expect(db.update(name, () => 1)).rejects.toThrow(RangeError)
      expect(store.puts).toBe(0)
    }),
)

describe('update', () => {
  test('is given what was committed, what a head names that is no commit, or nothing', () =>
    inMemory(async (db) => {
      const blob = await db.putBlob(new Uint8Array(1))
      const seen: (Ref | undefined)[] = []
      const change = (value: Ref | undefined): Ref => {
        seen.push(value)
        return blob.ref
      }
      await db.update('main', change)
      await db.setHead('blob', blob.ref)
      const { ref } = await db.update('blob', change)
      await db.update('blob', change, { message: 'again', time: 1, meta: { by: 'me' } })
      expect(seen).toEqual([undefined, blob.ref, blob.ref])
      expect(await db.readCommit('blob')).toMatchObject({
        parents: [ref],
        message: 'again',
        time: 1,
        meta: { by: 'me' },
      })
    }))

  test('begins again as often as it may, and then says who was in the way', () =>
    inMemory(async (db) => {
      let calls = 0
      const update = db.update(
        'main',
        async () => {
          await db.commit('main', `in the way ${++calls}`)
          return 'mine'
        },
        { retries: 2 },
      )
      await expect(update).rejects.toThrow(HeadConflictError)
      expect(calls).toBe(3)
      expect(await collect(db.log('main'))).toHaveLength(3)
    }))

  test('passes on what the change throws, and does not take that for its own conflict', () =>
    inMemory(async (db) => {
      let calls = 0
      const failing = (error: Error) => () => {
        calls++
        throw error
      }
      for (const error of [new Error('no'), new HeadConflictError('other', undefined, undefined)])
        await expect(db.update('main', failing(error))).rejects.toBe(error)
      expect(calls).toBe(2)
      expect(await db.head('main')).toBeUndefined()
    }))
})

describe('branch', () => {
  test('makes a head of what an object stands for', () =>
    inMemory(async (db) => {
      const first = await db.commit('main', 1)
      await db.commit('main', 2)
      expect((await db.branch('draft', 'main~')).equals(first.ref)).toBe(true)
      await db.commit('draft', 3)
      expect(await collect(db.log('draft'))).toHaveLength(2)
      expect((await db.branch('by-ref', first.ref)).equals(first.ref)).toBe(true)
    }))

  test('leaves a head alone that is there', () =>
    inMemory(async (db) => {
      const { ref } = await db.commit('main', 1)
      await db.commit('draft', 2)
      await expect(db.branch('draft', 'main')).rejects.toThrow(HeadConflictError)
      await expect(db.branch('main', 'main')).rejects.toMatchObject({ actual: ref.toString() })
      await expect(db.branch('new', 'nothing-here')).rejects.toMatchObject({ code: 'NOMSY_UNKNOWN_OBJECT' })
      await expect(db.branch('new', Ref.of(new Uint8Array(1)))).rejects.toThrow(MissingChunkError)
      await expect(db.branch('pins/new', 'main')).rejects.toThrow(RangeError)
    }))
})
