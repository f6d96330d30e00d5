/** nomsy show: an object's tree. */

import type { Blob } from '../../blob/blob.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findBlob } from '../find-blob.js'
import { metaNodes } from '../meta-nodes.js'
import { shapeOf } from '../tree-shape.js'

export const usage: CommandUsage = {
  summary: "show an object's tree: its levels and nodes",
  arguments: [['<object>', 'a name or ref']],
  options: [{ flags: '--chunks', description: "list the leaves instead: each one's offset, length and ref" }],
  notes: `Prints a line for each level, the root's first: how many nodes it has, and the least, average and most bytes
(at level 0) or children (above it) of a node. A node that occurs twice counts twice.`,
  examples: ['nomsy show disk', 'nomsy show disk --chunks | head'],
}

export async function run(
  context: CommandContext,
  options: { readonly chunks?: boolean },
  object: string,
): Promise<void> {
  const db = await context.openToRead()
  const blob = await findBlob(db, object)
  if (options.chunks === true) await showChunks(context, blob)
  else await showLevels(context, blob)
}

async function showLevels({ json, output, signal }: CommandContext, blob: Blob): Promise<void> {
  const { ref, size } = blob
  const levels = (await shapeOf(blob.tree, signal)).reverse()
  if (json) return output.line(JSON.stringify({ ref, size, levels }))
  await output.line(row('level', 'nodes', 'least', 'average', 'most', ''))
  for (const { level, nodes, min, average, max } of levels) {
    await output.line(row(level, nodes, min, average, max, level === 0 ? 'bytes' : 'children'))
  }
}

async function showChunks(
  { json, output, signal }: CommandContext,
  { ref, size, tree }: Blob,
): Promise<void> {
  const show = (offset: number, length: number, chunk: typeof ref): Promise<void> =>
    output.line(
      json
        ? JSON.stringify({ offset, length, ref: chunk })
        : `${String(offset).padStart(16)}  ${String(length).padStart(6)}  ${chunk}`,
    )
  if (tree.root.level === 0) await show(0, size, ref)
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
