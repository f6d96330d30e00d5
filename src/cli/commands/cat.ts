/** nomsy cat: writes objects' bytes to standard output. */

import type { BlobSlice } from '../../blob/blob-slice.js'
import { applyByteRange, type ByteRange, parseByteRange } from '../byte-range.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findBlob } from '../objects/find-object.js'
import { writeSlabs } from '../slabs.js'

export const usage: CommandUsage = {
  summary: 'write objects, or a part of them, to standard output',
  arguments: [['<object...>', 'names or refs']],
  options: [
    {
      flags: '--range <a-b>',
      description: 'bytes as in HTTP: 0-99 (the first 100), 100- (all after them), -500 (the last 500)',
      parse: parseByteRange,
    },
  ],
  notes: `Of a range that goes beyond the end, the part that exists is written. Every byte is verified before it is
written.`,
  examples: ['nomsy cat disk --range 0-511 | xxd', 'nomsy cat backup:etc/passwd'],
}

export async function run(
  context: CommandContext,
  options: { readonly range?: ByteRange },
  objects: string[],
): Promise<void> {
  const db = await context.openToRead()
  // All are looked up before the first byte is written.
  const slices: BlobSlice[] = []
  for (const object of objects) {
    const blob = await findBlob(db, object)
    const { start, end } =
      options.range === undefined
        ? { start: 0, end: blob.size }
        : applyByteRange(options.range, blob.size, object)
    slices.push(blob.slice(start, end))
  }
  for (const slice of slices) {
    await writeSlabs(slice.pieces({ signal: context.signal }), (slab) => context.output.write(slab))
  }
}
