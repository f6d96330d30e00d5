/** nomsy stat: what an object is. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { formatSize } from '../size.js'
import { shapeOf } from '../tree-shape.js'

export const usage: CommandUsage = {
  summary: 'say what an object is: kind, ref, size, chunks, names',
  arguments: [['<object>', 'a name or ref']],
  options: [],
  examples: ['nomsy stat disk'],
}

export async function run(context: CommandContext, _options: object, object: string): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const { ref } = await db.resolve(object)
  const blob = await db.blob(ref)
  const levels = await shapeOf(blob.tree, signal)
  const chunks = levels.reduce((sum, { nodes }) => sum + nodes, 0)
  const names: string[] = []
  let isPinned = false
  for await (const head of db.list()) {
    if (!head.ref.equals(ref)) continue
    if (head.name === undefined) isPinned = true
    else names.push(head.name)
  }
  const { size } = blob
  if (json) {
    const stat = { kind: 'blob', ref, size, chunks, levels: levels.length, names, pinned: isPinned }
    return output.line(JSON.stringify(stat))
  }
  await output.line('kind    blob')
  await output.line(`ref     ${ref}`)
  await output.line(`size    ${size} bytes${size < 1000 ? '' : ` (${formatSize(size)})`}`)
  await output.line(`chunks  ${chunks}, ${levels[0]!.nodes} of them leaves`)
  await output.line(`levels  ${levels.length}`)
  for (const name of names) await output.line(`name    ${name}`)
  if (isPinned) await output.line('pinned')
}
