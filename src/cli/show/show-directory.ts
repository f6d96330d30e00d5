/** What is in a directory, in the manner of `ls -l`: for people, or as JSON for programs. */

import type { Value } from '../../collection/value.js'
import type { Directory } from '../../tree/directory.js'
import type { Attributes, Entry, EntryName, TopAttributes } from '../../tree/entry.js'
import { pathText } from '../../tree/tree-path.js'
import { printable } from '../printable.js'
import type { Paint } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { Columns } from './entry-columns.js'

/** A line for each of the first `limit` entries. */
export async function entryLines(directory: Directory, limit: number, paint: Paint): Promise<string[]> {
  const entries = await firstEntries(directory, limit)
  const columns = new Columns()
  const rows = entries.map(([name, entry]) => ({
    row: columns.rowOf(entry),
    name: nameText(name, entry, paint),
  }))
  return rows.map(({ row, name }) => `${columns.textOf(row)}  ${name}`)
}

/** The first `limit` entries as JSON, each with its name. */
export async function entryForms(directory: Directory, limit: number): Promise<unknown[]> {
  const entries = await firstEntries(directory, limit)
  return entries.map(([name, entry]) => ({ name: jsonForm(name), ...entryForm(entry) }))
}

/** An entry as JSON.stringify is to be given it. */
export function entryForm(entry: Entry): object {
  return jsonForm(entryValue(entry)) as object
}

/** What the top of a tree says of itself, as {@link entryForm}. */
export function topForm(top: TopAttributes): object {
  return jsonForm(asValue(top)) as object
}

/** An entry as a value like any other. */
export function entryValue(entry: Entry): Value {
  return asValue(entry)
}

function asValue({ xattrs, ...fields }: Attributes): Value {
  // Values are plain records all through.
  return { ...fields, ...(xattrs !== undefined && { xattrs: { ...xattrs } }) } as unknown as Value
}

async function firstEntries(directory: Directory, limit: number): Promise<[EntryName, Entry][]> {
  const entries: [EntryName, Entry][] = []
  if (limit === 0) return entries
  for await (const entry of directory.entries({ limit })) entries.push(entry)
  return entries
}

function nameText(name: EntryName, entry: Entry, paint: Paint): string {
  const text = printable(pathText(name))
  if (entry.type === 'dir') return `${paint('blue', text)}/`
  return entry.type === 'symlink' ? `${text} -> ${printable(pathText(entry.target))}` : text
}
