/**
 * Copies parts of an old tree into a {@link TreeWriter}, in one pass from left to right: this is what splice,
 * append and concat are made of. SPEC "Splice".
 *
 * What is kept goes into the writer at the highest level at which the new tree's boundaries stand on the old
 * tree's: below that level the old nodes are taken by ref, unread. An edit therefore re-chunks from the start of
 * the leaf it falls into until a new boundary meets an old one, and the same on each level above; and the result
 * is the tree that building from scratch gives, since the writer sees the same items either way.
 */

import { MetaNode, type Node } from './node.js'
import type { NodeReader } from './node-reader.js'
import type { Root, TreeWriter } from './tree-writer.js'

/** A node on the way from the root to the editor's place. Entries before `index` are dealt with. */
interface Step {
  readonly node: Node
  /** Items before the node. */
  readonly start: number
  index: number
}

export class TreeCopier {
  readonly #reader: NodeReader
  readonly #writer: TreeWriter
  readonly #length: number
  /** From the root to the node in which the copier stands; what lies below a step is at the step's `index`. */
  readonly #path: Step[]

  /** Into a writer that has something already, begin with {@link skipTo}: what comes first is not aligned. */
  constructor(reader: NodeReader, root: Node, writer: TreeWriter) {
    this.#reader = reader
    this.#writer = writer
    this.#length = root.length
    this.#path = [{ node: root, start: 0, index: 0 }]
  }

  /** Keeps the old items up to `position`. */
  async copyTo(position: number): Promise<void> {
    while (!this.#reaches(position)) await this.#copyRestOfNode()
    await this.#descend(position, (step, index) => this.#push(step, index))
  }

  /** Drops the old items up to `position`. */
  async skipTo(position: number): Promise<void> {
    while (!this.#reaches(position)) this.#path.pop()
    await this.#descend(position, () => {})
  }

  /** Keeps what is left of the old items; nothing can be added after them. */
  async copyRest(): Promise<void> {
    while (this.#path.length > 1) await this.#copyRestOfNode()
    this.#push(this.#top, entryCount(this.#top.node))
  }

  get #top(): Step {
    return this.#path[this.#path.length - 1]!
  }

  /** Whether `position` is in the top node, or at the very end of the sequence and the node is the last. */
  #reaches(position: number): boolean {
    const end = this.#top.start + this.#top.node.length
    return position < end || end === this.#length
  }

  /** Goes down to the leaf and item at `position`, which the top node reaches. */
  async #descend(position: number, pass: (step: Step, index: number) => void): Promise<void> {
    for (;;) {
      const step = this.#top
      const { node, start } = step
      if (!(node instanceof MetaNode)) {
        pass(step, position - start)
        step.index = position - start
        return
      }
      const index = node.childAt(position - start)
      pass(step, index)
      step.index = index
      await this.#enterChild()
    }
  }

  /** Keeps the rest of the top node, then stands on the level above or in the next node of the same level. */
  async #copyRestOfNode(): Promise<void> {
    const step = this.#top
    const { level } = step.node
    await this.#writer.settle()
    if (step.index === 0 && this.#writer.atBoundary(level)) {
      // Nothing of this node has been touched: it can be kept whole, from above.
      this.#path.pop()
      return
    }
    this.#push(step, entryCount(step.node))
    await this.#writer.settle()
    this.#leaveNode()
    if (this.#writer.atBoundary(level)) return
    while (this.#top.index === entryCount(this.#top.node)) {
      if (this.#path.length === 1) return
      this.#leaveNode()
    }
    while (this.#top.node.level > level) await this.#enterChild()
  }

  /** Hands the entries before `end` of the step's node to the writer. */
  #push(step: Step, end: number): void {
    const { node } = step
    if (node instanceof MetaNode) this.#writer.pushChildren(node, step.index, end)
    else this.#writer.pushLeafItems(node, step.index, end)
    step.index = end
  }

  async #enterChild(): Promise<void> {
    const { node, start, index } = this.#top
    const parent = node as MetaNode
    const child = await this.#reader.child(parent, index)
    this.#path.push({ node: child, start: start + parent.childStart(index), index: 0 })
  }

  #leaveNode(): void {
    this.#path.pop()
    this.#top.index++
  }
}

/**
 * The root of what `writer` was given. An old node that is all that is left may hold a single child, and that
 * one again: the last of them is the root.
 */
export async function finishTree(reader: NodeReader, writer: TreeWriter): Promise<Root> {
  const { ref, length } = await writer.finish()
  for (let root = ref; ; ) {
    const node = await reader.node(root)
    if (!(node instanceof MetaNode) || node.childCount > 1) return { ref: root, length }
    root = node.childRef(0)
  }
}

function entryCount(node: Node): number {
  return node instanceof MetaNode ? node.childCount : node.length
}
