/**
 * The leaves of a part of a tree, in order: for reads that stream. Leaves are fetched many at a time, the next
 * batch while the last one is being used.
 */

import { type Leaf, MetaNode } from './node.js'
import type { NodeReader, Tree } from './node-reader.js'

/** Items fetched at once and ahead; the items of a blob are its bytes. */
const BATCH_ITEMS = 512 * 1024

/** A run of one leaf's items: those from `from` to `to` of `leaf`, which begin at `start` of the sequence. */
export interface LeafRun {
  readonly leaf: Leaf
  readonly from: number
  readonly to: number
  readonly start: number
}

/** The items from `start` to `end` of `tree`. */
export async function* leafRuns(tree: Tree, start: number, end: number): AsyncGenerator<LeafRun> {
  const { reader, root } = tree
  if (start >= end) return
  if (!(root instanceof MetaNode)) {
    yield { leaf: root, from: start, to: end, start }
    return
  }
  let ahead: { leaves: Promise<Leaf[]>; start: number } | undefined
  for await (const batch of batches(reader, root, 0, start, end)) {
    const leaves = reader.leaves(batch.parent, batch.from, batch.to)
    // Its failure is met when its turn comes, or by nobody if the reader stops before.
    leaves.catch(() => {})
    if (ahead !== undefined) yield* runs(await ahead.leaves, ahead.start, start, end)
    ahead = { leaves, start: batch.start }
  }
  if (ahead !== undefined) yield* runs(await ahead.leaves, ahead.start, start, end)
}

function* runs(leaves: readonly Leaf[], first: number, start: number, end: number): Generator<LeafRun> {
  let at = first
  for (const leaf of leaves) {
    const from = Math.max(start - at, 0)
    const to = Math.min(end - at, leaf.length)
    yield { leaf, from, to, start: at + from }
    at += leaf.length
  }
}

/** Neighbouring leaves, children `from` to `to` of `parent`, whose items begin at `start` of the sequence. */
interface Batch {
  readonly parent: MetaNode
  readonly from: number
  readonly to: number
  readonly start: number
}

async function* batches(
  reader: NodeReader,
  node: MetaNode,
  nodeStart: number,
  start: number,
  end: number,
): AsyncGenerator<Batch> {
  let index = start > nodeStart ? node.childAt(start - nodeStart) : 0
  while (index < node.childCount && nodeStart + node.childStart(index) < end) {
    const childStart = nodeStart + node.childStart(index)
    if (node.level > 1) {
      const child = (await reader.child(node, index)) as MetaNode
      yield* batches(reader, child, childStart, start, end)
      index++
      continue
    }
    const from = index
    const stop = Math.min(end, childStart + BATCH_ITEMS)
    while (index < node.childCount && nodeStart + node.childStart(index) < stop) index++
    yield { parent: node, from, to: index, start: childStart }
  }
}
