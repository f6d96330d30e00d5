/** nomsy put: stores files. */

import type { Blob } from '../../blob/blob.js'
import type { Database } from '../../database/database.js'
import type { CommandUsage } from '../command.js'
import { UsageError } from '../failure.js'
import { parseHeadName } from '../head-name.js'
import { keep } from '../keep.js'
import { printable } from '../printable.js'
import type { Session } from '../session.js'
import { findSources, type Source } from '../source.js'

export const usage: CommandUsage = {
  summary: 'store files and print their refs',
  arguments: [['<file...>', 'files to store; - is standard input']],
  options: [
    {
      flags: '--name <name>',
      description: 'the name to store one file under; it moves there if it names something else',
      parse: parseHeadName,
    },
  ],
  notes: `Prints a line for each file: its ref and its name. Without --name the ref is pinned: it stays until
'nomsy rm REF'. Makes the store where there is none.`,
  examples: ['nomsy put --name disk disk.img', 'tar c photos | nomsy put -'],
}

export async function run(
  session: Session,
  options: { readonly name?: string },
  paths: string[],
): Promise<void> {
  const { name } = options
  if (name !== undefined && paths.length > 1) {
    throw new UsageError(`--name ${name} names one file, not ${paths.length}; put the others without it`)
  }
  const sources = await findSources(paths)
  const db = await session.openOrCreate()
  for (const source of sources) {
    const blob = await store(session, db, source)
    await keep(db, blob.ref, name)
    await session.output.report(line(session, source, blob, name))
  }
}

async function store(session: Session, db: Database, source: Source): Promise<Blob> {
  using progress = session.progress(source.name, source.size)
  return await db.putBlob(source.bytes(session.signal), { signal: session.signal, onProgress: progress.add })
}

function line(session: Session, source: Source, { ref, size }: Blob, head: string | undefined): string {
  if (!session.json) return `${ref}  ${printable(source.name)}`
  return JSON.stringify({ ref, name: source.name, size, ...(head !== undefined && { head }) })
}
