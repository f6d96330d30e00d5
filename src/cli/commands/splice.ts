/** nomsy splice: a new blob from an old one with some bytes replaced. */

import type { Blob } from '../../blob/blob.js'
import type { BlobSource } from '../../blob/blob-source.js'
import { parseByteCount } from '../byte-count.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { keep } from '../edit/keep.js'
import { Failure, UsageError } from '../failure.js'
import { parseHeadName } from '../head-name.js'
import { findBlob } from '../objects/find-object.js'
import { MESSAGE_OPTION } from '../options.js'
import { findSource } from '../source.js'

export const usage: CommandUsage = {
  summary: 'store a changed copy of an object: bytes removed, inserted or both',
  arguments: [['<object>', 'a name or ref; it stays as it is']],
  options: [
    {
      flags: '--at <offset>',
      description: 'where, in bytes from the start; as many as the object has: at its end',
      parse: (text) => parseByteCount('--at', text),
      isRequired: true,
    },
    {
      flags: '--remove <bytes>',
      description: 'how many bytes to leave out there',
      parse: (text) => parseByteCount('--remove', text),
    },
    { flags: '--insert <file>', description: 'what to put there; - is standard input' },
    {
      flags: '--name <name>',
      description: 'the name for the result; it moves there if it names something else',
      parse: parseHeadName,
    },
    MESSAGE_OPTION,
  ],
  notes: `Prints the result's ref, which is the same as if the changed bytes had been stored as a file. Without --name the
result is pinned, and where OBJECT is a name it goes on to name what it did.`,
  examples: ['nomsy splice disk --at 4096 --remove 512 --insert sector.bin --name disk'],
}

interface SpliceOptions {
  readonly at: number
  readonly remove?: number
  readonly insert?: string
  readonly name?: string
  readonly message?: string
}

export async function run(context: CommandContext, options: SpliceOptions, object: string): Promise<void> {
  const { at, remove = 0, insert, name, message } = options
  const { signal } = context
  if (name === undefined && message !== undefined) throw new UsageError('-m is for what --name names')
  const source = insert === undefined ? undefined : await findSource(insert)
  const db = await context.openToWrite()
  const blob = await findBlob(db, object)
  checkPlace(blob, object, at, remove)
  using progress = context.progress(object, source?.size)
  const splice = (inserted?: BlobSource): Promise<Blob> =>
    blob.splice(at, remove, inserted, { signal, onProgress: progress.add })
  const result = await (source === undefined ? splice() : source.read(signal, splice))
  await keep(
    db,
    result.ref,
    name === undefined ? undefined : { name, message, words: `splice ${object} at ${at}` },
  )
  progress.end()
  const { ref, size } = result
  await context.output.report(
    context.json ? JSON.stringify({ ref, size, ...(name !== undefined && { head: name }) }) : ref.toString(),
  )
}

function checkPlace({ size }: Blob, object: string, at: number, remove: number): void {
  if (at > size) throw new Failure(`--at ${at} is outside ${object}, which has ${size} bytes`)
  if (remove > size - at) {
    throw new Failure(`--remove ${remove}: ${object} has only ${size - at} bytes from ${at} on`)
  }
}
