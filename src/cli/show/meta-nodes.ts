/** The meta nodes of a tree, in order, parents first: what there is to know of a tree without reading its leaves. */

import { MetaNode } from '../../sequence/node.js'
import type { Tree } from '../../sequence/node-reader.js'

/** Nodes fetched at once. */
const BATCH_NODES = 32

/** A meta node whose first item is item `start` of the tree. */
export interface PlacedNode {
  readonly node: MetaNode
  readonly start: number
}

/** None where the root is a leaf. */
export async function* metaNodes({ reader, root }: Tree, signal: AbortSignal): AsyncGenerator<PlacedNode> {
  if (root instanceof MetaNode) yield* under(root, 0)

  async function* under(node: MetaNode, start: number): AsyncGenerator<PlacedNode> {
    yield { node, start }
    if (node.level === 1) return
    for (let from = 0; from < node.childCount; from += BATCH_NODES) {
      signal.throwIfAborted()
      const count = Math.min(BATCH_NODES, node.childCount - from)
      const children = await Promise.all(
        Array.from({ length: count }, (_, index) => reader.child(node, from + index)),
      )
      for (const [index, child] of children.entries()) {
        yield* under(child as MetaNode, start + node.childStart(from + index))
      }
    }
  }
}
