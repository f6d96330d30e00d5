/** The programs of examples/ do what they say. */

import { expect, test } from 'vitest'
import { type City, citiesOf, commitBoth, updateIndex } from '../examples/secondary-index.js'
import { UndoHistory } from '../examples/undo-history.js'
import { VersionedStore } from '../examples/versioned-store.js'
import { Database } from '../src/database/database.js'
import { MemoryStore } from '../src/store/memory-store.js'
import { stream } from './vectors/stream.js'

function newDatabase(): Database {
  return new Database(new MemoryStore())
}

test('a versioned store gives what is there, what was, and the history of a key', async () => {
  const store = new VersionedStore(newDatabase(), 'settings')
  await store.write([['theme', 'light']])
  await store.write([['size', 12]])
  await store.write([
    ['theme', 'dark'],
    ['size', 14],
  ])
  expect(await store.get('theme')).toBe('dark')
  expect(await store.get('theme', 2)).toBe('light')
  expect(await store.get('size', 2)).toBeUndefined()
  const themes = []
  for await (const theme of store.history('theme')) themes.push(theme)
  expect(themes).toEqual(['dark', 'light'])
})

test('writers of one versioned store lose nothing', async () => {
  const db = newDatabase()
  const writers = Array.from({ length: 8 }, () => new VersionedStore(db, 'all'))
  await Promise.all(writers.map((writer, index) => writer.write([[`key ${index}`, index]])))
  for (const index of writers.keys()) expect(await writers[0]!.get(`key ${index}`)).toBe(index)
})

test('an index brought up to date by what changed is the one made anew', async () => {
  const db = newDatabase()
  const entries = Array.from({ length: 3000 }, (_, index): [string, City] => [
    `city ${index}`,
    { name: `City ${index}`, country: `country ${index % 40}` },
  ])
  const none = await db.map<string, City>()
  const cities = await db.map<string, City>(entries)
  const index = await updateIndex(await db.set<[string, string]>(), none, cities)
  const later = await cities
    .edit()
    .set('city 7', { name: 'Moved', country: 'country 1' })
    .set('new city', { name: 'New', country: 'country 1' })
    .delete('city 1')
    .done()
  const laterIndex = await updateIndex(index, cities, later)
  expect(laterIndex.equals(await updateIndex(await db.set<[string, string]>(), none, later))).toBe(true)
  const names = (await citiesOf(later, laterIndex, 'country 1')).map(({ name }) => name)
  expect(names).toContain('Moved')
  expect(names).toContain('New')
  expect(names).not.toContain('City 1')
  expect(names).toHaveLength(76)
  await commitBoth(db, later, laterIndex)
  expect(await db.head('cities')).toBeDefined()
})

test('an undo history goes back and forth, and forgets what was undone at the next change', async () => {
  const long = Buffer.from(stream('text', 'undo', 200_000))
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, ' ')
  const history = await UndoHistory.of(newDatabase(), long)
  await history.replace(100_000, 5, 'hello')
  await history.replace(0, 0, '# ')
  const edited = await history.text.text()
  expect(await history.undo()).toBe(true)
  expect(await history.undo()).toBe(true)
  expect(await history.undo()).toBe(false)
  expect(await history.text.text()).toBe(long)
  expect(await history.redo()).toBe(true)
  expect(await history.redo()).toBe(true)
  expect(await history.redo()).toBe(false)
  expect(await history.text.text()).toBe(edited)
  await history.undo()
  await history.replace(0, 1, '')
  expect(await history.redo()).toBe(false)
})
