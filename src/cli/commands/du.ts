/** nomsy du: what objects take up, and what of that is theirs alone. */

import type { Database } from '../../database/database.js'
import type { Usage } from '../../database/usage.js'
import type { Ref } from '../../hash/ref.js'
import type { Directory } from '../../tree/directory.js'
import type { EntryName } from '../../tree/entry.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { parseCount } from '../count.js'
import { UsageError } from '../failure.js'
import { namingLost } from '../lost-chunk.js'
import { findValue, type StoredObject } from '../objects/find-object.js'
import { joinLine, shownName } from '../show/name-line.js'
import { formatSize } from '../size.js'
import { jsonForm } from '../values/json-form.js'

export const usage: CommandUsage = {
  summary: 'say how many bytes objects take up, and how many of them nothing else needs',
  arguments: [['<object...>', 'names or refs']],
  options: [
    {
      flags: '-d, --max-depth <levels>',
      description: 'of directories: 1 for each of its entries too',
      parse: (text) => {
        const depth = parseCount('--max-depth', text)
        if (depth <= 1) return depth
        throw new UsageError(
          `--max-depth: ${text} levels are too many, 0 and 1 are known; name what is below`,
        )
      },
    },
  ],
  notes: `Of each object: its logical bytes, as many as its files have, those with several names counted once; bytes of its
chunks that are unique, so that no name would hold them without it; and bytes of those shared, with other names, with
versions before, with the others given. Of several objects also what more than one of them needs. Chunks are counted as
they are before they are packed, and those that occur many times in an object once.`,
  examples: ['nomsy du backup', 'nomsy du backup~1 backup', 'nomsy du -d 1 backup:home'],
}

interface DuOptions {
  readonly maxDepth?: number
}

/** An object to measure. */
interface Measured {
  /** How it is called. */
  readonly name: EntryName
  readonly ref: Ref
  /** Undefined for what is no bytes. */
  readonly logicalBytes: () => Promise<number | undefined>
}

export async function run(
  context: CommandContext,
  { maxDepth = 0 }: DuOptions,
  objects: string[],
): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const measured: Measured[] = []
  for (const name of objects) {
    const found = await findValue(db, name)
    if (maxDepth === 1 && found.kind === 'dir')
      await measure(context, db, await entriesOf(db, name, found.object, signal))
    measured.push({ name, ref: found.ref, logicalBytes: () => logicalBytes(found, signal) })
  }
  const common = await measure(context, db, measured)
  if (objects.length === 1) return
  await output.line(
    json ? JSON.stringify({ common }) : `${formatSize(common)} of it in more than one of them`,
  )
}

/** Prints a line for each; gives the bytes that are in more than one. */
async function measure(
  context: CommandContext,
  db: Database,
  measured: readonly Measured[],
): Promise<number> {
  const { signal, json, output } = context
  const { usageOf } = await import('../../database/usage.js')
  const refs = measured.map(({ ref }) => ref)
  const { usages, common } = await namingLost(db, signal, () =>
    usageOf(db.store, refs, { roots: db.roots(), signal }),
  )
  const isTerminal = process.stdout.isTTY === true
  for (const [index, { name, ref, logicalBytes }] of measured.entries()) {
    const use = usages[index]!
    const logical = await logicalBytes()
    const line = json
      ? JSON.stringify({ object: jsonForm(name), ref, size: logical, ...use })
      : joinLine(usageText(logical, use), '  ', shownName(name, isTerminal))
    await output.line(line)
  }
  await output.flush()
  return common
}

function usageText(logical: number | undefined, { unique, shared }: Usage): string {
  const bytes = logical === undefined ? '-' : formatSize(logical)
  return `${bytes.padStart(8)}  ${formatSize(unique).padStart(8)} unique  ${formatSize(shared).padStart(8)} shared`
}

/** The entries of a directory that have content. */
async function entriesOf(
  db: Database,
  name: string,
  directory: Directory,
  signal: AbortSignal,
): Promise<Measured[]> {
  const measured: Measured[] = []
  const separator = name.includes(':') ? '/' : ':'
  for await (const [last, entry] of directory.entries()) {
    if (entry.type !== 'file' && entry.type !== 'dir') continue
    const { content: ref } = entry
    const bytes = async (): Promise<number> =>
      entry.type === 'file' ? entry.size : bytesIn(await db.tree(ref), signal)
    measured.push({ name: joinLine(name, separator, last), ref, logicalBytes: bytes })
  }
  return measured
}

async function logicalBytes(
  { kind, object }: StoredObject,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (kind === 'blob') return object.size
  return kind === 'dir' ? bytesIn(object, signal) : undefined
}

/** Files with several names are counted once. */
async function bytesIn(directory: Directory, signal: AbortSignal): Promise<number> {
  let bytes = 0
  for await (const { entry } of directory.walk({ signal }))
    if (entry.type === 'file' && entry.link === undefined) bytes += entry.size
  return bytes
}
