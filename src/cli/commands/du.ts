/** nomsy du: what objects take up, and what of that is theirs alone. */

import type { Database } from '../../database/database.js'
import type { Usage } from '../../database/usage.js'
import type { EntryName } from '../../tree/entry.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { parseCount } from '../count.js'
import { UsageError } from '../failure.js'
import { findValue, openObject, type StoredObject } from '../objects/find-object.js'
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

/** An object to measure, and how it is called. */
interface Measured {
  readonly name: EntryName
  readonly object: StoredObject
}

export async function run(
  context: CommandContext,
  { maxDepth = 0 }: DuOptions,
  objects: string[],
): Promise<void> {
  const db = await context.openToRead()
  const measured: Measured[] = []
  for (const name of objects) measured.push({ name, object: await findValue(db, name) })
  if (maxDepth === 1)
    for (const { name, object } of measured) await measure(context, db, await entriesOf(db, name, object))
  const common = await measure(context, db, measured)
  if (objects.length === 1) return
  const { json, output } = context
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
  const refs = measured.map(({ object }) => object.ref)
  const { usages, common } = await usageOf(db.store, refs, { roots: db.roots(), signal })
  const isTerminal = process.stdout.isTTY === true
  for (const [index, { name, object }] of measured.entries()) {
    const use = usages[index]!
    const logical = await logicalBytes(object, signal)
    const line = json
      ? JSON.stringify({ object: jsonForm(name), ref: object.ref, size: logical, ...use })
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

/** The entries of a directory that have content; none of other objects. */
async function entriesOf(db: Database, name: EntryName, { kind, object }: StoredObject): Promise<Measured[]> {
  const measured: Measured[] = []
  if (kind !== 'dir') return measured
  for await (const [last, entry] of object.entries()) {
    if (entry.type !== 'file' && entry.type !== 'dir') continue
    const separator = typeof name === 'string' && name.includes(':') ? '/' : ':'
    measured.push({ name: joinLine(name, separator, last), object: await openObject(db, entry.content) })
  }
  return measured
}

/** Undefined for what is no bytes. */
async function logicalBytes(
  { kind, object }: StoredObject,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (kind === 'blob') return object.size
  if (kind !== 'dir') return undefined
  let bytes = 0
  for await (const { entry } of object.walk({ signal }))
    if (entry.type === 'file' && entry.link === undefined) bytes += entry.size
  return bytes
}
