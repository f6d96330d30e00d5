/** Builds trees from scratch and looks at all of one, for tests that compare trees. */

import type { SequenceFormat, TreeParams } from '../../src/sequence/format.js'
import { leafRuns } from '../../src/sequence/leaves.js'
import { MetaNode, type Node } from '../../src/sequence/node.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { NodeReader, type Tree } from '../../src/sequence/node-reader.js'
import { type Root, TreeWriter } from '../../src/sequence/tree-writer.js'
import { walk } from '../../src/sequence/walk.js'
import type { ChunkStore } from '../../src/store/chunk-store.js'
import { join } from './data.js'
import { itemsOf } from './item-formats.js'

/** The tree of `items`, or of bytes, written to `store`. */
export async function build(
  store: ChunkStore,
  format: SequenceFormat,
  params: TreeParams,
  items: Uint8Array | readonly Uint8Array[],
): Promise<Root> {
  const writer = new TreeWriter(format, params, store)
  push(writer, items)
  return writer.finish()
}

export function push(writer: TreeWriter, items: Uint8Array | readonly Uint8Array[]): void {
  if (items instanceof Uint8Array) writer.pushBytes(items)
  else for (const item of items) writer.pushItem(item)
}

/** The tree of `root` as it is read with nothing in the cache. */
export async function openTree(
  store: ChunkStore,
  format: SequenceFormat,
  { ref }: Pick<Root, 'ref'>,
): Promise<Tree> {
  const reader = new NodeReader(store, format, new NodeCache())
  return { reader, root: await reader.root(ref) }
}

/** All items, or bytes, of `tree`. */
export async function readAll(tree: Tree): Promise<Uint8Array[] | Uint8Array> {
  const runs: Uint8Array[] = []
  const items: Uint8Array[] = []
  for await (const { leaf, from, to } of leafRuns(tree, 0, tree.root.length)) {
    if (leaf.ends === undefined) runs.push(leaf.slice(from, to))
    else items.push(...itemsOf(leaf).slice(from, to))
  }
  return runs.length > 0 ? join(runs) : items
}

/** Nodes on each level, leaves first. */
export async function nodesPerLevel({ reader, root }: Tree): Promise<number[]> {
  const counts: number[] = []
  for (let nodes: Node[] = [root]; nodes.length > 0; ) {
    counts.unshift(nodes.length)
    const children: Node[] = []
    for (const node of nodes) {
      if (!(node instanceof MetaNode)) continue
      for (let index = 0; index < node.childCount; index++) children.push(await reader.child(node, index))
    }
    nodes = children
  }
  return counts
}

/** Number of different chunks under `root`; rejects where one is absent or no canonical value. */
export async function countChunks(store: ChunkStore, { ref }: Pick<Root, 'ref'>): Promise<number> {
  let count = 0
  for await (const _ of walk(store, ref)) count++
  return count
}
