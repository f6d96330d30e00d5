/**
 * Finds keys in a tree by binary search from the root down, over their encoded bytes. What is in memory is searched at
 * once, so that nobody waits for it.
 */

import { type EncodedItems, type Leaf, MetaNode, type Node } from '../sequence/node.js'
import type { ChildPlace, NodeReader, Tree } from '../sequence/node-reader.js'
import { ItemBatch } from './item-batch.js'
import { SearchedKey } from './searched-key.js'

/** Where a key is, or would go: at `index` of `leaf`, which is item `position` of the tree. */
export interface KeyPlace {
  readonly leaf: Leaf
  readonly index: number
  readonly position: number
  /** Whether the key is there. */
  readonly isFound: boolean
}

/** A child on the way to a key that is not in memory; its items begin at `start` of the tree. */
interface AbsentChild extends ChildPlace {
  readonly start: number
}

/** Finds `key`, encoded; what it gives is no promise where all nodes on the way are in memory. */
export function findKey({ root, reader }: Tree, key: Uint8Array): KeyPlace | Promise<KeyPlace> {
  const searched = new SearchedKey(key)
  const found = descend(reader, searched, root, 0)
  return 'leaf' in found ? found : readOn(reader, searched, found)
}

/** What to search for, of keys that are not encoded; throws as {@link ItemBatch.addKey} does. */
export function searchedKeys(keys: Iterable<unknown>): SearchedKey[] {
  const batch = new ItemBatch()
  for (const key of keys) batch.addKey(key)
  const { items, ends } = batch
  return ends.map((_, index) => new SearchedKey(items, index === 0 ? 0 : ends[index - 1]!))
}

/**
 * Finds many keys at once, and tells of each as soon as it is found; `slot` is its place in `keys`. Nodes that must be
 * read are fetched together, level by level.
 */
export async function findKeys(
  { root, reader }: Tree,
  keys: readonly SearchedKey[],
  onFound: (place: KeyPlace, slot: number) => void,
): Promise<void> {
  let absent: { readonly slot: number; readonly child: AbsentChild }[] = []
  const follow = (slot: number, node: Node, start: number): void => {
    const found = descend(reader, keys[slot]!, node, start)
    if ('leaf' in found) onFound(found, slot)
    else absent.push({ slot, child: found })
  }
  for (let slot = 0; slot < keys.length; slot++) follow(slot, root, 0)
  while (absent.length > 0) {
    const wanted = absent
    absent = []
    const nodes = await reader.children(wanted.map(({ child }) => child))
    for (const [at, { slot, child }] of wanted.entries()) follow(slot, nodes[at]!, child.start)
  }
}

async function readOn(reader: NodeReader, key: SearchedKey, child: AbsentChild): Promise<KeyPlace> {
  for (let at = child; ; ) {
    const found = descend(reader, key, await reader.child(at.parent, at.index), at.start)
    if ('leaf' in found) return found
    at = found
  }
}

/** Goes down from `node`, whose items begin at `start`, as far as nodes are in memory. */
function descend(reader: NodeReader, key: SearchedKey, node: Node, start: number): KeyPlace | AbsentChild {
  let at = node
  let atStart = start
  while (at instanceof MetaNode) {
    // The first child whose last key is not before the key; the last one where there is none.
    const found = key.searchIn(at.lastKeys!)
    const index = found >= 0 ? found : Math.min(~found, at.childCount - 1)
    atStart += at.childStart(index)
    const child = reader.cachedChild(at, index)
    if (child === undefined) return { parent: at, index, start: atStart }
    at = child
  }
  const found = key.searchIn(at as EncodedItems)
  const index = found >= 0 ? found : ~found
  return { leaf: at, index, position: atStart + index, isFound: found >= 0 }
}
