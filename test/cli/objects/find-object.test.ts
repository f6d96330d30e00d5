import { beforeAll, expect, test } from 'vitest'
import { find, findRef, findValue } from '../../../src/cli/objects/find-object.js'
import type { Value } from '../../../src/collection/value.js'
import { Database } from '../../../src/database/database.js'
import { MemoryStore } from '../../../src/store/memory-store.js'

const db = new Database(new MemoryStore())

beforeAll(async () => {
  const photo = await db.putBlob(new TextEncoder().encode('photo'))
  const log = await db.list([{ level: 'info' }, [1, 2, 3]])
  const users = await db.map([
    ['ada', { born: 1815, 'a/b': [{ x: 'y' }, 2], photo, ['__proto__']: 'odd' }],
    ['a/b', log],
    [7, 'seven'],
    [['x', 1], null],
  ] as never)
  await db.setHead('users', users.ref)
  await db.commit('main', users)
  await db.commit('main', log)
  await db.setHead('note', await db.putValue({ text: ['hello'] }))
  await db.setHead('tags', (await db.set(['a'])).ref)
})

test.each<[text: string, value: Value]>([
  ['users:ada/born', 1815],
  ['users:ada/["a/b"]/-2/x', 'y'],
  ['users:["a/b"]/0/level', 'info'],
  ['users:["a/b"]/1/[-1]', 3],
  ['users:[7]', 'seven'],
  ['users:[["x",1]]', null],
  ['users:ada/__proto__', 'odd'],
  ['main:1/0', 1],
  ['main~1:ada/born', 1815],
  ['note:text/0', 'hello'],
])('%s is a value', async (text, value) => {
  expect(await find(db, text)).toEqual({ kind: 'part', object: value })
  await expect(findRef(db, text)).rejects.toThrow('is a value inside an object')
})

test.each([
  ['users:ada/photo', 'blob'],
  ['users:["a/b"]', 'list'],
  ['users', 'map'],
  ['main', 'commit'],
  ['note', 'value'],
  ['tags', 'set'],
])('%s is a %s', async (text, kind) => {
  expect(await find(db, text)).toMatchObject({ kind })
  expect((await findValue(db, text)).kind).toBe(kind === 'commit' ? 'list' : kind)
})

test.each([
  ['users:nobody', 'users:nobody: there is nothing at nobody in users'],
  ['users:7', 'there is nothing at 7 in users'],
  ['users:ada/constructor', 'there is nothing at constructor in users:ada'],
  ['users:ada/born/x', 'users:ada/born is 1815: there is nothing at x in it'],
  ['users:["a/b"]/2', 'there is nothing at 2 in users:["a/b"]'],
  ['main:first', "main has positions: 'first' is none"],
  ['users:ada/photo/x', 'users:ada/photo is a blob: there is nothing at x in it'],
  ['tags:a', 'tags is a set: there is nothing at a in it'],
  ['users:[{}]', 'key is a record, which cannot be a key'],
])('%s is nothing', async (text, words) => {
  await expect(find(db, text)).rejects.toThrow(words)
})
