/** nomsy hash: the refs that files would have. */

import { writeBlob } from '../../blob/blob.js'
import { DISCARD } from '../../sequence/chunk-sink.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { printable } from '../printable.js'
import { findSources } from '../source.js'

export const usage: CommandUsage = {
  summary: 'print the refs of files without storing them',
  arguments: [['<file...>', 'files to read; - is standard input']],
  options: [],
  notes: 'Needs no store. The refs are those that put prints.',
  examples: ['nomsy hash disk.img'],
}

export async function run(context: CommandContext, _options: object, paths: string[]): Promise<void> {
  const { output, signal } = context
  for (const source of await findSources(paths)) {
    using progress = context.progress(source.name, source.size)
    const { ref, length } = await source.read(signal, (bytes) =>
      writeBlob(DISCARD, bytes, { signal, onProgress: progress.add }),
    )
    progress.end()
    const { name } = source
    await output.line(
      context.json ? JSON.stringify({ ref, name, size: length }) : `${ref}  ${printable(name)}`,
    )
    await output.flush()
  }
}
