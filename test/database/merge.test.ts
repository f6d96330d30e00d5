/** Merging one head into another. */

import { describe, expect, test } from 'vitest'
import type { Storable, Value } from '../../src/collection/value.js'
import type { Commit } from '../../src/database/commit.js'
import type { Database } from '../../src/database/database.js'
import type { MergeConflict } from '../../src/database/merge-values.js'
import { HeadConflictError, MergeConflictError } from '../../src/errors.js'
import { collect, inMemory } from './databases.js'

/** Commits base, and from there ours under `main` and theirs under `draft`. */
async function fork(
  db: Database,
  base: Storable,
  ours: Storable,
  theirs: Storable,
): Promise<[Commit, Commit]> {
  await db.commit('main', base)
  await db.branch('draft', 'main')
  // Of equal values at one time commits would be one, if nothing else were said of them.
  return [await db.commit('main', ours), await db.commit('draft', theirs, { message: 'theirs' })]
}

describe('where one follows the other', () => {
  test('the head moves forward, and no commit is made', () =>
    inMemory(async (db, store) => {
      await db.commit('main', 1)
      await db.branch('draft', 'main')
      await db.commit('draft', 2)
      const last = await db.commit('draft', 3)
      store.puts = 0
      expect(await db.merge('main', 'draft')).toEqual(last)
      expect(store.puts).toBe(0)
      expect((await db.head('main'))?.equals(last.ref)).toBe(true)
    }))

  test('the head stays where it has the other already', () =>
    inMemory(async (db) => {
      await db.commit('main', 1)
      const last = await db.commit('main', 2)
      for (const object of ['main', 'main~1', last.ref]) expect(await db.merge('main', object)).toEqual(last)
      expect((await db.head('main'))?.equals(last.ref)).toBe(true)
    }))
})

test('conflicts are those that a merge asks about, and none where it asks nothing', () =>
  inMemory(async (db, store) => {
    const map = await db.map<string, number>([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ])
    const list = await db.list<number>([1, 2, 3])
    const set = await db.set<number>([1, 2])
    const cases: [Storable, Storable, Storable, number][] = [
      [
        map,
        await map.edit().set('a', 2).set('b', 2).done(),
        await map.edit().set('a', 3).delete('b').done(),
        2,
      ],
      [map, await map.edit().set('a', 2).done(), await map.edit().set('b', 3).done(), 0],
      [list, await list.splice(0, 1, [7]), await list.splice(0, 1, [8]), 1],
      [list, await list.splice(0, 1, [7]), await list.append([8]), 0],
      [set, await set.edit().add(3).done(), await set.edit().delete(1).done(), 0],
      [1, 2, 3, 1],
      [1, 2, 2, 0],
      [map, list, map, 0],
      [map, list, await map.edit().set('a', 2).done(), 1],
    ]
    for (const [base, ours, theirs, count] of cases) {
      await fork(db, base, ours, theirs)
      store.puts = 0
      const found = await collect(db.conflicts('main', 'draft'))
      expect(store.puts).toBe(0)
      expect(found).toHaveLength(count)
      const asked: MergeConflict[] = []
      await db.merge('main', 'draft', {
        resolve: (conflict) => {
          asked.push(conflict)
          return 'at' in conflict ? [] : 0
        },
      })
      expect(asked).toEqual(found)
      for (const name of ['main', 'draft']) await db.remove(name)
    }
    await db.commit('main', 1)
    await db.branch('draft', 'main')
    await db.commit('draft', 2)
    expect(await collect(db.conflicts('main', 'draft'))).toEqual([])
    expect(await collect(db.conflicts('draft', 'main'))).toEqual([])
    for (const name of ['main', 'draft']) await db.remove(name)
    await db.commit('main', 1)
    await db.commit('draft', 2)
    expect(await collect(db.conflicts('main', 'draft'))).toHaveLength(1)
  }))

describe('a commit follows both', () => {
  test('of what ours did, where theirs came back to what was there before', () =>
    inMemory(async (db) => {
      const [ours] = await fork(db, 1, 2, 1)
      expect((await db.merge('main', 'draft')).value.equals(ours.value)).toBe(true)
    }))

  test('of what theirs did, where ours came back to what was there before', () =>
    inMemory(async (db) => {
      const [ours, theirs] = await fork(db, 1, 1, 2)
      const merged = await db.merge('main', 'draft', { time: 7, meta: { by: 'me' } })
      expect(merged).toMatchObject({
        parents: [ours.ref, theirs.ref],
        generation: 3,
        message: 'merge draft',
        time: 7,
      })
      expect(merged.meta).toEqual({ by: 'me' })
      expect(await db.readCommit('main')).toEqual(merged)
      expect((await db.head('draft'))?.equals(theirs.ref)).toBe(true)
      expect(await db.readValue(merged.value)).toBe(2)
      expect(await collect(db.log('main'))).toHaveLength(4)
    }))

  test('of what both did alike', () =>
    inMemory(async (db) => {
      const blob = await db.putBlob(new Uint8Array(9))
      await fork(db, 1, blob, blob)
      expect((await db.merge('main', 'draft', { message: 'both' })).value.equals(blob.ref)).toBe(true)
      expect((await db.readCommit('main')).message).toBe('both')
    }))

  test('and both sides of a second merge see the first', () =>
    inMemory(async (db) => {
      const map = await db.map<string, number>([['base', 0]])
      await fork(db, map, await map.edit().set('ours', 1).done(), await map.edit().set('theirs', 1).done())
      await db.merge('main', 'draft')
      await db.update('draft', async (ref) =>
        (await db.map<string, number>(ref)).edit().set('theirs', 2).done(),
      )
      const merged = await db.map<string, number>((await db.merge('main', 'draft')).value)
      expect(await collect(merged)).toEqual([
        ['base', 0],
        ['ours', 1],
        ['theirs', 2],
      ])
      expect((await db.merge('draft', 'main')).ref.equals((await db.head('main'))!)).toBe(true)
    }))
})

describe('collections are merged by their items', () => {
  test('maps', () =>
    inMemory(async (db) => {
      const base = await db.map(Array.from({ length: 3000 }, (_, key): [number, number] => [key, 0]))
      await fork(
        db,
        base,
        await base.edit().set(1, 1).delete(2).done(),
        await base.edit().set(2999, 2).set(1, 1).done(),
      )
      const merged = await db.map<number, number>((await db.merge('main', 'draft')).value)
      const expected = await base.edit().set(1, 1).delete(2).set(2999, 2).done()
      expect(merged.equals(expected)).toBe(true)
    }))

  test('sets', () =>
    inMemory(async (db) => {
      const base = await db.set(['a', 'b'])
      await fork(
        db,
        base,
        await base.edit().add('ours').done(),
        await base.edit().add('theirs').delete('a').done(),
      )
      const merged = await db.set<string>((await db.merge('main', 'draft')).value)
      expect(await collect(merged)).toEqual(['b', 'ours', 'theirs'])
    }))

  test('lists', () =>
    inMemory(async (db) => {
      const base = await db.list([1, 2, 3, 4])
      await fork(db, base, await base.splice(0, 1, [10]), await base.append([5]))
      const merged = await db.list<number>((await db.merge('main', 'draft')).value)
      expect(await collect(merged)).toEqual([10, 2, 3, 4, 5])
    }))
})

describe('where both changed the same', () => {
  /** Pairs of changes of one value that contradict each other, and what is left of them. */
  const cases: [string, (db: Database) => Promise<[Commit, Commit]>, count: number, first: unknown[]][] = [
    ['a plain value', (db) => fork(db, 1, 2, 3), 1, []],
    [
      'a blob',
      async (db) => {
        const blobs = [1, 2, 3].map((byte) => db.putBlob(Uint8Array.of(byte)))
        return fork(db, await blobs[0]!, await blobs[1]!, await blobs[2]!)
      },
      1,
      [],
    ],
    ['kinds', async (db) => fork(db, 1, await db.map([]), await db.set([])), 1, []],
    [
      'a key of a map',
      async (db) => {
        const base = await db.map<string, number>([['k', 0]])
        return fork(db, base, await base.edit().set('k', 1).done(), await base.edit().delete('k').done())
      },
      1,
      ['k'],
    ],
    [
      'a run of a list',
      async (db) => {
        const base = await db.list<Value>([1, 2, 3])
        return fork(db, base, await base.splice(1, 1, ['ours']), await base.splice(1, 1, ['theirs']))
      },
      1,
      [1],
    ],
    [
      'all, without a common ancestor',
      async (db) => [await db.commit('main', 1), await db.commit('draft', 2)],
      1,
      [],
    ],
  ]

  test.each(cases)('%s: the merge is refused, and nothing moved', (_, make, count, first) =>
    inMemory(async (db) => {
      const [ours, theirs] = await make(db)
      const error = await db.merge('main', 'draft').catch((error: unknown) => error)
      expect(error).toBeInstanceOf(MergeConflictError)
      expect(error).toMatchObject({ code: 'NOMSY_MERGE_CONFLICT', count, first })
      expect((await db.head('main'))?.equals(ours.ref)).toBe(true)
      expect((await db.head('draft'))?.equals(theirs.ref)).toBe(true)
    }),
  )

  test.each(cases)('%s: a side is taken where that is asked for', (_, make) =>
    inMemory(async (db) => {
      const [ours, theirs] = await make(db)
      await db.branch('main2', 'main')
      expect((await db.merge('main', 'draft', { resolve: 'ours' })).value.equals(ours.value)).toBe(true)
      expect((await db.merge('main2', 'draft', { resolve: 'theirs' })).value.equals(theirs.value)).toBe(true)
    }),
  )

  test('a function is asked about the whole, a key or a run', () =>
    inMemory(async (db) => {
      const answers: Storable[] = ['neither', 'of the key', ['of', 'the run']]
      for (const [index, [, make]] of [cases[0]!, cases[3]!, cases[4]!].entries()) {
        const asked: MergeConflict[] = []
        const [ours, theirs] = await make(db)
        const base = await db.readCommit('main~')
        const { value } = await db.merge('main', 'draft', {
          resolve: (conflict) => {
            asked.push(conflict)
            return answers[index]!
          },
        })
        if (index === 0) {
          expect(asked).toEqual([{ base: base.value, ours: ours.value, theirs: theirs.value }])
          expect(await db.readValue(value)).toBe('neither')
        } else if (index === 1) {
          expect(asked).toEqual([{ key: 'k', base: 0, ours: 1, theirs: undefined }])
          expect(await collect(await db.map(value))).toEqual([['k', 'of the key']])
        } else {
          expect(asked).toEqual([{ at: 1, base: [2], ours: ['ours'], theirs: ['theirs'] }])
          expect(await collect(await db.list(value))).toEqual([1, 'of', 'the run', 3])
        }
        await db.remove('main')
        await db.remove('draft')
      }
    }))

  test('an answer that cannot be stored is refused, and nothing moved', () =>
    inMemory(async (db) => {
      const [ours] = await fork(db, 1, 2, 3)
      const merge = db.merge('main', 'draft', { resolve: () => undefined })
      await expect(merge).rejects.toThrow(TypeError)
      expect((await db.head('main'))?.equals(ours.ref)).toBe(true)
    }))
})

test('a head that moves meanwhile stays where it moved to', () =>
  inMemory(async (db) => {
    await fork(db, 1, 2, 3)
    const resolve = async (): Promise<number> => {
      await db.commit('main', 'in the way')
      return 4
    }
    await expect(db.merge('main', 'draft', { resolve })).rejects.toThrow(HeadConflictError)
    expect(await db.readValue(await db.at('main'))).toBe('in the way')
  }))

test('what is no head, or no commit, is not merged', () =>
  inMemory(async (db) => {
    await db.commit('main', 1)
    await db.setHead('blob', (await db.putBlob(new Uint8Array(1))).ref)
    await expect(db.merge('new', 'main')).rejects.toMatchObject({
      code: 'NOMSY_UNKNOWN_OBJECT',
      object: 'new',
    })
    await expect(db.merge('main', 'new')).rejects.toMatchObject({ code: 'NOMSY_UNKNOWN_OBJECT' })
    await expect(db.merge('main', 'blob')).rejects.toThrow(/blob and no commit/)
    await expect(db.merge('blob', 'main')).rejects.toThrow(/blob and no commit/)
  }))
