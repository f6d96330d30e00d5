import { beforeEach, expect, test } from 'vitest'
import { editHead } from '../../../src/cli/edit/edit-head.js'
import { keep } from '../../../src/cli/edit/keep.js'
import { Database } from '../../../src/database/database.js'
import type { Ref } from '../../../src/hash/ref.js'
import { MemoryStore } from '../../../src/store/memory-store.js'

let db: Database
beforeEach(() => {
  db = new Database(new MemoryStore())
})

/** Adds a key to the set that the head holds. */
function adding(key: string): (before: Ref | undefined) => Promise<Ref> {
  return async (before) => {
    const set = await db.set<string>(before)
    return (await set.edit().add(key).done()).ref
  }
}

async function keysOf(name: string): Promise<string[]> {
  const keys: string[] = []
  for await (const key of await db.set<string>(await db.at(name))) keys.push(key)
  return keys
}

test('a head without commits moves, and one with commits gets one', async () => {
  const made = await editHead(db, { name: 'tags', words: 'first' }, adding('a'))
  expect(made).toMatchObject({ wasAbsent: true, isChanged: true, commit: undefined })
  expect(await db.head('tags')).toEqual(made.ref)
  await editHead(db, { name: 'tags', words: 'second', message: 'begin' }, adding('b'))
  await editHead(db, { name: 'tags', words: 'third' }, adding('c'))
  const unchanged = await editHead(db, { name: 'tags', words: 'fourth' }, adding('c'))
  expect(unchanged).toMatchObject({ wasAbsent: false, isChanged: false, commit: await db.head('tags') })
  const messages: string[] = []
  for await (const { message } of db.log('tags')) messages.push(message)
  expect(messages).toEqual(['third', 'begin'])
  expect(await keysOf('tags')).toEqual(['a', 'b', 'c'])
})

test.each([undefined, 'with commits'])(
  'nobody loses what somebody else does meanwhile: %s',
  async (message) => {
    await editHead(db, { name: 'tags', words: '', message }, adding('a'))
    let calls = 0
    await editHead(db, { name: 'tags', words: '' }, async (before) => {
      if (++calls < 3) await editHead(db, { name: 'tags', words: '' }, adding(`other ${calls}`))
      return adding('mine')(before)
    })
    expect(calls).toBe(3)
    expect(await keysOf('tags')).toEqual(['a', 'mine', 'other 1', 'other 2'])
  },
)

test('what is to be kept is kept, in the history where there is one', async () => {
  const [a, b] = [await db.putValue(1), await db.putValue(2)]
  await keep(db, a, { name: 'x', words: 'put' })
  expect(await db.head('x')).toEqual(a)
  await keep(db, b, { name: 'x', words: 'put', message: 'begin' })
  await keep(db, a, { name: 'x', words: 'put again' })
  expect(await db.readCommit('x')).toMatchObject({ value: a, message: 'put again', generation: 2 })
  await keep(db, a, undefined)
  expect(await db.head(`pins/${a}`)).toEqual(a)
})
