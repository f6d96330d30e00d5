/**
 * Changes a set or map by many keys at once: one pass over the tree from left to right, which reads and writes the
 * leaves around the changes and what is above them. SPEC "Splice".
 */

import { sameBytes } from '../encoding/byte-order.js'
import type { ChunkTarget } from '../sequence/chunk-sink.js'
import type { TreeParams } from '../sequence/format.js'
import type { Tree } from '../sequence/node-reader.js'
import { finishTree, TreeCopier } from '../sequence/tree-copier.js'
import { type Root, TreeWriter } from '../sequence/tree-writer.js'
import { findKeys, type KeyPlace } from './key-search.js'
import { requireRefs } from './required-refs.js'
import { SearchedKey } from './searched-key.js'
import type { Source } from './source.js'

/** What is to stand under a key. */
export interface KeyedEdit {
  /** Bytes that begin with the encoded key. */
  readonly key: Uint8Array
  /** The item, which begins with the key too; undefined where there is to be none. */
  readonly item: Uint8Array | undefined
}

/** Edits whose places are looked up together: so many, or those of so many bytes. */
const GROUP_EDITS = 1024
const GROUP_BYTES = 1024 * 1024

/** How an edited tree is written. */
export interface EditOptions {
  readonly params: TreeParams
  /** Where its chunks go; where left out, to the store of the tree, and they are kept in memory. */
  readonly target?: ChunkTarget
}

/**
 * Writes the tree with `edits` done to it, whose keys rise strictly; gives undefined where they change nothing. Rejects
 * with NOMSY_MISSING_CHUNK where an item refers to what the store does not hold.
 */
export async function editKeyed(
  tree: Tree,
  edits: Source<KeyedEdit>,
  { params, target = tree.reader.target }: EditOptions,
): Promise<Root | undefined> {
  const { reader, root } = tree
  const writer = new TreeWriter(reader.format, params, target)
  const copier = new TreeCopier(reader, root, writer)
  let isChanged = false
  for await (const group of groupsOf(edits)) {
    const places = new Array<KeyPlace>(group.length)
    const keys = group.map(({ key }) => new SearchedKey(key))
    await findKeys(tree, keys, (place, slot) => {
      places[slot] = place
    })
    await requireRefs(
      reader.store,
      group.flatMap(({ item }) => item ?? []),
    )
    for (const [index, { item }] of group.entries()) {
      const place = places[index]!
      if (isAsBefore(place, item)) continue
      isChanged = true
      await copier.copyTo(place.position)
      if (item !== undefined) writer.pushItem(item)
      if (place.isFound) await copier.skipTo(place.position + 1)
    }
    await writer.drain()
  }
  if (!isChanged) return undefined
  await copier.copyRest()
  return finishTree(reader, writer)
}

function isAsBefore({ leaf, index, isFound }: KeyPlace, item: Uint8Array | undefined): boolean {
  if (item === undefined) return !isFound
  return isFound && sameBytes(leaf.slice(index, index + 1), item)
}

async function* groupsOf(edits: Source<KeyedEdit>): AsyncGenerator<KeyedEdit[]> {
  let group: KeyedEdit[] = []
  let byteCount = 0
  for await (const edit of edits) {
    group.push(edit)
    byteCount += edit.item?.length ?? 0
    if (group.length < GROUP_EDITS && byteCount < GROUP_BYTES) continue
    yield group
    group = []
    byteCount = 0
  }
  if (group.length > 0) yield group
}
