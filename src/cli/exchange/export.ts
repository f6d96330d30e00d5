/** Exports: a collection's items as text, in memory that does not grow with their number. */

import type { CommandOption } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { UsageError } from '../failure.js'
import { type CollectionKind, type CollectionOf, findCollection } from '../objects/find-object.js'
import { CsvWriter } from './csv-writer.js'
import { checkNoCsvOptions, csvOptions, type FormatOptions, formatOptions } from './format.js'
import type { Item } from './item.js'
import { jsonLine } from './json-lines.js'

export function exportOptions(kind: CollectionKind): CommandOption[] {
  return formatOptions(kind, {
    format: 'csv, or jsonl for JSON Lines, as where left out',
    key: "CSV: what the column of keys is called; where left out, 'key'",
    value: "CSV: what the column of values is called that are no records; where left out, 'value'",
  })
}

/** Writes all items of the collection that `object` means to standard output. */
export async function runExport(
  context: CommandContext,
  kind: CollectionKind,
  options: FormatOptions,
  object: string,
): Promise<void> {
  if (options.format !== 'csv') {
    checkNoCsvOptions(options)
    if (options.key !== undefined) throw new UsageError('--key is for CSV; say so with --format csv')
  }
  const db = await context.openToRead()
  const collection = await findCollection(db, kind, object)
  if (options.format === 'csv') await exportCsv(context, kind, options, itemsIn(collection))
  else {
    for await (const item of itemsIn(collection)) {
      context.signal.throwIfAborted()
      await context.output.line(jsonLine(kind, item))
    }
  }
}

async function exportCsv(
  context: CommandContext,
  kind: CollectionKind,
  options: FormatOptions,
  items: AsyncIterable<Item>,
): Promise<void> {
  const { output, signal } = context
  const { key = 'key', value = 'value' } = options
  const writer = new CsvWriter(kind, { key, value, ...csvOptions(options) })
  let isFirst = true
  for await (const item of items) {
    signal.throwIfAborted()
    if (isFirst) await output.line(writer.header(item))
    isFirst = false
    await output.line(writer.row(item))
  }
  if (isFirst) {
    const header = writer.header(undefined)
    if (header !== '') await output.line(header)
  }
  await output.flush()
  context.note(`an import gives the same again with ${writer.importOptions}`)
}

function itemsIn(collection: CollectionOf<CollectionKind>): AsyncIterable<Item> {
  return collection
}
