/** Merging directories: by names, all the way down. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MergeConflictError } from '../../src/errors.js'
import { Directory } from '../../src/tree/directory.js'
import { conflictsIn, type TreeConflict } from '../../src/tree/directory-merge.js'
import { writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry } from '../../src/tree/entry.js'
import { pathKey } from '../../src/tree/tree-path.js'
import { collect } from '../collection/contexts.js'
import { runs } from '../collection/runs.js'
import { inMemory } from '../database/databases.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks } from '../sequence/trees.js'
import { changesOf, fileOf, mergedModel, treeContext, written } from './model.js'

test('a merge has what each side changed, and asks about what both changed', async () => {
  await check(
    fc.asyncProperty(changesOf(3), async ([base, ours, theirs]) => {
      const context = treeContext(SMALL_PARAMS)
      const [was, our, their] = await Promise.all(
        [base, ours, theirs].map((model) => written(context, model!)),
      )
      const asked: TreeConflict[] = []
      const expectedPaths: string[] = []
      const expected = mergedModel(base, ours!, theirs!, (path) => expectedPaths.push(pathKey(path)))
      const merged = await our!.merge(was!, their!, {
        resolve: (conflict) => {
          asked.push(conflict)
          return conflict.ours
        },
      })
      expect(asked.map(({ path }) => pathKey(path)).sort()).toEqual(expectedPaths.sort())
      expect(merged.ref).toEqual((await written(context, expected)).ref)
      await countChunks(context.store, merged)
      const listed = await collect(conflictsIn({ base: was!, ours: our!, theirs: their! }))
      expect(listed.map(({ path }) => pathKey(path)).sort()).toEqual(expectedPaths.sort())
      if (asked.length > 0)
        await expect(our!.merge(was!, their!)).rejects.toMatchObject({ count: asked.length })
      else expect((await our!.merge(was!, their!)).ref).toEqual(merged.ref)
    }),
    { numRuns: runs(40) },
  )
})

type Entries = Record<string, Entry>

async function treeOf(entries: Entries): Promise<Directory> {
  const edit = (await Directory.empty(treeContext())).edit()
  for (const [path, entry] of Object.entries(entries)) edit.set(path, entry)
  return edit.done()
}

async function merged(base: Entries, ours: Entries, theirs: Entries): Promise<Directory> {
  return (await treeOf(ours)).merge(await treeOf(base), await treeOf(theirs))
}

const fifo = (fields: Partial<Entry>): Entry => ({ type: 'fifo', ...fields }) as Entry

describe('fields of one entry', () => {
  test('that only one side changed are taken from it', async () => {
    const file = { ...fileOf(1), mode: 0o644, uid: 1 } as Entry
    const tree = await merged(
      { 'd/f': file },
      { 'd/f': { ...file, mode: 0o600 } as Entry },
      { 'd/f': { ...file, ...fileOf(2), mtime: 5n } as Entry },
    )
    expect(await tree.get('d/f')).toEqual({ ...fileOf(2), mode: 0o600, uid: 1, mtime: 5n })
  })

  test('of two times are the later', async () => {
    const tree = await merged(
      { f: fifo({ mtime: 1n }) },
      { f: fifo({ mtime: 9n }) },
      { f: fifo({ mtime: 5n }) },
    )
    expect(await tree.get('f')).toEqual(fifo({ mtime: 9n }))
  })

  test.each<[string, Entries, Entries, Entries]>([
    ['contents', { f: fileOf(1) }, { f: fileOf(2) }, { f: fileOf(3) }],
    ['modes', { f: fifo({ mode: 1 }) }, { f: fifo({ mode: 2 }) }, { f: fifo({ mode: 3 }) }],
    ['removed and changed', { f: fifo({}) }, {}, { f: fifo({ mode: 3 }) }],
    ['added as this and that', {}, { f: fileOf(1) }, { f: fifo({}) }],
    ['a directory for a file, and its content', { f: fileOf(1) }, { 'f/x': fileOf(1) }, { f: fileOf(2) }],
    [
      'fields that cannot go together',
      { f: fileOf(1) },
      { f: { ...fileOf(1), executable: true } as Entry },
      { f: { ...fileOf(1), mode: 0o755 } as Entry },
    ],
  ])('that contradict each other are a conflict: %s', async (_, base, ours, theirs) => {
    const under = (entries: Entries): Entries =>
      Object.fromEntries(
        Object.entries({ keep: fifo({}), ...entries }).map(([path, e]) => [`a/b/${path}`, e]),
      )
    const error = await merged(under(base), under(ours), under(theirs)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(MergeConflictError)
    expect(error).toMatchObject({ count: 1, first: ['a/b/f'], message: expect.stringContaining('"a/b/f"') })
  })
})

test('what the top says of itself is merged likewise', async () => {
  const context = treeContext()
  const put = async (mode: number, mtime: bigint): Promise<Directory> => {
    const top = { with: ['mode', 'mtime'] as const, mode, mtime }
    return Directory.open(context, (await writeDirectory([], { target: context.store }, top)).ref)
  }
  const [base, ours, theirs] = [await put(0o755, 1n), await put(0o700, 2n), await put(0o755, 3n)]
  expect((await ours.merge(base, theirs)).top).toEqual({ with: ['mode', 'mtime'], mode: 0o700, mtime: 3n })
  const other = await put(0o711, 9n)
  await expect(ours.merge(base, other)).rejects.toMatchObject({ code: 'NOMSY_MERGE_CONFLICT', first: [''] })
  const resolved = await ours.merge(base, other, { resolve: 'theirs' })
  expect(resolved.top).toMatchObject({ mode: 0o711, mtime: 9n })
})

test('heads with directories are merged', () =>
  inMemory(async (db) => {
    const blob = await db.putBlob(new Uint8Array(5000))
    const base = await (await db.tree()).edit().set('a/x', blob).set('b/y', blob).done()
    await db.commit('main', base)
    await db.branch('draft', 'main')
    await db.commit('main', await base.edit().set('a/new', blob).done())
    await db.commit(
      'draft',
      await base.edit().delete('b/y').set('a/z', { type: 'symlink', target: 'x' }).done(),
    )
    const merged = await db.tree((await db.merge('main', 'draft')).value)
    expect((await collect(merged.walk())).map(({ path }) => path)).toEqual(['a', 'a/new', 'a/x', 'a/z', 'b'])

    await db.commit('main', await merged.edit().set('a/x', { type: 'fifo' }).done())
    await db.commit('draft', await merged.edit().set('a/x', { type: 'socket' }).done())
    await expect(db.merge('main', 'draft')).rejects.toMatchObject({ count: 1, first: ['a/x'] })
    const { value } = await db.merge('main', 'draft', {
      resolve: (conflict) => ('path' in conflict ? conflict.theirs : undefined),
    })
    expect(await (await db.tree(value)).get('a/x')).toEqual({ type: 'socket' })
  }))
