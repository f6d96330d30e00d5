/** A tree's shape: how many nodes each level has, and how large they are. */

import type { Tree } from '../../sequence/node-reader.js'
import { metaNodes } from './meta-nodes.js'

/** The nodes of one level. Sizes are in bytes at level 0 and in children above it. */
export interface LevelShape {
  readonly level: number
  readonly nodes: number
  readonly min: number
  readonly average: number
  readonly max: number
}

/** The shapes of all levels, level 0 first. Reads every meta node and no leaf. */
export async function shapeOf(tree: Tree, signal: AbortSignal): Promise<LevelShape[]> {
  const levels = Array.from({ length: tree.root.level + 1 }, () => new Sizes())
  if (tree.root.level === 0) levels[0]!.add(tree.root.length)
  for await (const { node } of metaNodes(tree, signal)) {
    levels[node.level]!.add(node.childCount)
    if (node.level > 1) continue
    for (let index = 0; index < node.childCount; index++) levels[0]!.add(node.childLength(index))
  }
  return levels.map((sizes, level) => ({ level, ...sizes.summary() }))
}

/** Sums up sizes as they come. */
class Sizes {
  #nodes = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = 0

  add(size: number): void {
    this.#nodes++
    this.#sum += size
    if (size < this.#min) this.#min = size
    if (size > this.#max) this.#max = size
  }

  summary(): Omit<LevelShape, 'level'> {
    return {
      nodes: this.#nodes,
      min: this.#min,
      average: Math.round(this.#sum / this.#nodes),
      max: this.#max,
    }
  }
}
