/** nomsy put: stores files. */

import type { Blob } from '../../blob/blob.js'
import type { Database } from '../../database/database.js'
import type { Compression } from '../../store/segment/compression.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { compressionOption } from '../compression.js'
import { keep } from '../edit/keep.js'
import { UsageError } from '../failure.js'
import { parseHeadName } from '../head-name.js'
import { MESSAGE_OPTION } from '../options.js'
import { printable } from '../printable.js'
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
    MESSAGE_OPTION,
    compressionOption(
      'pack what is stored now so: none, zstd, or zstd:LEVEL from -7 (fast) to 19 (small); else as the store was made to',
    ),
  ],
  notes: `Prints a line for each file: its ref and its name. Without --name the ref is pinned: it stays until
'nomsy rm REF'. Makes the store where there is none; that one remembers --compression.
Refs are the same however it is packed, and what is stored already stays as it is. While another process has the store
open, that one packs, in its own way.`,
  examples: [
    'nomsy put --name disk disk.img',
    'tar c photos | nomsy put -',
    'nomsy put --compression none holiday.mp4',
  ],
}

interface PutOptions {
  readonly name?: string
  readonly message?: string
  readonly compression?: Compression
}

export async function run(context: CommandContext, options: PutOptions, paths: string[]): Promise<void> {
  const { name, message, compression } = options
  if (name !== undefined && paths.length > 1) {
    throw new UsageError(`--name ${name} names one file, not ${paths.length}; put the others without it`)
  }
  if (name === undefined && message !== undefined) throw new UsageError('-m is for what --name names')
  const sources = await findSources(paths)
  const db = await context.openOrCreate({ compression })
  for (const source of sources) {
    const { blob, newBytes } = await store(context, db, source)
    await keep(db, blob.ref, name === undefined ? undefined : { name, message, words: `put ${source.name}` })
    await context.output.report(line(context, source, blob, newBytes, name))
  }
}

/** A stored file, and the bytes of chunks that the store did not have before. */
interface Stored {
  readonly blob: Blob
  readonly newBytes: number
}

async function store(context: CommandContext, db: Database, source: Source): Promise<Stored> {
  using progress = context.progress(source.name, source.size)
  const { signal } = context
  const blob = await source.read(signal, (bytes) =>
    db.putBlob(bytes, { signal, onProgress: progress.addStored }),
  )
  return { blob, newBytes: progress.newBytes }
}

function line(
  context: CommandContext,
  source: Source,
  { ref, size }: Blob,
  newBytes: number,
  head: string | undefined,
): string {
  if (!context.json) return `${ref}  ${printable(source.name)}`
  return JSON.stringify({ ref, name: source.name, size, newBytes, ...(head !== undefined && { head }) })
}
