/**
 * What differs between two sets or maps, in the order of keys. Both trees are walked side by side; where both stand at
 * the beginning of equal subtrees, these are passed over unread. So the cost follows what differs. SPEC "Diff".
 */

import { compareBytes } from '../encoding/byte-order.js'
import { REF_BYTES, sameRef } from '../hash/ref.js'
import { Leaf, MetaNode, type Node } from '../sequence/node.js'
import type { NodeReader, Tree } from '../sequence/node-reader.js'
import { compareKeys } from './key-order.js'

/** The items that two sides have under one key, encoded. They differ; undefined where a side has none. */
export interface ItemChange {
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array | undefined
}

/** What turns the items of `a` into those of `b`, rising by key. */
export async function* diffKeyed(a: Tree, b: Tree): AsyncGenerator<ItemChange> {
  const before = new Cursor(a)
  const after = new Cursor(b)
  while (!before.isAtEnd && !after.isAtEnd) {
    if (passEqual(before, after)) continue
    if (before.height > 0 || after.height > 0) {
      // The higher of the two is opened, or both, so that they meet at one height.
      const difference = before.height - after.height
      await Promise.all([difference >= 0 && before.enter(), difference <= 0 && after.enter()])
    } else {
      const [item, other] = [before.item, after.item]
      const order = compareKeys(item, 0, other, 0)
      yield { before: order <= 0 ? item : undefined, after: order >= 0 ? other : undefined }
      if (order <= 0) before.pass()
      if (order >= 0) after.pass()
    }
  }
  for await (const item of before.rest()) yield { before: item, after: undefined }
  for await (const item of after.rest()) yield { before: undefined, after: item }
}

/** Passes over what is equal in the two nodes in which the cursors stand, from there on; whether there was any. */
function passEqual(before: Cursor, after: Cursor): boolean {
  const [a, b] = [before.top, after.top]
  const limit = Math.min(entryCount(a.node) - a.index, entryCount(b.node) - b.index)
  let count = 0
  if (a.node instanceof Leaf && b.node instanceof Leaf) {
    while (count < limit && sameItem(a.node, a.index + count, b.node, b.index + count)) count++
  } else if (a.node instanceof MetaNode && b.node instanceof MetaNode && a.node.level === b.node.level) {
    while (count < limit && sameChild(a.node, a.index + count, b.node, b.index + count)) count++
  }
  if (count === 0) return false
  before.pass(count)
  after.pass(count)
  return true
}

function sameItem(a: Leaf, aIndex: number, b: Leaf, bIndex: number): boolean {
  const [aStart, aEnd] = [a.offsetOf(aIndex), a.offsetOf(aIndex + 1)]
  const [bStart, bEnd] = [b.offsetOf(bIndex), b.offsetOf(bIndex + 1)]
  return aEnd - aStart === bEnd - bStart && compareBytes(a.items, aStart, aEnd, b.items, bStart, bEnd) === 0
}

function sameChild(a: MetaNode, aIndex: number, b: MetaNode, bIndex: number): boolean {
  return sameRef(a.refs.bytes, aIndex * REF_BYTES, b.refs.bytes, bIndex * REF_BYTES)
}

/** A node on the way down, and the place in it: of a child, or of an item of a leaf. */
interface Step {
  readonly node: Node
  index: number
}

/** Stands at a node or at an item of a tree; all before it has been dealt with. */
class Cursor {
  readonly #reader: NodeReader
  /** From the root to the node in which it stands; empty at the end. */
  readonly #path: Step[]

  constructor({ reader, root }: Tree) {
    this.#reader = reader
    this.#path = root.length === 0 ? [] : [{ node: root, index: 0 }]
  }

  get isAtEnd(): boolean {
    return this.#path.length === 0
  }

  /** 0 at an item, 1 at a leaf, 2 at a meta node of level 1, and so on. */
  get height(): number {
    return this.top.node.level
  }

  /** The encoded item at which it stands, where its height is 0. */
  get item(): Uint8Array {
    const { node, index } = this.top
    return (node as Leaf).slice(index, index + 1)
  }

  /** Goes into the node at which it stands, to the first of what is in there. */
  async enter(): Promise<void> {
    const { node, index } = this.top
    this.#path.push({ node: await this.#reader.child(node as MetaNode, index), index: 0 })
  }

  /** Passes over `count` of what is in the node, to a neighbour, or to a neighbour of the node if that ends there. */
  pass(count = 1): void {
    this.top.index += count
    while (!this.isAtEnd && this.top.index === entryCount(this.top.node)) {
      this.#path.pop()
      if (!this.isAtEnd) this.top.index++
    }
  }

  /** All items from here on. */
  async *rest(): AsyncGenerator<Uint8Array> {
    while (!this.isAtEnd) {
      while (this.height > 0) await this.enter()
      yield this.item
      this.pass()
    }
  }

  /** Where it stands, if it is not at the end. */
  get top(): Step {
    return this.#path[this.#path.length - 1]!
  }
}

function entryCount(node: Node): number {
  return node instanceof MetaNode ? node.childCount : node.length
}
