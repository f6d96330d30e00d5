/** Directories as trees of entries: opening them, finding and listing what is in one. */

import { type CollectionContext, openTree } from '../collection/collection.js'
import { itemAt } from '../collection/item-at.js'
import { encodeKey } from '../collection/item-batch.js'
import { ItemIterator } from '../collection/item-iterator.js'
import { type KeyRange, runsInRange } from '../collection/key-range.js'
import { findKey } from '../collection/key-search.js'
import { type ReadItem, readItemOf } from '../collection/read-item.js'
import type { Key } from '../collection/value.js'
import { InvalidNodeError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { Leaf } from '../sequence/node.js'
import type { NodeReader, Tree } from '../sequence/node-reader.js'
import { DIR_FORMAT } from './dir-format.js'
import type { Entry, EntryName, TopAttributes } from './entry.js'
import { entryReader, isTopItem, topReader } from './entry-item.js'

const NO_ENTRIES = new Leaf(new Uint8Array(0), new Uint32Array(0))

export const EMPTY_DIRECTORY = Ref.of(DIR_FORMAT.encodeLeaf(NO_ENTRIES.items, 0))

/** A directory, and what it says of itself where it is the top of a tree. */
export interface DirTree {
  readonly ref: Ref
  readonly tree: Tree
  readonly top: TopAttributes | undefined
}

/** The directory `ref`. Rejects with NOMSY_MISSING_CHUNK, with NOMSY_INVALID_NODE where it is none. */
export async function openDir(context: CollectionContext, ref: Ref): Promise<DirTree> {
  const tree = await openTree(context, DIR_FORMAT, ref)
  return { ref, tree, top: await topIn(ref, tree) }
}

/** As {@link openDir}, of what an entry of `parent` says is a directory. Refuses one that says something of itself. */
export async function openSubdirectory({ tree: { reader } }: DirTree, ref: Ref): Promise<DirTree> {
  const tree = { reader, root: await reader.root(ref) }
  if ((await topIn(ref, tree)) === undefined) return { ref, tree, top: undefined }
  throw new InvalidNodeError(ref.toString(), 'the top of a tree inside a directory')
}

/** A directory with nothing in it, which need not be in any store. */
export function emptyDir(reader: NodeReader): DirTree {
  return { ref: EMPTY_DIRECTORY, tree: { reader, root: NO_ENTRIES }, top: undefined }
}

/** The entry under `name`; undefined if there is none. */
export async function entryAt({ ref, tree }: DirTree, name: EntryName): Promise<Entry | undefined> {
  const found = findKey(tree, encodeKey(name))
  const { leaf, index, isFound } = found instanceof Promise ? await found : found
  return isFound ? readItemOf(leaf, index, entryReader(ref))[1] : undefined
}

/** What `read` makes of the entries in a range, in the order of names. */
export function readEntries<T>(
  { tree, top }: DirTree,
  range: KeyRange<EntryName>,
  read: ReadItem<T>,
): AsyncIterableIterator<T> {
  const isUnbound = range.gt === undefined && range.gte === undefined
  // What the top says of itself comes before all names.
  const lower = top !== undefined && isUnbound ? { gt: null } : {}
  return new ItemIterator(runsInRange<Key>(tree, { ...range, ...lower }), read, range.reverse)
}

async function topIn(ref: Ref, tree: Tree): Promise<TopAttributes | undefined> {
  const first = await itemAt(tree, 0)
  if (first === undefined || !isTopItem(first.leaf.items, 0)) return undefined
  return readItemOf(first.leaf, first.index, topReader(ref))
}
