/** nomsy ls: what is in a directory. */

import { createHash } from 'node:crypto'
import type { Database } from '../../database/database.js'
import { Ref } from '../../hash/ref.js'
import { topEntry } from '../../tree/dir-tree.js'
import type { Directory } from '../../tree/directory.js'
import type { DirectoryEntry, Entry, EntryName } from '../../tree/entry.js'
import { pathText } from '../../tree/tree-path.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure, UsageError } from '../failure.js'
import { findTarget, ofKind, openObject } from '../objects/find-object.js'
import { Columns } from '../show/entry-columns.js'
import { MTREE_SIGNATURE, mtreeLine, mtreeTop } from '../show/mtree.js'
import { joinLine, shownName } from '../show/name-line.js'
import { entryForm } from '../show/show-directory.js'
import { painter } from '../styled.js'
import { jsonForm } from '../values/json-form.js'

/** Entries whose columns are made as wide as each other. */
const TABLE_ENTRIES = 1000

export const usage: CommandUsage = {
  summary: 'list what is in a directory',
  arguments: [['<object>', 'a name or ref; with a path a directory or an entry in it']],
  options: [
    { flags: '-l, --long', description: 'with type, mode, owner, size, time (UTC) and target' },
    { flags: '-R, --recursive', description: 'all that is below too, by path' },
    { flags: '--mtree', description: 'all that is below as BSD mtree, which mtree and bsdtar read' },
    { flags: '--digest', description: 'with --mtree: the SHA-256 of each file, for which all is read' },
  ],
  notes: `Directories have a / at the end. With -R come in each directory first the other entries, then the directories,
each followed by what is in it. Names are written as they are, and on a terminal with control characters as escapes.
With --json: {path, type, ...}, what was recorded of each entry.`,
  examples: [
    'nomsy ls backup',
    'nomsy ls -l backup~3:home/ada',
    'nomsy ls -R backup | grep -i invoice',
    'nomsy ls --mtree backup | bsdtar -tvf -',
  ],
}

interface LsOptions {
  readonly long?: boolean
  readonly recursive?: boolean
  readonly mtree?: boolean
  readonly digest?: boolean
}

interface Listed {
  readonly path: EntryName
  readonly entry: Entry
}

export async function run(context: CommandContext, options: LsOptions, object: string): Promise<void> {
  const { long = false, recursive = false, mtree = false, digest = false } = options
  const { json } = context
  if (digest && !mtree) throw new UsageError('--digest is for --mtree')
  if (mtree && (json || long)) throw new UsageError('--mtree is a form of its own; leave out --json and -l')
  const db = await context.openToRead()
  const { directory, entry, name } = await findListed(db, object)
  const entries =
    directory === undefined
      ? [{ path: name, entry }]
      : recursive || mtree
        ? everythingIn(context, directory)
        : entriesOf(directory)
  if (mtree) await printMtree(context, db, entry.type === 'dir' ? entry : undefined, entries, digest)
  else if (json) await printJson(context, entries)
  else if (long) await printLong(context, entries)
  else await printNames(context, entries)
}

/** What there is to list: a directory, or an entry by itself. */
async function findListed(
  db: Database,
  text: string,
): Promise<{ readonly directory: Directory | undefined; readonly entry: Entry; readonly name: EntryName }> {
  const { value, entry } = await findTarget(db, text)
  if (entry !== undefined && entry[1].type !== 'dir')
    return { directory: undefined, name: entry[0], entry: entry[1] }
  if (!(value instanceof Ref))
    throw new Failure(`${text} is a value, and no directory; 'nomsy show ${text}' shows it`)
  const directory = ofKind(await openObject(db, await db.at(value)), 'dir', text)
  return { directory, name: '', entry: entry?.[1] ?? topEntry(directory) }
}

async function* entriesOf(directory: Directory): AsyncGenerator<Listed> {
  for await (const [path, entry] of directory.entries()) yield { path, entry }
}

/** What cannot be read is said, and the rest is listed. */
function everythingIn(context: CommandContext, directory: Directory): AsyncIterable<Listed> {
  return directory.walk({
    signal: context.signal,
    onUnreadable: (path, error) => {
      context.exitCode = 1
      const words = error instanceof Error ? error.message : String(error)
      context.warn(`${pathText(path) || '.'}: ${words}; what is in it is not listed`)
    },
  })
}

type Entries = AsyncIterable<Listed> | Iterable<Listed>

async function printNames({ output, signal }: CommandContext, entries: Entries): Promise<void> {
  const nameOf = nameIn(process.stdout)
  for await (const { path, entry } of entries) {
    signal.throwIfAborted()
    await output.line(nameOf(path, entry))
  }
}

async function printLong(context: CommandContext, entries: Entries): Promise<void> {
  const { output, signal } = context
  const isTerminal = process.stdout.isTTY === true
  const nameOf = nameIn(process.stdout)
  const columns = new Columns()
  let rows: { readonly row: ReturnType<Columns['rowOf']>; readonly name: EntryName }[] = []
  const print = async (): Promise<void> => {
    for (const { row, name } of rows) await output.line(joinLine(columns.textOf(row), '  ', name))
    rows = []
  }
  for await (const { path, entry } of entries) {
    signal.throwIfAborted()
    const target = entry.type === 'symlink' ? [' -> ', shownName(entry.target, isTerminal)] : []
    rows.push({ row: columns.rowOf(entry), name: joinLine(nameOf(path, entry), ...target) })
    if (rows.length === TABLE_ENTRIES) await print()
  }
  await print()
}

async function printJson({ output, signal }: CommandContext, entries: Entries): Promise<void> {
  for await (const { path, entry } of entries) {
    signal.throwIfAborted()
    await output.line(JSON.stringify({ path: jsonForm(path), ...entryForm(entry) }))
  }
}

async function printMtree(
  { output, signal }: CommandContext,
  db: Database,
  top: DirectoryEntry | undefined,
  entries: Entries,
  withDigest: boolean,
): Promise<void> {
  await output.line(MTREE_SIGNATURE)
  if (top !== undefined) await output.line(mtreeTop(top))
  for await (const { path, entry } of entries) {
    signal.throwIfAborted()
    const digest = withDigest && entry.type === 'file' ? await digestOf(db, entry.content, signal) : undefined
    await output.line(mtreeLine(path, entry, digest))
  }
}

async function digestOf(db: Database, content: Ref, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of (await db.blob(content)).pieces({ signal })) hash.update(piece)
  return hash.digest('hex')
}

/** How names are written: directories with a / at the end. */
function nameIn(stream: NodeJS.WriteStream): (path: EntryName, entry: Entry) => EntryName {
  const paint = painter(stream)
  const isTerminal = stream.isTTY === true
  return (path, { type }) => {
    const name = shownName(path, isTerminal)
    if (type !== 'dir') return name
    return joinLine(typeof name === 'string' ? paint('blue', name) : name, '/')
  }
}
