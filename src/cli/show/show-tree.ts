/** Shows trees: their levels, their leaves. */

import type { Ref } from '../../hash/ref.js'
import type { Tree } from '../../sequence/node-reader.js'
import type { CommandContext } from '../command-context.js'
import { metaNodes } from './meta-nodes.js'
import { shapeOf } from './tree-shape.js'

/** A tree, its ref, and how long it is: in bytes, a collection's in items. */
export interface ShownTree {
  readonly ref: Ref
  readonly tree: Tree
  readonly isBlob: boolean
}

/** Prints a line for each level, the root's first. */
export async function showLevels(
  { json, output, signal }: CommandContext,
  { ref, tree, isBlob }: ShownTree,
): Promise<void> {
  const levels = (await shapeOf(tree, signal)).reverse()
  const { length } = tree.root
  if (json)
    return output.line(JSON.stringify({ ref, ...(isBlob ? { size: length } : { count: length }), levels }))
  await output.line(row('level', 'nodes', 'least', 'average', 'most', ''))
  for (const { level, nodes, min, average, max } of levels) {
    const unit = isBlob ? 'bytes' : 'items'
    await output.line(row(level, nodes, min, average, max, level === 0 ? unit : 'children'))
  }
}

/** Prints a line for each leaf. */
export async function showChunks(
  { json, output, signal }: CommandContext,
  { ref, tree }: ShownTree,
): Promise<void> {
  const show = (offset: number, length: number, chunk: Ref): Promise<void> =>
    output.line(
      json
        ? JSON.stringify({ offset, length, ref: chunk })
        : `${String(offset).padStart(16)}  ${String(length).padStart(6)}  ${chunk}`,
    )
  if (tree.root.level === 0) await show(0, tree.root.length, ref)
  for await (const { node, start } of metaNodes(tree, signal)) {
    if (node.level > 1) continue
    for (let index = 0; index < node.childCount; index++) {
      await show(start + node.childStart(index), node.childLength(index), node.childRef(index))
    }
  }
}

function row(...cells: (string | number)[]): string {
  const last = cells.pop()
  return `${cells.map((cell) => String(cell).padStart(9)).join(' ')} ${last}`.trimEnd()
}
