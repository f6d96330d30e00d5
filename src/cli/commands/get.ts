/** nomsy get: writes an object to a file, whole or not at all, or a directory with all that is in it. */

import { basename, join } from 'node:path'
import type { Blob } from '../../blob/blob.js'
import type { Database } from '../../database/database.js'
import type { Directory } from '../../tree/directory.js'
import type { EntryName } from '../../tree/entry.js'
import { whyNoName } from '../../tree/entry-name.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { isDirectory } from '../directory-source.js'
import { Failure, UsageError } from '../failure.js'
import { findValue, ofKind } from '../objects/find-object.js'
import { parseObjectPath } from '../objects/object-path.js'
import { writeSlabs } from '../slabs.js'
import { STDIN } from '../source.js'
import { writeWholeFile } from '../whole-file.js'

/** How standard output is written in place of a file. */
const STDOUT = STDIN

export const usage: CommandUsage = {
  summary: 'write an object to a file, or a directory to the disk',
  arguments: [
    ['<object>', 'a name or ref'],
    [
      '[dest]',
      "the file; a directory that is there, or for directories '.' or one with a / behind: the name's last part in it; - is standard output",
    ],
  ],
  options: [
    { flags: '--into', description: 'write into a directory that is there: only what differs is replaced' },
    { flags: '--delete', description: 'with --into: remove what is there and not in the object' },
    {
      flags: '--seed <path>',
      description:
        'take the bytes that are the same from this file, or those in this directory; again for more',
      parse: (text, before) => [...((before as string[] | undefined) ?? []), text],
    },
    { flags: '--no-same-owner', description: 'as root too, leave all to who runs this' },
    { flags: '--tar <file>', description: 'write the directory as a tar archive; - is standard output' },
  ],
  notes: `A file that is there already is replaced, once the new one is complete and on the disk; until then, and
where anything goes wrong, it stays as it was.

A directory is made under another name beside DEST, and gets its own when all is in it; DEST must not be there, or be
empty. What a run that was stopped has left is verified and taken up by the next. Modes, times, links, extended
attributes and, as root, owners come back as they were put; what cannot be set is told, and the exit status is 1.
Whatever is in the object, nothing is written outside of DEST.`,
  examples: [
    'nomsy get disk disk.img',
    'nomsy get photos/ada.jpg .',
    'nomsy get backup~3:home/ada restored',
    'nomsy get disk new.img --seed old.img',
    'nomsy get backup --into /srv/www --delete',
    'nomsy get backup --tar - | tar t',
  ],
}

interface GetOptions {
  readonly into?: boolean
  readonly delete?: boolean
  readonly seed?: readonly string[]
  readonly sameOwner: boolean
  readonly tar?: string
}

export async function run(
  context: CommandContext,
  options: GetOptions,
  object: string,
  dest: string | undefined,
): Promise<void> {
  const { into = false, delete: deletes = false, tar } = options
  if ((dest === undefined) === (tar === undefined))
    throw new UsageError('name one place to write to: DEST, or --tar FILE')
  if (deletes && !into) throw new UsageError('--delete is for --into')
  const option = optionForDirectories(options)
  if (tar !== undefined && (option ?? options.seed) !== undefined)
    throw new UsageError(`${option ?? '--seed'} is for directories on the disk; leave it out for an archive`)
  const db = await context.openToRead()
  const found = await findValue(db, object)
  if (tar !== undefined) await writeTar(context, db, ofKind(found, 'dir', object), tar)
  else if (found.kind === 'dir') await writeDirectory(context, db, found.object, object, dest!, options)
  else {
    const blob = ofKind(found, 'blob', object)
    if (option !== undefined)
      throw new UsageError(`${option} is for directories, and ${object} is a blob; leave it out`)
    await writeFile(context, db, blob, object, dest!, options)
  }
}

/** An option that is given and has no meaning for files. */
function optionForDirectories({ into, sameOwner }: GetOptions): string | undefined {
  if (into) return '--into'
  return sameOwner ? undefined : '--no-same-owner'
}

async function writeFile(
  context: CommandContext,
  db: Database,
  blob: Blob,
  object: string,
  dest: string,
  { seed: seeds }: GetOptions,
): Promise<void> {
  const { signal } = context
  const source = seeds === undefined ? blob : await db.blob(blob.ref, { seeds, signal })
  if (dest === STDOUT) {
    return writeSlabs(source.pieces({ signal }), (slab) => context.output.write(slab))
  }
  const path = (await isDirectory(dest)) ? join(dest, nameOf(await headOf(db, object), object, dest)) : dest
  if (path !== dest && (await isDirectory(path)))
    throw new Failure(`${path}: is a directory; name the file to write`)
  using progress = context.progress(path, blob.size)
  await writeWholeFile(path, source.pieces({ signal }), progress.add)
  if (context.json) await context.output.line(JSON.stringify({ ref: blob.ref, name: path, size: blob.size }))
}

async function writeDirectory(
  context: CommandContext,
  db: Database,
  directory: Directory,
  object: string,
  dest: string,
  { into, delete: deletes, seed, sameOwner }: GetOptions,
): Promise<void> {
  if (dest === STDOUT)
    throw new UsageError(`${object} is a directory; --tar - writes it to standard output as an archive`)
  const isInside = !into && /(^|\/)\.{0,2}$/.test(dest) && (await isDirectory(dest))
  const place = isInside ? join(dest, nameOf(await headOf(db, object), object, dest)) : dest
  using progress = context.progress(place)
  const { entries, bytes, unchanged, problems } = await db.extract(directory, place, {
    into,
    deletes,
    seeds: seed,
    // As root owners are set unless one asks for something else.
    sameOwner: sameOwner ? undefined : false,
    within: pathWithin(object),
    signal: context.signal,
    onProgress: progress.add,
    onProblem: ({ path, message }) => context.warn(`nomsy: ${join(place, path)}: ${message}`),
  })
  progress.end()
  if (context.json) {
    const { ref } = directory
    await context.output.line(JSON.stringify({ ref, name: place, entries, bytes, unchanged, problems }))
  }
  warnOf(context, problems)
}

async function writeTar(
  context: CommandContext,
  db: Database,
  directory: Directory,
  file: string,
): Promise<void> {
  let problems = 0
  const pieces = db.tar(directory, {
    signal: context.signal,
    onProblem: (path, message) => {
      problems++
      context.warn(`nomsy: ${path}: ${message}`)
    },
  })
  if (file === STDOUT) await writeSlabs(pieces, (slab) => context.output.write(slab))
  else {
    using progress = context.progress(file)
    await writeWholeFile(file, pieces, progress.add)
  }
  warnOf(context, problems)
}

function warnOf(context: CommandContext, problems: number): void {
  if (problems === 0) return
  context.warn(`nomsy: ${problems} ${problems === 1 ? 'thing is' : 'things are'} not as they were put`)
  context.exitCode = 1
}

/** The path in `object`: hard links tell each other by theirs. */
function pathWithin(object: string): EntryName[] {
  return parseObjectPath(object).steps.map(({ key }) => key as EntryName)
}

/** The name that `object` is, or the place in it begins with; undefined where that is a ref. */
async function headOf(db: Database, object: string): Promise<string | undefined> {
  return (await db.resolve(parseObjectPath(object).object)).head
}

/** What `object` is called in the directory `dest`: the last step of its path, or the last part of its name. */
function nameOf(head: string | undefined, object: string, dest: string): string {
  const name = parseObjectPath(object).steps.at(-1)?.key ?? (head && basename(head))
  if (typeof name === 'string' && whyNoName(name) === undefined) return name
  throw new Failure(`${dest}: is a directory; name what to write in it, since ${object} has no name for it`)
}
