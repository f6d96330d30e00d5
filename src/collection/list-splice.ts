/**
 * Changes a list in many places at once: one pass over the tree from left to right, which reads and writes the leaves
 * around the changes and what is above them. SPEC "Splice".
 */

import { leafRuns } from '../sequence/leaves.js'
import type { Tree } from '../sequence/node-reader.js'
import { TreeCopier } from '../sequence/tree-copier.js'
import type { TreeWriter } from '../sequence/tree-writer.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { ItemBatch } from './item-batch.js'
import { requireRefs } from './required-refs.js'
import { itemsOf, type Source, type WriteOptions } from './source.js'

/** `removed` items at position `at` of a list are replaced by what `insert` writes. */
export interface ListSplice {
  readonly at: number
  readonly removed: number
  /** `store` is the one that is written to. */
  insert(writer: TreeWriter, store: ChunkStore): Promise<void>
}

/** Writes the list `tree` with `splices` done to it, which rise and do not overlap; all positions are in `tree`. */
export async function writeSpliced(
  writer: TreeWriter,
  { reader, root }: Tree,
  splices: Source<ListSplice>,
): Promise<void> {
  const copier = new TreeCopier(reader, root, writer)
  for await (const { at, removed, insert } of splices) {
    await copier.copyTo(at)
    await insert(writer, reader.store)
    await copier.skipTo(at + removed)
  }
  await copier.copyRest()
}

/** Writes the values of `source`, checked and encoded. */
export async function writeValues(
  writer: TreeWriter,
  store: ChunkStore,
  source: Source<unknown>,
  options: WriteOptions = {},
): Promise<void> {
  const batch = new ItemBatch()
  const handOn = async (): Promise<void> => {
    const { items, ends } = batch
    await requireRefs(store, [items])
    writer.pushItems(items, ends)
    await writer.drain()
    options.onProgress?.(ends.length)
    batch.clear()
  }
  for await (const value of itemsOf(source, options)) {
    batch.addValue(value)
    if (batch.isFull) await handOn()
  }
  if (batch.ends.length > 0) await handOn()
}

/** Writes encoded items. */
export async function writeEncoded(
  writer: TreeWriter,
  store: ChunkStore,
  items: readonly Uint8Array[],
): Promise<void> {
  await requireRefs(store, items)
  for (const item of items) writer.pushItem(item)
  await writer.drain()
}

/** Items `start` to `end` of a list. */
export interface ListPart {
  readonly tree: Tree
  readonly start: number
  readonly end: number
}

/** Writes a part of a list: by ref where `store` has it, else item by item. */
export async function writePart(
  writer: TreeWriter,
  store: ChunkStore,
  { tree, start, end }: ListPart,
): Promise<void> {
  if (tree.reader.store === store) {
    const copier = new TreeCopier(tree.reader, tree.root, writer)
    await copier.skipTo(start)
    await copier.copyTo(end)
    return
  }
  for await (const { leaf, from, to } of leafRuns(tree, start, end)) {
    await requireRefs(store, [leaf.slice(from, to)])
    writer.pushLeafItems(leaf, from, to)
    await writer.drain()
  }
}
