/** nomsy put: stores files and directories. */

import type { Blob } from '../../blob/blob.js'
import type { Database } from '../../database/database.js'
import type { Compression } from '../../store/segment/compression.js'
import type { Directory } from '../../tree/directory.js'
import type { PutTreeOptions } from '../../tree/local/put-tree.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { compressionOption } from '../compression.js'
import { isDirectory, readDirectory } from '../directory-source.js'
import { keep } from '../edit/keep.js'
import { UsageError } from '../failure.js'
import { parseHeadName } from '../head-name.js'
import { MESSAGE_OPTION } from '../options.js'
import { printable } from '../printable.js'
import { findSources, type Source } from '../source.js'
import { TREE_NOTES, TREE_OPTIONS, type TreeWords, treeOptionsOf } from '../tree-options.js'

export const usage: CommandUsage = {
  summary: 'store files and directories and print their refs',
  arguments: [['<path...>', 'files and directories to store; - is standard input']],
  options: [
    {
      flags: '--name <name>',
      description: 'the name to store one file or directory under; it moves there if it names something else',
      parse: parseHeadName,
    },
    MESSAGE_OPTION,
    ...TREE_OPTIONS,
    {
      flags: '--no-state',
      description: 'of directories: read all files, also those that rest since the last put',
    },
    { flags: '--tar', description: 'the files are tar archives: store what is in each, as a directory' },
    compressionOption(
      'pack what is stored now so: none, zstd, or zstd:LEVEL from -7 (fast) to 19 (small); else as the store was made to',
    ),
  ],
  notes: `Prints a line for each file: its ref and its name. Without --name the ref is pinned: it stays until
'nomsy rm REF'. Makes the store where there is none; that one remembers --compression.
Refs are the same however it is packed, and what is stored already stays as it is. While another process has the store
open, that one packs, in its own way.
A directory under --name is committed each time. Files in it that have not changed since it was last put, by their
times, size and inode, are not read again. What cannot be read, or changes meanwhile, is said; all else is stored, and
the exit status is 1.
An archive gives the directory that its files on the disk would give, with all that it says of them. One that ends
without its mark may be cut off: that is said, and the exit status is 1.
${TREE_NOTES}`,
  examples: [
    'nomsy put --name disk disk.img',
    'nomsy put --name backup --exclude node_modules ~/work',
    'nomsy put --reproducible dist',
    'tar c photos | nomsy put -',
    'docker save app | nomsy put --tar --name app -',
    'nomsy put --compression none holiday.mp4',
  ],
}

interface PutOptions extends TreeWords {
  readonly name?: string
  readonly message?: string
  readonly compression?: Compression
  readonly state: boolean
  readonly tar?: boolean
}

export async function run(context: CommandContext, options: PutOptions, paths: string[]): Promise<void> {
  const { name, message, compression, state, tar = false } = options
  if (name !== undefined && paths.length > 1) {
    throw new UsageError(`--name ${name} names one thing, not ${paths.length}; put the others without it`)
  }
  if (name === undefined && message !== undefined) throw new UsageError('-m is for what --name names')
  const directories = new Set<string>()
  for (const path of paths) if (await isDirectory(path)) directories.add(path)
  if (tar && directories.size > 0) throw new UsageError('--tar is for archives, and not for directories')
  if (!state && directories.size === 0)
    throw new UsageError('only files are given, and --no-state is for directories')
  const treeOptions = await treeOptionsOf(options, tar || directories.size > 0)
  if (tar && ((treeOptions.exclude?.length ?? 0) > 0 || treeOptions.oneFileSystem))
    throw new UsageError(
      'of archives all is stored; leave out --exclude, --exclude-from and --one-file-system',
    )
  const sources = await findSources(paths.filter((path) => !directories.has(path)))
  const db = await context.openOrCreate({ compression })
  for (const path of paths) {
    if (directories.has(path)) await putDirectory(context, db, path, { name, message, ...treeOptions, state })
    else if (tar) await putArchive(context, db, sources.shift()!, { name, message, ...treeOptions })
    else await putSource(context, db, sources.shift()!, { name, message })
  }
}

interface HeadWords {
  readonly name: string | undefined
  readonly message: string | undefined
}

async function putSource(
  context: CommandContext,
  db: Database,
  source: Source,
  { name, message }: HeadWords,
): Promise<void> {
  const { blob, newBytes } = await store(context, db, source)
  await keep(db, blob.ref, name === undefined ? undefined : { name, message, words: `put ${source.name}` })
  await context.output.report(line(context, source, blob, newBytes, name))
}

async function putDirectory(
  context: CommandContext,
  db: Database,
  path: string,
  { name, message, ...options }: HeadWords & PutTreeOptions,
): Promise<void> {
  using progress = context.progress(path)
  const { signal } = context
  const onProgress = progress.addStored
  const { tree, files, directories, bytes } = await readDirectory(context, path, (onProblem) =>
    db.putTree(path, { ...options, signal, onProgress, onProblem }),
  )
  progress.end()
  const words = { name: path, files, directories, size: bytes, newBytes: progress.newBytes }
  await keepTree(context, db, tree, { name, message }, words)
}

async function putArchive(
  context: CommandContext,
  db: Database,
  source: Source,
  { name, message, with: kinds }: HeadWords & PutTreeOptions,
): Promise<void> {
  using progress = context.progress(source.name, source.size)
  const { signal } = context
  const onProgress = progress.addStored
  const onProblem = (_path: string, problem: string): void => {
    context.exitCode = 1
    context.warn(`nomsy: ${source.title}: ${problem}; what is in it is stored`)
  }
  const tree = await source.readInOrder(signal, (pieces) =>
    db.putTar(pieces, { with: kinds, signal, onProgress, onProblem }),
  )
  progress.end()
  await keepTree(context, db, tree, { name, message }, { name: source.name, newBytes: progress.newBytes })
}

/** Commits a directory to the head, or pins it, and says so: `words` are what there is to say of it as JSON. */
async function keepTree(
  context: CommandContext,
  db: Database,
  { ref }: Directory,
  { name: head, message }: HeadWords,
  words: { readonly name: string; readonly newBytes: number },
): Promise<void> {
  if (head === undefined) await db.pin(ref)
  else await db.update(head, async () => ref, { message: message ?? `put ${words.name}` })
  await context.output.report(
    context.json
      ? JSON.stringify({ ref, ...words, ...(head !== undefined && { head }) })
      : `${ref}  ${printable(words.name)}`,
  )
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
