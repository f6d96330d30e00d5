/** Reading directories, held against plain ones. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { Directory } from '../../src/tree/directory.js'
import { DirectoryWriter, writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry, EntryName } from '../../src/tree/entry.js'
import { compareNames } from '../../src/tree/entry-name.js'
import { coldContext, collect } from '../collection/contexts.js'
import { runs } from '../collection/runs.js'
import { inMemory } from '../database/databases.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { directory, fileOf, NAMES, name, sorted, treeContext, walkModel, written } from './model.js'

const bare = (entry: Entry): Entry =>
  entry.type === 'dir' ? { ...entry, content: undefined as never } : entry

describe.each<[string, TreeParams]>([
  ['small', SMALL_PARAMS],
  ['usual', COLLECTION_PARAMS],
])('with chunks of %s sizes', (_, params) => {
  test('what was written is what is read: all, by path, and in walk order', async () => {
    await check(
      fc.asyncProperty(directory, async (model) => {
        const context = treeContext(params)
        const { ref } = await written(context, model)
        const tree = await Directory.open(coldContext(context), ref)
        expect(tree.size).toBe(model.size)
        expect(await collect(tree.names())).toEqual(sorted(model).map(({ name }) => name))
        const expected = [...walkModel(model)]
        const walked = await collect(tree.walk())
        expect(walked.map(({ path, entry }) => [path, bare(entry)])).toEqual(expected)
        for (const { path, name, depth, entry } of walked) {
          expect(await tree.get(path)).toEqual(entry)
          const parts = typeof path === 'string' ? path.split('/') : undefined
          if (parts !== undefined) expect([parts.length - 1, parts.at(-1)]).toEqual([depth, name])
          if (entry.type === 'dir') expect((await tree.directory(path)).ref).toEqual(entry.content)
        }
      }),
      { numRuns: runs(30) },
    )
  })

  test('a range is the part of the names that it says', async () => {
    const context = treeContext(params)
    const all = [...NAMES].sort(compareNames)
    const entries = all.map((name): [EntryName, Entry] => [name, { type: 'fifo' }])
    for (const top of [undefined, { with: ['mode'] as const, mode: 0o755 }]) {
      const { ref } = await writeDirectory(entries, { target: context.store, params }, top)
      const tree = await Directory.open(context, ref)
      expect(tree.top).toEqual(top)
      expect(tree.size).toBe(all.length)
      expect(await collect(tree.names())).toEqual(all)
      expect(await collect(tree.names({ reverse: true }))).toEqual([...all].reverse())
      expect(await collect(tree.names({ limit: 3 }))).toEqual(all.slice(0, 3))
      await check(
        fc.asyncProperty(name, name, fc.boolean(), async (from, to, reverse) => {
          const expected = all.filter((each) => compareNames(each, from) > 0 && compareNames(each, to) <= 0)
          const found = await collect(tree.names({ gt: from, lte: to, reverse }))
          expect(found).toEqual(reverse ? expected.reverse() : expected)
        }),
        { numRuns: runs(20) },
      )
    }
  })
})

test('a directory with more directories than are remembered is walked in order', async () => {
  const context = treeContext()
  const edit = (await Directory.empty(context)).edit()
  for (let index = 0; index < 300; index++) {
    edit.set(`d${String(index).padStart(3, '0')}/x`, { type: 'fifo' })
    edit.set(`d${String(index).padStart(3, '0')}-`, { type: 'socket' })
  }
  const { ref } = await edit.done()
  const tree = await Directory.open(coldContext(context), ref)
  const paths = (await collect(tree.walk())).map(({ path }) => path)
  const numbers = Array.from({ length: 300 }, (_, index) => `d${String(index).padStart(3, '0')}`)
  expect(paths).toEqual([...numbers.map((d) => `${d}-`), ...numbers.flatMap((d) => [d, `${d}/x`])])
})

test('a walk ends when it is told to', async () => {
  const context = treeContext()
  const tree = await (await Directory.empty(context)).edit().set('a/b/c', { type: 'fifo' }).done()
  const controller = new AbortController()
  const walk = tree.walk({ signal: controller.signal })
  expect(await walk.next()).toMatchObject({ value: { path: 'a' } })
  controller.abort(new Error('enough'))
  await expect(walk.next()).rejects.toThrow('enough')
})

test('what is not there, or is something else, is said with the path that is wrong', async () => {
  const context = treeContext()
  const tree = await (await Directory.empty(context)).edit().set('d/f', fileOf(3)).done()
  expect(await tree.get('')).toBeUndefined()
  expect(await tree.get('d/x')).toBeUndefined()
  expect(await tree.get('d/f/x')).toBeUndefined()
  expect(await tree.directory('')).toBe(tree)
  expect((await tree.blob(['d', 'f'])).size).toBe(3)
  const failures: [Promise<unknown>, string, string][] = [
    [tree.directory('d/x/y'), 'NOMSY_NO_ENTRY', 'd/x'],
    [tree.directory('d/f'), 'NOMSY_NOT_A_DIRECTORY', 'd/f'],
    [tree.directory('d/f/x'), 'NOMSY_NOT_A_DIRECTORY', 'd/f'],
    [tree.blob('d'), 'NOMSY_NOT_A_FILE', 'd'],
    [tree.blob('x'), 'NOMSY_NO_ENTRY', 'x'],
  ]
  for (const [failing, code, path] of failures) await expect(failing).rejects.toMatchObject({ code, path })
})

test('entries must come in the order of names, and what they refer to must be there', async () => {
  const { store } = treeContext()
  const writer = new DirectoryWriter({ target: store, requires: store })
  writer.add('b', { type: 'fifo' })
  expect(() => writer.add('a', { type: 'fifo' })).toThrow(RangeError)
  const other = new DirectoryWriter({ target: store, requires: store })
  other.add('b', { type: 'fifo' })
  await other.drain()
  expect(() => other.add('b', { type: 'fifo' })).toThrow(RangeError)
  const absent = (await written(treeContext(), new Map([['x', { name: 'x', entry: { type: 'fifo' } }]]))).ref
  const missing = new DirectoryWriter({ target: store, requires: store })
  missing.add('d', { type: 'dir', content: absent })
  await expect(missing.finish()).rejects.toMatchObject({ code: 'NOMSY_MISSING_CHUNK' })
})

test('a directory stands for its ref in values and commits', () =>
  inMemory(async (db) => {
    const blob = await db.putBlob(new Uint8Array(10))
    const tree = await (await db.tree()).edit().set('a/b', blob).done()
    const map = await db.map([['tree', { tree }]])
    expect(await map.get('tree')).toEqual({ tree: tree.ref })
    const { value } = await db.commit('backup', tree)
    expect(value.equals(tree.ref)).toBe(true)
    const again = await db.get(await db.at('backup'))
    expect(again).toBeInstanceOf(Directory)
    expect(again.equals(tree as never)).toBe(true)
    await expect(db.map(tree.ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
    await expect(db.tree(map.ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  }))
