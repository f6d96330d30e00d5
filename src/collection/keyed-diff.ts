/**
 * What differs between two sets or maps, in the order of keys. Both trees are walked side by side; where both stand at
 * the beginning of equal subtrees, these are passed over unread. So the cost follows what differs. SPEC "Diff".
 */

import { sameBytes } from '../encoding/byte-order.js'
import { REF_BYTES, sameRef } from '../hash/ref.js'
import { type Leaf, MetaNode, type Node } from '../sequence/node.js'
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
    if (before.standsAtSameNodeAs(after)) {
      before.pass()
      after.pass()
    } else if (before.height > 0 || after.height > 0) {
      // The higher of the two is opened, or both, so that they meet at one height.
      const difference = before.height - after.height
      await Promise.all([difference >= 0 && before.enter(), difference <= 0 && after.enter()])
    } else {
      const order = compareKeys(before.item, 0, after.item, 0)
      if (order < 0) yield { before: before.item, after: undefined }
      else if (order > 0) yield { before: undefined, after: after.item }
      else if (!sameBytes(before.item, after.item)) yield { before: before.item, after: after.item }
      if (order <= 0) before.pass()
      if (order >= 0) after.pass()
    }
  }
  for await (const item of before.rest()) yield { before: item, after: undefined }
  for await (const item of after.rest()) yield { before: undefined, after: item }
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
    return this.#top.node.level
  }

  /** The encoded item at which it stands, where its height is 0. */
  get item(): Uint8Array {
    const { node, index } = this.#top
    return (node as Leaf).slice(index, index + 1)
  }

  standsAtSameNodeAs(other: Cursor): boolean {
    const [a, b] = [this.#top, other.#top]
    if (!(a.node instanceof MetaNode && b.node instanceof MetaNode) || a.node.level !== b.node.level)
      return false
    return sameRef(a.node.refs.bytes, a.index * REF_BYTES, b.node.refs.bytes, b.index * REF_BYTES)
  }

  /** Goes into the node at which it stands, to the first of what is in there. */
  async enter(): Promise<void> {
    const { node, index } = this.#top
    this.#path.push({ node: await this.#reader.child(node as MetaNode, index), index: 0 })
  }

  /** Goes to what comes after what it stands at: a neighbour, or a neighbour of a node that has ended. */
  pass(): void {
    for (let step = this.#path.at(-1); step !== undefined; step = this.#path.at(-1)) {
      step.index++
      if (step.index < entryCount(step.node)) return
      this.#path.pop()
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

  get #top(): Step {
    return this.#path[this.#path.length - 1]!
  }
}

function entryCount(node: Node): number {
  return node instanceof MetaNode ? node.childCount : node.length
}
