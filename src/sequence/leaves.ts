/**
 * The leaves of a part of a tree, in order or in reverse: for reads that stream. Leaves are fetched many at a time,
 * the next batch while the last one is being used.
 */

import { type Leaf, MetaNode } from './node.js'
import type { NodeReader, Tree } from './node-reader.js'

/** Bytes of leaves fetched at once and ahead. */
const BATCH_BYTES = 1024 * 1024

/** Batches fetched ahead at most: one at first, and one more with each that is used. */
const MAX_BATCHES_AHEAD = 4

/** Leaves fetched at once, at first, before it is known how large they are, and at most. */
const FIRST_LEAVES = 16
const MAX_LEAVES = 128

/** A run of one leaf's items: those from `from` to `to` of `leaf`, which begin at `start` of the sequence. */
export interface LeafRun {
  readonly leaf: Leaf
  readonly from: number
  readonly to: number
  readonly start: number
}

/** The items from `start` to `end` of `tree`, leaf by leaf; the last leaf first if `reverse` is set. */
export async function* leafRuns(
  tree: Tree,
  start: number,
  end: number,
  reverse = false,
): AsyncGenerator<LeafRun> {
  if (start >= end) return
  if (!(tree.root instanceof MetaNode)) {
    yield { leaf: tree.root, from: start, to: end, start }
    return
  }
  const batches = new LeafBatches(tree.reader, start, end, reverse)
  const ahead: { leaves: Promise<Leaf[]>; start: number }[] = []
  let mostAhead = 1
  for await (const batch of batches.under(tree.root, 0)) {
    const leaves = batches.read(batch)
    // Its failure is met when its turn comes, or by nobody if the reader stops before.
    leaves.catch(() => {})
    ahead.push({ leaves, start: batch.first })
    if (ahead.length <= mostAhead) continue
    const next = ahead.shift()!
    yield* runs(await next.leaves, next.start)
    mostAhead = Math.min(mostAhead + 1, MAX_BATCHES_AHEAD)
  }
  for (const { leaves, start } of ahead) yield* runs(await leaves, start)

  function runs(leaves: readonly Leaf[], first: number): LeafRun[] {
    let at = first
    const found = leaves.map((leaf) => {
      const from = Math.max(start - at, 0)
      const run = { leaf, from, to: Math.min(end - at, leaf.length), start: at + from }
      at += leaf.length
      return run
    })
    return reverse ? found.reverse() : found
  }
}

/** Neighbouring leaves, children `from` to `to` of `parent`, whose items begin at `first` of the sequence. */
interface LeafBatch {
  readonly parent: MetaNode
  readonly from: number
  readonly to: number
  readonly first: number
}

/** Parts the leaves that hold the items from `start` to `end` into batches. */
class LeafBatches {
  readonly #reader: NodeReader
  readonly #start: number
  readonly #end: number
  readonly #reverse: boolean
  /** Leaves of the next batch. */
  #leafCount = FIRST_LEAVES

  constructor(reader: NodeReader, start: number, end: number, reverse: boolean) {
    this.#reader = reader
    this.#start = start
    this.#end = end
    this.#reverse = reverse
  }

  /** The batches under `node`, whose items begin at `nodeStart`. */
  async *under(node: MetaNode, nodeStart: number): AsyncGenerator<LeafBatch> {
    const last = Math.min(this.#end - nodeStart, node.length) - 1
    let from = node.childAt(Math.max(this.#start - nodeStart, 0))
    let to = node.childAt(last) + 1
    while (from < to) {
      const count = node.level > 1 ? 1 : Math.min(this.#leafCount, to - from)
      const child = this.#reverse ? to - count : from
      if (this.#reverse) to -= count
      else from += count
      const first = nodeStart + node.childStart(child)
      if (node.level === 1) yield { parent: node, from: child, to: child + count, first }
      else yield* this.under((await this.#reader.child(node, child)) as MetaNode, first)
    }
  }

  async read({ parent, from, to }: LeafBatch): Promise<Leaf[]> {
    const leaves = await this.#reader.leaves(parent, from, to)
    const byteCount = leaves.reduce((sum, { items }) => sum + items.length, 0)
    const fitting = Math.floor((BATCH_BYTES * leaves.length) / byteCount)
    this.#leafCount = Math.max(1, Math.min(fitting, 2 * this.#leafCount, MAX_LEAVES))
    return leaves
  }
}
