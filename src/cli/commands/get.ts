/** nomsy get: writes an object to a file, whole or not at all. */

import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Database } from '../../database/database.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure } from '../failure.js'
import { findBlob } from '../objects/find-object.js'
import { writeSlabs } from '../slabs.js'
import { STDIN } from '../source.js'
import { writeWholeFile } from '../whole-file.js'

/** How standard output is written in place of a file. */
const STDOUT = STDIN

export const usage: CommandUsage = {
  summary: 'write an object to a file',
  arguments: [
    ['<object>', 'a name or ref'],
    ['<dest>', "the file; a directory: the name's last part in it; - is standard output"],
  ],
  options: [],
  notes: `A file that is there already is replaced, once the new one is complete and on the disk; until then, and
where anything goes wrong, it stays as it was.`,
  examples: ['nomsy get disk disk.img', 'nomsy get photos/ada.jpg .'],
}

export async function run(
  context: CommandContext,
  _options: object,
  object: string,
  dest: string,
): Promise<void> {
  const { signal } = context
  const db = await context.openToRead()
  const blob = await findBlob(db, object)
  if (dest === STDOUT) {
    return writeSlabs(blob.pieces({ signal }), (slab) => context.output.write(slab))
  }
  const path = (await isDirectory(dest)) ? await pathIn(dest, await headOf(db, object)) : dest
  using progress = context.progress(path, blob.size)
  await writeWholeFile(path, blob.pieces({ signal }), progress.add)
  if (context.json) await context.output.line(JSON.stringify({ ref: blob.ref, name: path, size: blob.size }))
}

/** The name that `object` is; undefined where it is something else, or what is inside something. */
async function headOf(db: Database, object: string): Promise<string | undefined> {
  return object.includes(':') ? undefined : (await db.resolve(object)).head
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // Whatever is wrong with it is said when it is written to.
    return false
  }
}

async function pathIn(directory: string, head: string | undefined): Promise<string> {
  if (head === undefined) throw new Failure(`${directory}: is a directory; name the file to write in it`)
  const path = join(directory, basename(head))
  if (await isDirectory(path)) throw new Failure(`${path}: is a directory; name the file to write`)
  return path
}
