/** Whatever is done to a directory, it is the one that its content makes from scratch. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { SortedMap } from '../../src/collection/sorted-map.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { Directory } from '../../src/tree/directory.js'
import { writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry, EntryName, TopAttributes } from '../../src/tree/entry.js'
import { coldContext, collect, KNOWN_REFS } from '../collection/contexts.js'
import { runs } from '../collection/runs.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks } from '../sequence/trees.js'
import {
  changed,
  directory,
  isBroken,
  leafEntry,
  type ModelDirectory,
  name,
  treeContext,
  written,
} from './model.js'

type Op = readonly [path: EntryName[], value: Entry | ModelDirectory | undefined]

const op: fc.Arbitrary<Op> = fc.tuple(
  fc.array(name, { minLength: 1, maxLength: 4 }),
  fc.oneof(leafEntry, directory, fc.constant(undefined)),
)

async function edited(start: Directory, ops: readonly Op[]): Promise<Directory> {
  const edit = start.edit()
  for (const [path, value] of ops) {
    if (value === undefined) edit.delete(path)
    else edit.set(path, value instanceof Map ? await written(start.context, value) : (value as Entry))
  }
  return edit.done()
}

function editedModel(model: ModelDirectory, ops: readonly Op[]): ModelDirectory {
  return ops.reduce((next, [path, value]) => {
    if (!(value instanceof Map)) return changed(next, path, value && { entry: value as Entry })
    return changed(next, path, { entry: { type: 'dir', content: KNOWN_REFS[0]! }, content: value })
  }, model)
}

describe.each<[string, TreeParams, number]>([
  ['small', SMALL_PARAMS, 60],
  ['usual', COLLECTION_PARAMS, 40],
])('with chunks of %s sizes', (_, params, numRuns) => {
  test('any run of edits gives the directory of the edited entries, or is refused as a whole', async () => {
    await check(
      fc.asyncProperty(
        directory,
        fc.array(fc.array(op, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        async (start, batches) => {
          const context = treeContext(params)
          let model = start
          let tree = await written(context, start)
          for (const batch of batches) {
            const next = editedModel(model, batch)
            if (isBroken(next)) {
              await expect(edited(tree, batch)).rejects.toMatchObject({ code: 'NOMSY_NOT_A_DIRECTORY' })
              continue
            }
            tree = await edited(await Directory.open(coldContext(context), tree.ref), batch)
            model = next
            expect(tree.ref).toEqual((await written(treeContext(params), model)).ref)
            expect(tree.size).toBe(model.size)
            await countChunks(context.store, tree)
          }
        },
      ),
      { numRuns: runs(numRuns) },
    )
  })
})

test('an edit that changes nothing writes nothing', async () => {
  const context = treeContext()
  const file: Entry = { type: 'fifo', mode: 0o600 }
  const tree = await (await Directory.empty(context)).edit().set('a/b', file).done()
  context.store.puts = 0
  expect(await tree.edit().set('a/b', file).delete('c/d').delete('a/b/e').done()).toBe(tree)
  expect(context.store.puts).toBe(0)
})

test('one change deep in a tree reads and writes one path of it', async () => {
  const context = treeContext()
  const edit = (await Directory.empty(context)).edit()
  for (let index = 0; index < 2000; index++) {
    const path = `${index % 10}/${index % 7}/${index}`
    edit.set(path, { type: 'fifo', mode: index % 0o777 })
  }
  const { ref } = await edit.done()
  const { store } = context
  const tree = await Directory.open(coldContext(context), ref)
  await tree.edit().set('5/3/x', { type: 'fifo' }).done()
  expect(store.puts).toBeLessThanOrEqual(3)
  expect(store.reads).toBeLessThan(9)
})

test('a path may be thousands of names long', async () => {
  const context = treeContext()
  const deep = Array.from({ length: 5000 }, (_, index) => `d${index % 10}`)
  const tree = await (await Directory.empty(context)).edit().set(deep, { type: 'fifo' }).done()
  expect(await tree.get(deep)).toEqual({ type: 'fifo' })
  const walked = await collect(tree.walk())
  expect(walked).toHaveLength(5000)
  expect(walked.at(-1)).toMatchObject({ depth: 4999, path: deep.join('/') })
  expect((await tree.edit().delete(deep[0]!).done()).size).toBe(0)
})

test('blobs and directories stand for entries', async () => {
  const context = treeContext()
  const empty = await Directory.empty(context)
  const blob = await Blob.put({ store: context.store, cache: context.cache }, new Uint8Array(100_000))
  const inner = await empty.edit().set('file', blob).done()
  const tree = await empty.edit().set('x/inner', inner).set('y', inner).done()
  expect(await tree.get('x/inner')).toEqual({ type: 'dir', content: inner.ref })
  expect(await tree.get('y/file')).toEqual({ type: 'file', content: blob.ref, size: 100_000 })
  expect((await tree.blob('x/inner/file')).ref).toEqual(blob.ref)
})

test('the top of a tree becomes an entry like any other', async () => {
  const context = treeContext()
  const top: TopAttributes = { with: ['mode', 'mtime'], mode: 0o755, mtime: 7n }
  const entries: [string, Entry][] = [['a', { type: 'fifo', mode: 0o600, mtime: 1n }]]
  const target = { target: context.store, params: context.params }
  const plain = await writeDirectory(entries, target)
  const put = await Directory.open(context, (await writeDirectory(entries, target, top)).ref)
  expect(put.top).toEqual(top)
  const tree = await put.edit().set('inner', put).done()
  expect(tree.top).toEqual(top)
  expect(tree.size).toBe(2)
  expect(await tree.get('inner')).toEqual({ type: 'dir', content: plain.ref, mode: 0o755, mtime: 7n })
  expect((await tree.directory('inner')).top).toBeUndefined()
  expect((await tree.edit().delete('inner').done()).ref).toEqual(put.ref)
})

test('fields that this version does not know are kept', async () => {
  const context = treeContext()
  const odd = { type: 'fifo', future: [1, { x: 'y' }] } as Entry
  const start = await (await Directory.empty(context)).edit().set('d/odd', odd).done()
  const directory = Object.assign((await start.get('d'))!, { future: 7 })
  const tree = await start.edit().set('d', directory).set('d/new', { type: 'socket' }).done()
  expect(await tree.get('d/odd')).toEqual(odd)
  expect(await tree.get('d')).toMatchObject({ future: 7, type: 'dir' })
})

describe('what cannot be is refused', () => {
  const blank = async (): Promise<Directory> => Directory.empty(treeContext())

  test.each<[string, string | EntryName[]]>([
    ['no name', ''],
    ['an empty name', 'a//b'],
    ['a slash at the end', 'a/'],
    ['a slash at the beginning', '/a'],
    ['a step up', 'a/../b'],
    ['a place', './a'],
    ['a NUL', 'a\0'],
    ['a slash in a name', ['a/b']],
    ['more than 255 bytes', 'ä'.repeat(128)],
    ['half a character', 'a\ud800'],
    ['a slash in bytes', [Uint8Array.of(0xff, 0x2f)]],
  ])('as a path: %s', async (_, path) => {
    const edit = (await blank()).edit()
    expect(() => edit.set(path, { type: 'fifo' })).toThrow(RangeError)
    expect(() => edit.delete(path)).toThrow(RangeError)
  })

  test('as an entry: a map, a size without a content', async () => {
    const tree = await blank()
    const map = await SortedMap.from(tree.context, [])
    expect(() => tree.edit().set('a', map as never)).toThrow(TypeError)
    expect(() => tree.edit().set('a', { type: 'file', size: 1 } as never)).toThrow(/must have 'content'/)
  })

  test('as content: what the store does not hold', async () => {
    const tree = await blank()
    const { ref } = await Directory.empty(treeContext(SMALL_PARAMS))
    const absent = (await (await blank()).edit().set('x', { type: 'fifo' }).done()).ref
    expect(ref).toEqual(tree.ref)
    const edit = tree.edit().set('a/b', { type: 'dir', content: absent })
    await expect(edit.done()).rejects.toMatchObject({ code: 'NOMSY_MISSING_CHUNK' })
  })
})
