/** nomsy stat: what an object is. */

import type { Database } from '../../database/database.js'
import { Ref } from '../../hash/ref.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findTarget, openObject, refOf, type StoredObject } from '../objects/find-object.js'
import { countText, type ObjectSummary, summaryOf } from '../objects/object-summary.js'
import { entryDetails, topDetails } from '../show/entry-details.js'
import { entryForm, topForm } from '../show/show-directory.js'
import { shapeOf } from '../show/tree-shape.js'
import { formatSize } from '../size.js'

export const usage: CommandUsage = {
  summary: 'say what an object is: kind, ref, size, chunks, names; of an entry all that is recorded',
  arguments: [['<object>', 'a name or ref; with a path an entry of a directory']],
  options: [],
  notes: `Of a commit, it says what was committed. Names are those of the commit then. Of an entry of a directory, and of a
directory that was put, it says what was recorded: type, mode, owner, time, link and the rest; with --json as entry, top.`,
  examples: ['nomsy stat disk', 'nomsy stat backup:home/ada/notes.txt'],
}

export async function run(context: CommandContext, _options: object, object: string): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const { value, entry: [, entry] = [] } = await findTarget(db, object)
  const details = entry === undefined ? [] : entryDetails(entry)
  if (entry !== undefined && !(value instanceof Ref)) {
    // There is no object to it.
    const lines = json ? [JSON.stringify({ kind: entry.type, entry: entryForm(entry) })] : details
    for (const line of lines) await output.line(line)
    return
  }
  const named = await openObject(db, refOf(value, object))
  const commit = named.kind === 'commit' ? named.object : undefined
  const found = commit === undefined ? named : await openObject(db, commit.value)
  const { ref } = found
  const summary = summaryOf(found)
  const shape = await chunksOf(found, signal)
  const { names, isPinned } = await namesOf(db, named.ref)
  const top = found.kind === 'dir' ? found.object.top : undefined
  if (json) {
    const recorded = {
      ...(entry !== undefined && { entry: entryForm(entry) }),
      ...(top !== undefined && { top: topForm(top) }),
    }
    const stat = { ref, ...summary, commit: commit?.ref, ...shape, names, pinned: isPinned, ...recorded }
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
  for (const line of [...details, ...(top === undefined ? [] : topDetails(top))]) await output.line(line)
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
