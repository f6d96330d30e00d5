/** A directory as a plain program would keep it, to hold stored ones against. */

import fc from 'fast-check'
import type { CollectionContext } from '../../src/collection/collection.js'
import { encode } from '../../src/encoding/encode.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { Directory } from '../../src/tree/directory.js'
import { writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry, EntryName } from '../../src/tree/entry.js'
import { compareNames } from '../../src/tree/entry-name.js'
import { joinPath, pathKey } from '../../src/tree/tree-path.js'
import { newContext, type TestContext } from '../collection/contexts.js'

/** An entry without its content where that is a directory. */
export interface ModelEntry {
  readonly name: EntryName
  readonly entry: Entry
  /** Of a directory. */
  readonly content?: ModelDirectory
  /** Whether it is no directory, and something was set under it. */
  readonly isBroken?: boolean
}

export type ModelDirectory = ReadonlyMap<string, ModelEntry>

/** Contents of files, which every store of these tests has. */
const BLOBS: readonly Chunk[] = Array.from({ length: 5 }, (_, size) => chunkOf(encode(new Uint8Array(size))))

export function treeContext(...args: Parameters<typeof newContext>): TestContext {
  const context = newContext(...args)
  void context.store.put(BLOBS)
  return context
}

/** Some of which are close to each other, and some no UTF-8. */
export const NAMES: readonly EntryName[] = [
  ...['a', 'b', 'c', 'ab', 'a b', '\n', '...', 'ä', '\u{10000}', '\uffff', 'z'.repeat(255)],
  ...Array.from({ length: 30 }, (_, index) => `name ${index}`),
  Uint8Array.of(0xff),
  Uint8Array.of(0x61, 0x80),
  Uint8Array.of(0xc3),
]

export const name: fc.Arbitrary<EntryName> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NAMES.slice(0, 4)) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
)

const attributes = fc.record(
  {
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.constantFrom(0, 1000, 2 ** 32 - 1),
    user: fc.constant('ada'),
    mtime: fc.constantFrom(0n, -1n, 1_700_000_000_123_456_789n),
    xattrs: fc.constant({ __proto__: null, 'user.x': Uint8Array.of(1) } as never),
  },
  { requiredKeys: [] },
)

/** Anything but a directory. */
export const leafEntry: fc.Arbitrary<Entry> = fc
  .tuple(
    attributes,
    fc.oneof(
      fc.nat(BLOBS.length - 1).map((size) => ({ type: 'file', content: BLOBS[size]!.ref, size }) as const),
      fc.constantFrom<Entry>(
        { type: 'symlink', target: '../a' },
        { type: 'symlink', target: Uint8Array.of(0xfe) },
        { type: 'fifo' },
        { type: 'char', device: [1, 3] },
      ),
    ),
  )
  .map(([{ mode, ...others }, entry]) => ({
    ...entry,
    ...others,
    ...(entry.type !== 'symlink' && mode !== undefined && { mode }),
  }))

/** Attributes of a directory; its content is found when it is written. */
const directoryEntry: fc.Arbitrary<Entry> = attributes.map((fields) => ({
  ...fields,
  type: 'dir',
  content: BLOBS[0]!.ref,
}))

export const { directory } = fc.letrec<{ entry: Omit<ModelEntry, 'name'>; directory: ModelDirectory }>(
  (tie) => ({
    entry: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leafEntry.map((entry) => ({ entry })),
      fc.record({ entry: directoryEntry, content: tie('directory') }),
    ),
    directory: fc
      .array(fc.tuple(name, tie('entry')), { maxLength: 12 })
      .map((entries) => new Map(entries.map(([name, entry]) => [pathKey(name), { name, ...entry }]))),
  }),
)

/** Writes the model as it is, from below. */
export async function written(context: CollectionContext, model: ModelDirectory): Promise<Directory> {
  const entries: [EntryName, Entry][] = []
  for (const { name, entry, content } of sorted(model)) {
    if (content === undefined || entry.type !== 'dir') entries.push([name, entry])
    else entries.push([name, { ...entry, content: (await written(context, content)).ref }])
  }
  const { store, params } = context
  const { ref } = await writeDirectory(entries, { target: store, requires: store, params })
  return Directory.open(context, ref)
}

export function sorted(model: ModelDirectory): ModelEntry[] {
  return [...model.values()].sort((a, b) => compareNames(a.name, b.name))
}

/** All entries by path, in the order of a walk; of directories without their content. */
export function* walkModel(model: ModelDirectory, path: EntryName = ''): Generator<[EntryName, Entry]> {
  const entries = sorted(model)
  for (const { name, entry, content } of entries)
    if (content === undefined) yield [joinPath(path, name), entry]
  for (const { name, entry, content } of entries) {
    if (content === undefined) continue
    yield [joinPath(path, name), { ...entry, content: undefined } as never]
    yield* walkModel(content, joinPath(path, name))
  }
}

/** The model with `entry` at a path, or nothing there; broken where that goes through what is no directory. */
export function changed(
  model: ModelDirectory,
  [name, ...rest]: readonly EntryName[],
  entry: Omit<ModelEntry, 'name'> | undefined,
): ModelDirectory {
  const next = new Map(model)
  const key = pathKey(name!)
  const before = model.get(key)
  if (rest.length === 0) {
    if (entry === undefined) next.delete(key)
    else next.set(key, { name: name!, ...entry })
  } else if (before === undefined ? entry !== undefined : before.content !== undefined) {
    const made: Entry = { type: 'dir', content: BLOBS[0]!.ref }
    const content = changed(before?.content ?? new Map(), rest, entry)
    next.set(key, { name: name!, entry: before?.entry ?? made, content })
  } else if (before !== undefined && entry !== undefined) {
    next.set(key, { ...before, isBroken: true })
  }
  return next
}

export function isBroken(model: ModelDirectory): boolean {
  return [...model.values()].some(({ isBroken: is, content }) => is || (content && isBroken(content)))
}

/** A file of so many bytes, 0 to 4. */
export function fileOf(size: number): Entry {
  return { type: 'file', content: BLOBS[size]!.ref, size }
}

/** A directory, and what some changes made of it. */
export const treeModels: fc.Arbitrary<[ModelDirectory, ModelDirectory]> = fc
  .tuple(
    directory,
    fc.array(
      fc.oneof(
        fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), entry: fc.option(leafEntry) }),
        fc.record({ from: fc.nat(100), path: fc.array(name, { minLength: 1, maxLength: 3 }) }),
      ),
      { maxLength: 6 },
    ),
  )
  .map(([model, changes]) => [model, changes.reduce(changedOrMoved, model)])

/** The model with an entry set or removed, or with one that is there moved; as it was where that cannot be. */
function changedOrMoved(
  model: ModelDirectory,
  change: { path: EntryName[]; entry: Entry | null } | { path: EntryName[]; from: number },
): ModelDirectory {
  let next: ModelDirectory
  if ('entry' in change) {
    next = changed(model, change.path, change.entry === null ? undefined : { entry: change.entry })
  } else {
    const paths = [...pathsOf(model)]
    if (paths.length === 0) return model
    const [from, moved] = paths[change.from % paths.length]!
    const { name: _, ...what } = moved
    next = changed(changed(model, from, undefined), change.path, what)
  }
  return isBroken(next) ? model : next
}

function* pathsOf(
  model: ModelDirectory,
  path: readonly EntryName[] = [],
): Generator<[EntryName[], ModelEntry]> {
  for (const each of model.values()) {
    const own = [...path, each.name]
    yield [own, each]
    if (each.content !== undefined) yield* pathsOf(each.content, own)
  }
}
