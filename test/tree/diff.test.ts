/** What differs between two directories, held against plain ones. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { Directory } from '../../src/tree/directory.js'
import type { TreeChange } from '../../src/tree/directory-diff.js'
import { writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry, EntryName } from '../../src/tree/entry.js'
import { pathKey } from '../../src/tree/tree-path.js'
import { coldContext, collect } from '../collection/contexts.js'
import { runs } from '../collection/runs.js'
import { check } from '../seed.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { fileOf, treeContext, treeModels, walkModel, written } from './model.js'

/** What is said of a path, without the contents of directories. */
function spoken(change: TreeChange): unknown {
  const bare = (entry: Entry): unknown => (entry.type === 'dir' ? { ...entry, content: undefined } : entry)
  const { path } = change
  return {
    ...change,
    path: pathKey(path),
    ...('before' in change && { before: bare(change.before) }),
    ...('after' in change && { after: bare(change.after) }),
  }
}

const byPath = (a: { path: EntryName }, b: { path: EntryName }): number =>
  pathKey(a.path) < pathKey(b.path) ? -1 : 1

describe.each([
  ['small', SMALL_PARAMS, 60],
  ['usual', COLLECTION_PARAMS, 20],
] as const)('with chunks of %s sizes', (_, params, numRuns) => {
  test('a diff says what became of each path', async () => {
    await check(
      fc.asyncProperty(treeModels, async ([a, b]) => {
        const context = treeContext(params)
        const [before, after] = [await written(context, a), await written(context, b)]
        const [from, to] = [new Map<string, Entry>(), new Map<string, Entry>()]
        const paths = new Map<string, EntryName>()
        for (const [entries, model] of [[from, a] as const, [to, b] as const]) {
          for (const [path, entry] of walkModel(model)) {
            entries.set(pathKey(path), entry)
            paths.set(pathKey(path), path)
          }
        }
        const expected: TreeChange[] = []
        for (const [key, path] of paths) {
          const [before, after] = [from.get(key), to.get(key)]
          if (before === undefined) expected.push({ kind: 'added', path, after: after! })
          else if (after === undefined) expected.push({ kind: 'removed', path, before })
          else if (!isSame(before, after)) expected.push({ kind: 'changed', path, before, after })
        }
        const changes = await collect(before.diff(after))
        expect([...changes].sort(byPath).map(spoken)).toEqual(expected.sort(byPath).map(spoken))
        // What is in a directory comes after it.
        const seen = new Set<string>()
        for (const { path } of changes) {
          expect([...seen].some((other) => other.startsWith(`${pathKey(path)}/`))).toBe(false)
          seen.add(pathKey(path))
        }
      }),
      { numRuns: runs(numRuns) },
    )
  })

  test('renames lead from what is gone to what is new, each once, and leave all else', async () => {
    await check(
      fc.asyncProperty(treeModels, async ([a, b]) => {
        const context = treeContext(params)
        const [before, after] = [await written(context, a), await written(context, b)]
        const plain = await collect(before.diff(after))
        const changes = await collect(before.diff(after, { renames: true }))
        const origins = new Set<string>()
        const covered = { added: new Set<string>(), removed: new Set<string>() }
        for (const change of changes) {
          if (change.kind === 'added' || change.kind === 'removed')
            covered[change.kind].add(pathKey(change.path))
          if (change.kind !== 'renamed') continue
          const { from, path, before: was, after: is } = change
          expect(origins.has(pathKey(from))).toBe(false)
          origins.add(pathKey(from))
          expect((is as { content?: unknown }).content).toEqual((was as { content?: unknown }).content)
          expect(await before.get(from)).toEqual(was)
          expect(await after.get(path)).toEqual(is)
          expect(await after.get(from)).toBeUndefined()
          expect(await before.get(path)).toBeUndefined()
          for (const [set, top, tree] of [
            [covered.added, path, after],
            [covered.removed, from, before],
          ] as const) {
            set.add(pathKey(top))
            if (is.type !== 'dir') continue
            for (const { path: below } of await collect((await tree.directory(top)).walk()))
              set.add(pathKey(joined(top, below)))
          }
        }
        const keys = (kind: TreeChange['kind']): Set<string> =>
          new Set(plain.filter((change) => change.kind === kind).map(({ path }) => pathKey(path)))
        expect(covered).toEqual({ added: keys('added'), removed: keys('removed') })
        const changed = (all: TreeChange[]): unknown[] =>
          all.filter(({ kind }) => kind === 'changed').map(spoken)
        expect(changed(changes)).toEqual(changed(plain))
      }),
      { numRuns: runs(numRuns) },
    )
  })
})

function joined(top: EntryName, below: EntryName): EntryName {
  if (typeof top === 'string' && typeof below === 'string') return `${top}/${below}`
  return new Uint8Array(Buffer.concat([Buffer.from(top), Buffer.from('/'), Buffer.from(below)]))
}

function isSame(a: Entry, b: Entry): boolean {
  const text = (entry: Entry): string =>
    JSON.stringify(
      Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)),
      (_, value) =>
        typeof value === 'bigint' ? `${value}` : value instanceof Uint8Array ? [...value] : value,
    )
  return text(a) === text(b)
}

async function tree(entries: Record<string, Entry>): Promise<Directory> {
  const edit = (await Directory.empty(treeContext())).edit()
  for (const [path, entry] of Object.entries(entries)) edit.set(path, entry)
  return edit.done()
}

const words = async (changes: AsyncIterable<TreeChange>): Promise<string[]> =>
  (await collect(changes)).map((change) =>
    change.kind === 'renamed' ? `${change.from} -> ${change.path}` : `${change.kind} ${change.path}`,
  )

describe('renames', () => {
  const [one, two, three] = [fileOf(1), fileOf(2), fileOf(3)]

  test('a file, a directory as a whole, and what was taken out of another', async () => {
    const before = await tree({ a: one, 'd/x': two, 'd/y/z': three, 'e/f': one, 'e/g': { type: 'fifo' } })
    const after = await tree({ b: one, 'new/d/x': two, 'new/d/y/z': three, f: one })
    expect(await words(before.diff(after, { renames: true }))).toEqual(
      ['removed e', 'removed e/g', 'a -> b', 'e/f -> f', 'added new', 'd -> new/d'].sort(inOrder),
    )
  })

  test('what is empty, or was only copied, is not renamed', async () => {
    const before = await tree({ a: fileOf(0), b: one })
    const after = await tree({ c: fileOf(0), b: one, d: one })
    expect(await words(before.diff(after, { renames: true }))).toEqual(['removed a', 'added c', 'added d'])
  })

  test('of several with one content that of the same name is taken', async () => {
    const before = await tree({ 'a/x': one, 'a/y': one, 'a/z': one, keep: two })
    const after = await tree({ 'b/z': one, 'b/y': one, 'b/q': { type: 'fifo' }, keep: two })
    expect(await words(before.diff(after, { renames: true }))).toEqual([
      'removed a',
      'removed a/x',
      'added b',
      'added b/q',
      'a/y -> b/y',
      'a/z -> b/z',
    ])
  })
})

/** The order in which a diff gives paths: of names, each directory followed by what is in it. */
function inOrder(a: string, b: string): number {
  const path = (text: string): string => text.split(' ').at(-1)!
  return path(a) < path(b) ? -1 : 1
}

test('a diff reads what differs, and no more', async () => {
  const context = treeContext()
  const edit = (await Directory.empty(context)).edit()
  for (let index = 0; index < 3000; index++)
    edit.set(`${index % 10}/${index % 70}/${index}`, { type: 'fifo', mode: index % 0o777 })
  const before = await edit.done()
  const after = await before.edit().set('5/15/new', { type: 'fifo' }).delete('9/9/9').done()
  const cold = coldContext(context)
  const [from, to] = [await Directory.open(cold, before.ref), await Directory.open(cold, after.ref)]
  expect(await words(from.diff(to))).toEqual(['added 5/15/new', 'removed 9/9/9'])
  expect(context.store.reads).toBeLessThan(20)
  context.store.reads = 0
  expect(await words(to.diff(to))).toEqual([])
  expect(context.store.reads).toBe(0)
})

test('what the top says of itself is told of at the empty path', async () => {
  const context = treeContext()
  const put = async (mode: number, user: string): Promise<Directory> => {
    const entries: [string, Entry][] = [['a', { type: 'fifo', user }]]
    const target = { target: context.store }
    return Directory.open(context, (await writeDirectory(entries, target, { with: ['mode'], mode })).ref)
  }
  const [a, b] = [await put(0o755, 'ada'), await put(0o700, 'eve')]
  expect(await collect(a.diff(b))).toEqual([
    {
      kind: 'changed',
      path: '',
      before: { type: 'dir', content: a.ref, mode: 0o755 },
      after: { type: 'dir', content: b.ref, mode: 0o700 },
    },
    {
      kind: 'changed',
      path: 'a',
      before: { type: 'fifo', user: 'ada' },
      after: { type: 'fifo', user: 'eve' },
    },
  ])
})
