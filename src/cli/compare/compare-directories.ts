/** Prints what two directories differ in, each an object or on disk. */

import type { Database } from '../../database/database.js'
import type { Directory } from '../../tree/directory.js'
import { ALL_KINDS, REPRODUCIBLE_KINDS } from '../../tree/kinds.js'
import type { PutTreeOptions } from '../../tree/local/put-tree.js'
import type { CommandContext } from '../command-context.js'
import { ofKind } from '../objects/find-object.js'
import { printable } from '../printable.js'
import { painter } from '../styled.js'
import { type ComparedSide, isOnDisk, type ObjectSide } from './compared-side.js'
import { type EntryChange, entryChange, entryChangeJson, entryChangeLine } from './entry-changes.js'
import { type ScannedDirectory, scanDirectory } from './scanned-directory.js'
import { type ReadFile, readerIn, readerOnDisk, textPatch } from './text-patch.js'
import { Totals } from './totals.js'

export interface CompareOptions {
  readonly stat: boolean
  readonly patch: boolean
  /** What is left out of directories on disk. */
  readonly scan: PutTreeOptions
  readonly db: Database | undefined
}

/** A directory to compare. */
interface OpenSide {
  readonly directory: Directory
  readonly readFile: ReadFile
}

/** Whether they differ. Of what is on disk it takes into account what was recorded of the other. */
export async function compareDirectories(
  context: CommandContext,
  from: ComparedSide,
  to: ComparedSide,
  options: CompareOptions,
): Promise<boolean> {
  const object = [from, to].find((side) => !isOnDisk(side)) as ObjectSide | undefined
  // Of a part of a tree its files' first names are told from the top of the whole, which is not that of the disk.
  const isPart = object !== undefined && asDirectory(object).top === undefined
  const ignored = isPart && (isOnDisk(from) || isOnDisk(to)) ? ['link'] : []
  const kinds = object === undefined ? ALL_KINDS : (object.kinds ?? REPRODUCIBLE_KINDS)
  const scanned: ScannedDirectory[] = []
  const open = async (side: ComparedSide): Promise<OpenSide> => {
    if (!isOnDisk(side)) {
      const directory = asDirectory(side)
      return { directory, readFile: readerIn(directory) }
    }
    const scan = await scanDirectory(context, side.path, { ...options.scan, with: kinds }, options.db?.store)
    scanned.push(scan)
    return { directory: scan.directory, readFile: readerOnDisk(side.path) }
  }
  try {
    return await printChanges(context, await open(from), await open(to), ignored, options)
  } finally {
    for (const scan of scanned) await scan[Symbol.asyncDispose]()
  }
}

async function printChanges(
  context: CommandContext,
  before: OpenSide,
  after: OpenSide,
  ignored: readonly string[],
  options: CompareOptions,
): Promise<boolean> {
  const totals = new Totals()
  const print = printer(context, options, before, after)
  const changes = before.directory.diff(after.directory, { renames: true })
  for await (const each of changes) {
    context.signal.throwIfAborted()
    // What only one of them says of itself is no change.
    if (each.path.length === 0 && !(before.directory.top && after.directory.top)) continue
    const change = entryChange(each, ignored)
    if (change === undefined) continue
    totals.add(change)
    if (!options.stat) await print(change)
  }
  if (options.stat) await context.output.line(context.json ? JSON.stringify(totals) : totals.inWords())
  return totals.changes > 0
}

function asDirectory({ found, text }: ObjectSide): Directory {
  return ofKind(found, 'dir', text)
}

function printer(
  { json, output }: CommandContext,
  { patch }: CompareOptions,
  from: OpenSide,
  to: OpenSide,
): (change: EntryChange) => Promise<void> {
  const paint = painter(process.stdout)
  const isTerminal = process.stdout.isTTY === true
  return async (changed) => {
    if (json) return output.line(entryChangeJson(changed))
    await output.line(entryChangeLine(changed, paint, isTerminal))
    const { letter, change } = changed
    if (!patch || (letter !== 'A' && letter !== 'D' && letter !== 'M')) return
    const hunks = await textPatch(
      { path: change.path, entry: change.kind === 'added' ? undefined : change.before, read: from.readFile },
      { path: change.path, entry: change.kind === 'removed' ? undefined : change.after, read: to.readFile },
    )
    for (const line of hunks?.trimEnd().split('\n') ?? [])
      await output.line(isTerminal ? line.split('\t').map(printable).join('\t') : line)
  }
}
