import { expect, test } from 'vitest'
import { addEntries, addKeys } from '../../../src/cli/exchange/add-items.js'
import type { Key, Value } from '../../../src/collection/value.js'
import { Database } from '../../../src/database/database.js'
import { MemoryStore } from '../../../src/store/memory-store.js'

const db = new Database(new MemoryStore())

test.each([
  ['small', 3000, 10],
  ['as large as batches are', 40, 500_000],
])(
  'what is added comes out as if it had been there from the beginning: %s items',
  async (_, count, length) => {
    const entries = (from: number, words: string): [Key, Value][] =>
      Array.from({ length: count }, (_, index) => [`${from + index}`, words.repeat(length / words.length)])
    const old = entries(0, 'old..')
    const added = entries(count / 2, 'added')
    const map = await addEntries(await db.map<Key, Value>(old), await db.map<Key, Value>(added))
    expect(map.ref).toEqual((await db.map<Key, Value>([...old, ...added])).ref)
    const keys = [old, added].map((each) => each.map(([key]) => key))
    const set = await addKeys(await db.set<Key>(keys[0]!), await db.set<Key>(keys[1]!))
    expect(set.ref).toEqual((await db.set<Key>(keys.flat())).ref)
  },
)

test('nothing is written where one of the two is empty', async () => {
  const [some, none] = [await db.map<Key, Value>([['a', 1]]), await db.map<Key, Value>()]
  expect((await addEntries(some, none)).ref).toEqual(some.ref)
  expect((await addEntries(none, some)).ref).toEqual(some.ref)
})
