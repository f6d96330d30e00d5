/** Finds items by their position. */

import { type Leaf, MetaNode, type Node } from '../sequence/node.js'
import type { Tree } from '../sequence/node-reader.js'

/** An item: number `index` of `leaf`. */
export interface ItemPlace {
  readonly leaf: Leaf
  readonly index: number
}

/** Item `index` of the tree, from its end where negative, as Array.at has it; undefined where there is none. */
export async function itemAt({ root, reader }: Tree, index: number): Promise<ItemPlace | undefined> {
  const whole = Math.trunc(index) || 0
  let position = whole < 0 ? root.length + whole : whole
  if (position < 0 || position >= root.length) return undefined
  let node: Node = root
  while (node instanceof MetaNode) {
    const child = node.childAt(position)
    position -= node.childStart(child)
    node = reader.cachedChild(node, child) ?? (await reader.child(node, child))
  }
  return { leaf: node, index: position }
}
