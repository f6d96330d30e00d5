/** What is in a directory, in the manner of `ls -l`: for people, or as JSON for programs. */

import type { Value } from '../../collection/value.js'
import type { Directory } from '../../tree/directory.js'
import type { Attributes, Entry, EntryName } from '../../tree/entry.js'
import { pathText } from '../../tree/tree-path.js'
import { printable } from '../printable.js'
import type { Paint } from '../styled.js'
import { jsonForm } from '../values/json-form.js'

/** First characters of `ls -l`. */
const TYPE_CHARS: Readonly<Record<Entry['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  char: 'c',
  block: 'b',
}

/** A line for each of the first `limit` entries. */
export async function entryLines(directory: Directory, limit: number, paint: Paint): Promise<string[]> {
  const entries = await firstEntries(directory, limit)
  const rows = entries.map(([name, entry]) => [...columnsOf(entry), nameText(name, entry, paint)])
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)))
  return rows.map(([mode, user, group, size, time, name]) =>
    [
      mode!.padEnd(widths[0]!),
      user!.padEnd(widths[1]!),
      group!.padEnd(widths[2]!),
      size!.padStart(widths[3]!),
      time!.padEnd(widths[4]!),
      name,
    ].join('  '),
  )
}

/** The first `limit` entries as JSON, each with its name. */
export async function entryForms(directory: Directory, limit: number): Promise<unknown[]> {
  const entries = await firstEntries(directory, limit)
  return entries.map(([name, entry]) => ({
    name: jsonForm(name),
    ...(jsonForm(entryValue(entry)) as object),
  }))
}

/** An entry as a value like any other. */
export function entryValue(entry: Entry): Value {
  const { xattrs, ...fields } = entry
  // Values are plain records all through.
  return { ...fields, ...(xattrs !== undefined && { xattrs: { ...xattrs } }) } as unknown as Value
}

async function firstEntries(directory: Directory, limit: number): Promise<[EntryName, Entry][]> {
  const entries: [EntryName, Entry][] = []
  if (limit === 0) return entries
  for await (const entry of directory.entries({ limit })) entries.push(entry)
  return entries
}

function columnsOf(entry: Entry): [mode: string, user: string, group: string, size: string, time: string] {
  return [
    TYPE_CHARS[entry.type] + modeText(entry),
    printable(entry.user ?? String(entry.uid ?? '-')),
    printable(entry.group ?? String(entry.gid ?? '-')),
    sizeText(entry),
    entry.mtime === undefined ? '-' : timeText(entry.mtime),
  ]
}

/** `rwxr-xr-x`, with set-id and sticky bits; question marks where the mode is not recorded. */
export function modeText({ mode, executable }: Attributes): string {
  if (mode === undefined) return executable === true ? '??x??????' : '?????????'
  const three = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift
    const isSpecial = (mode & special) !== 0
    const execute = bits & 1 ? (isSpecial ? letter : 'x') : isSpecial ? letter.toUpperCase() : '-'
    return (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-') + execute
  }
  return three(6, 0o4000, 's') + three(3, 0o2000, 's') + three(0, 0o1000, 't')
}

function sizeText(entry: Entry): string {
  if (entry.type === 'file') return String(entry.size)
  return entry.type === 'char' || entry.type === 'block' ? entry.device.join(', ') : '-'
}

/** To the minute, in UTC. */
function timeText(mtime: bigint): string {
  const date = new Date(Number(mtime / 1_000_000n))
  return date.toISOString().slice(0, -8).replace('T', ' ')
}

function nameText(name: EntryName, entry: Entry, paint: Paint): string {
  const text = printable(pathText(name))
  if (entry.type === 'dir') return `${paint('blue', text)}/`
  return entry.type === 'symlink' ? `${text} -> ${printable(pathText(entry.target))}` : text
}
