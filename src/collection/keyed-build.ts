/**
 * Makes a set or map of items that come in any order, in memory that does not grow with their number. As long as keys
 * rise strictly, items go straight into the tree. From the first that does not on they are sorted first, and then go
 * into that tree in one pass. Where a key comes again the later item wins.
 */

import type { SequenceFormat } from '../sequence/format.js'
import { Leaf } from '../sequence/node.js'
import { NodeReader, type Tree } from '../sequence/node-reader.js'
import { type Root, TreeWriter } from '../sequence/tree-writer.js'
import { type CollectionContext, openTree } from './collection.js'
import { COLLECTION_PARAMS } from './collection-format.js'
import { ItemBatch } from './item-batch.js'
import { ItemSorter } from './item-sorter.js'
import { editKeyed, type KeyedEdit } from './keyed-edit.js'
import { requireRefs } from './required-refs.js'
import { itemsOf, type Source, type WriteOptions } from './source.js'

/** A kind of collection that is ordered by keys: its trees, and how what it is made of becomes an item. */
export interface KeyedKind<T> {
  readonly format: SequenceFormat
  add(batch: ItemBatch, entry: T): void
}

/** Writes the tree of what `source` gives. */
export async function buildKeyed<T>(
  context: CollectionContext,
  { format, add }: KeyedKind<T>,
  source: Source<T>,
  options: WriteOptions = {},
): Promise<Root> {
  const { store, params = COLLECTION_PARAMS } = context
  const writer = new TreeWriter(format, params, store)
  const batch = new ItemBatch()
  /** The last key that has gone into the tree. */
  let lastKey: Uint8Array | undefined
  let sorter: ItemSorter | undefined
  const handOn = async (): Promise<void> => {
    const { items, ends } = batch
    if (sorter === undefined) {
      await requireRefs(store, [items])
      writer.pushItems(items, ends)
      await writer.drain()
      lastKey = batch.lastKey()
    } else {
      await sorter.add(items, ends)
    }
    options.onProgress?.(ends.length)
    batch.clear()
  }
  try {
    for await (const entry of itemsOf(source, options)) {
      add(batch, entry)
      if (sorter === undefined && !batch.isRising(lastKey)) sorter = new ItemSorter()
      if (batch.isFull) await handOn()
    }
    if (batch.ends.length > 0) await handOn()
    if (sorter === undefined) return await writer.finish()
    const root = lastKey === undefined ? undefined : await writer.finish()
    const tree = root === undefined ? emptyTree(context, format) : await openTree(context, format, root.ref)
    return (await editKeyed(tree, insertionsOf(sorter, options.signal), { params, target: store })) ?? root!
  } finally {
    await sorter?.close()
  }
}

async function* insertionsOf(sorter: ItemSorter, signal: AbortSignal | undefined): AsyncGenerator<KeyedEdit> {
  for await (const item of sorter.sorted()) {
    signal?.throwIfAborted()
    yield { key: item, item }
  }
}

/** A tree without items, which need not be in any store. */
export function emptyTree({ store, cache }: CollectionContext, format: SequenceFormat): Tree {
  return {
    reader: new NodeReader(store, format, cache),
    root: new Leaf(new Uint8Array(0), new Uint32Array(0)),
  }
}
