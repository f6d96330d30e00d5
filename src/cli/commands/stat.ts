/** nomsy stat: what an object is. */

import type { Database } from '../../database/database.js'
import type { Ref } from '../../hash/ref.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findRef, openObject, type StoredObject } from '../objects/find-object.js'
import { countText, type ObjectSummary, summaryOf } from '../objects/object-summary.js'
import { shapeOf } from '../show/tree-shape.js'
import { formatSize } from '../size.js'

export const usage: CommandUsage = {
  summary: 'say what an object is: kind, ref, size, chunks, names',
  arguments: [['<object>', 'a name or ref']],
  options: [],
  notes: 'Of a commit, it says what was committed. Names are those of the commit then.',
  examples: ['nomsy stat disk'],
}

export async function run(context: CommandContext, _options: object, object: string): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const named = await openObject(db, await findRef(db, object))
  const commit = named.kind === 'commit' ? named.object : undefined
  const found = commit === undefined ? named : await openObject(db, commit.value)
  const { ref } = found
  const summary = summaryOf(found)
  const shape = await chunksOf(found, signal)
  const { names, isPinned } = await namesOf(db, named.ref)
  if (json) {
    const stat = { ref, ...summary, commit: commit?.ref, ...shape, names, pinned: isPinned }
    return output.line(JSON.stringify(stat))
  }
  await output.line(`kind    ${found.kind}`)
  await output.line(`ref     ${ref}`)
  if (commit !== undefined) await output.line(`commit  ${commit.ref}`)
  if (found.kind !== 'value') await output.line(`size    ${sizeText(summary)}`)
  await output.line(`chunks  ${shape.chunks}, ${shape.leaves} of them leaves`)
  await output.line(`levels  ${shape.levels}`)
  for (const name of names) await output.line(`name    ${name}`)
  if (isPinned) await output.line('pinned')
}

function sizeText({ kind, size, count }: ObjectSummary): string {
  if (count !== undefined) return countText(kind, count)
  return `${size} bytes${size! < 1000 ? '' : ` (${formatSize(size!)})`}`
}

interface Chunks {
  readonly chunks: number
  readonly leaves: number
  readonly levels: number
}

async function chunksOf(found: StoredObject, signal: AbortSignal): Promise<Chunks> {
  if (found.kind === 'value' || found.kind === 'commit') return { chunks: 1, leaves: 1, levels: 1 }
  const levels = await shapeOf(found.object.tree, signal)
  const chunks = levels.reduce((sum, { nodes }) => sum + nodes, 0)
  return { chunks, leaves: levels[0]!.nodes, levels: levels.length }
}

async function namesOf(db: Database, ref: Ref): Promise<{ names: string[]; isPinned: boolean }> {
  const names: string[] = []
  let isPinned = false
  for await (const head of db.roots()) {
    if (!head.ref.equals(ref)) continue
    if (head.name === undefined) isPinned = true
    else names.push(head.name)
  }
  return { names, isPinned }
}
