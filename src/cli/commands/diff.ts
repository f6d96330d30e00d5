/** nomsy diff: what two objects differ in. */

import type { Blob } from '../../blob/blob.js'
import type { Database } from '../../database/database.js'
import type { Change } from '../../sequence/diff.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { compareDirectories } from '../compare/compare-directories.js'
import { findSide, isOnDisk } from '../compare/compared-side.js'
import { Failure, UsageError } from '../failure.js'
import type { Found } from '../objects/find-object.js'
import {
  type Changes,
  changeJson,
  changeLines,
  type ItemChange,
  listChanges,
  mapChanges,
  setChanges,
} from '../show/item-changes.js'
import { painter } from '../styled.js'
import { TREE_OPTIONS, type TreeWords, treeOptionsOf } from '../tree-options.js'
import { toJson } from '../values/json-form.js'

export const usage: CommandUsage = {
  summary: 'print what two objects differ in: ranges of bytes, entries, items, files',
  arguments: [
    ['<a>', 'a name or ref; or a directory on disk'],
    ['<b>', 'a name or ref; or a directory on disk'],
  ],
  options: [
    { flags: '--stat', description: 'only how much differs' },
    { flags: '--exit-code', description: 'exit with 1 if they differ, with 0 if not' },
    { flags: '-p, --patch', description: 'of directories: what differs in the lines of small text files' },
    ...TREE_OPTIONS.filter(({ flags }) => /^--(exclude|one-file)/.test(flags)),
  ],
  notes: `Prints a line for each change that turns A into B, in order, and nothing where they are equal. What they share is not
read. Of maps, lists and sets, what was removed stands after a minus and what was added after a plus, with its key or
position. With --json: of blobs {aStart, removed, bStart, inserted}, else {kind, key, index, before, after}, the kind
being added, removed or changed.

Of directories the lines are those of git diff --name-status: A added, D deleted, M modified, R renamed, T of another
type; and m where only what is known of it differs, followed by what that is. With --json: {status, kind, path, from,
fields, before, after}. What begins with . or /, or is the name of no object, is a directory on disk. All of it is read,
and of its files is compared what was recorded of the object: so a backup is verified.`,
  examples: [
    'nomsy diff disk-monday disk-tuesday',
    'nomsy diff users~1 users --stat',
    'nomsy diff backup ~/work --exit-code',
    'nomsy diff -p backup~1 backup',
  ],
}

interface DiffOptions extends Pick<TreeWords, 'exclude' | 'excludeFrom' | 'oneFileSystem'> {
  readonly stat?: boolean
  readonly exitCode?: boolean
  readonly patch?: boolean
}

export async function run(
  context: CommandContext,
  options: DiffOptions,
  a: string,
  b: string,
): Promise<void> {
  const { stat = false, exitCode = false, patch = false } = options
  let db: Database | undefined
  const store = async (): Promise<Database> => {
    db ??= await context.openToRead()
    return db
  }
  const [from, to] = [await findSide(a, store), await findSide(b, store)]
  const hasDisk = isOnDisk(from) || isOnDisk(to)
  if (!hasDisk && (options.exclude ?? options.excludeFrom ?? options.oneFileSystem) !== undefined)
    throw new UsageError('--exclude and --one-file-system are for directories on disk')
  const scan = await treeOptionsOf(options, true)
  if (hasDisk || (from.found.kind === 'dir' && to.found.kind === 'dir')) {
    const differ = await compareDirectories(context, from, to, { stat, patch, scan, db })
    if (exitCode && differ) context.exitCode = 1
    return
  }
  if (patch) throw new UsageError('--patch is for directories')
  const differ =
    from.found.kind === 'blob' && to.found.kind === 'blob'
      ? await diffBlobs(context, stat, from.found.object, to.found.object)
      : await diffItems(context, stat, changesOf(from.found, to.found, a, b))
  if (exitCode && differ) context.exitCode = 1
}

function changesOf(from: Found, to: Found, a: string, b: string): Changes {
  if (from.kind === 'map' && to.kind === 'map') return mapChanges(from.object, to.object)
  if (from.kind === 'set' && to.kind === 'set') return setChanges(from.object, to.object)
  if (from.kind === 'list' && to.kind === 'list') return listChanges(from.object, to.object)
  if ((from.kind === 'value' || from.kind === 'part') && (to.kind === 'value' || to.kind === 'part'))
    return valueChanges({ kind: 'changed', before: from.object, after: to.object })
  throw new Failure(
    `${a} is a ${kindText(from)} and ${b} a ${kindText(to)}: there is no way to compare these`,
  )
}

async function* valueChanges(change: ItemChange): Changes {
  if (toJson(change.before!) !== toJson(change.after!)) yield change
}

function kindText({ kind }: Found): string {
  return kind === 'part' ? 'value' : kind
}

/** Whether they differ. */
async function diffItems(
  { json, output, signal }: CommandContext,
  stat: boolean,
  changes: Changes,
): Promise<boolean> {
  const paint = painter(process.stdout)
  const counts = { added: 0, removed: 0, changed: 0 }
  for await (const change of changes) {
    signal.throwIfAborted()
    counts[change.kind]++
    if (stat) continue
    for (const line of json ? [changeJson(change)] : changeLines(change, paint)) await output.line(line)
  }
  const { added, removed, changed } = counts
  if (stat)
    await output.line(
      json ? JSON.stringify(counts) : `${added} added, ${removed} removed, ${changed} changed`,
    )
  return added + removed + changed > 0
}

/** Whether they differ. */
async function diffBlobs(
  { json, output, signal }: CommandContext,
  stat: boolean,
  a: Blob,
  b: Blob,
): Promise<boolean> {
  const counts = { changes: 0, removed: 0, inserted: 0 }
  for await (const change of a.diff(b)) {
    signal.throwIfAborted()
    counts.changes++
    counts.removed += change.removed
    counts.inserted += change.inserted
    if (!stat) await output.line(json ? JSON.stringify(change) : inWords(change))
  }
  const { changes, removed, inserted } = counts
  if (stat) {
    const words = `${changes} ${changes === 1 ? 'change' : 'changes'}: ${bytes(removed)} removed, ${bytes(inserted)} inserted`
    await output.line(json ? JSON.stringify(counts) : words)
  }
  return changes > 0
}

function inWords({ aStart, removed, bStart, inserted }: Change): string {
  if (removed === 0) return `at ${aStart}: ${bytes(inserted)} inserted, at ${bStart} of the other`
  if (inserted === 0) return `at ${aStart}: ${bytes(removed)} removed, at ${bStart} of the other`
  return `at ${aStart}: ${bytes(removed)} replaced by ${bytes(inserted)}, at ${bStart} of the other`
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}
