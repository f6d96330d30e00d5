/** Holds a node against what its parent says of it. SPEC "Nodes". */

import type { SequenceFormat } from './format.js'
import { type EncodedItems, MetaNode, type Node } from './node.js'

/** Why `node` cannot be child `index` of `parent`; undefined if it can. */
export function whyNotChild(
  format: SequenceFormat,
  parent: MetaNode,
  index: number,
  node: Node,
): string | undefined {
  if (node.level !== parent.level - 1) return `level ${node.level} under level ${parent.level}`
  const expected = parent.childLength(index)
  if (node.length !== expected) return `length ${node.length} where its parent says ${expected}`
  return hasItsKeys(format, parent, index, node) ? undefined : 'other keys than its parent says'
}

/** Whether the last key is the one that the parent gives, and the first one comes after the child before. */
function hasItsKeys({ keys: order }: SequenceFormat, parent: MetaNode, index: number, node: Node): boolean {
  if (order === undefined) return true
  const lastKeys = parent.lastKeys!
  const own = (node instanceof MetaNode ? node.lastKeys : node) as EncodedItems
  const [last, ownLast] = [startOf(lastKeys, index), startOf(own, own.ends.length - 1)]
  if (order.compare(own.items, ownLast, lastKeys.items, last) !== 0) return false
  return index === 0 || order.compare(lastKeys.items, startOf(lastKeys, index - 1), own.items, 0) < 0
}

function startOf({ ends }: EncodedItems, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!
}
