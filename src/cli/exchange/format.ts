/** The formats that collections are imported from and exported to, and the options that say how. */

import type { CommandOption } from '../command.js'
import { UsageError } from '../failure.js'
import type { CollectionKind } from '../objects/find-object.js'
import { type ColumnTypes, parseColumnTypes, parseDelimiter } from './columns.js'
import type { CsvReaderOptions } from './csv-reader.js'

export type Format = 'csv' | 'jsonl'

/** As typed. */
export interface FormatOptions {
  readonly format?: Format
  readonly key?: string
  readonly value?: string
  readonly types?: ColumnTypes
  readonly delimiter?: string
}

/** The options of an import or export of a `kind`, `words` saying of some what they do there. */
export function formatOptions(
  kind: CollectionKind,
  words: { readonly format: string; readonly key: string; readonly value: string },
): CommandOption[] {
  return [
    { flags: '--format <format>', description: words.format, parse: parseFormat },
    ...(kind === 'list' ? [] : [{ flags: '--key <name>', description: words.key }]),
    ...(kind === 'set' ? [] : [{ flags: '--value <column>', description: words.value }]),
    {
      flags: '--types <types>',
      description: 'CSV: types of columns, as id:number,photo:ref; those left out are text',
      parse: parseColumnTypes,
    },
    {
      flags: '--delimiter <character>',
      description: "CSV: what parts the cells, as ';' or tab; a comma where left out",
      parse: parseDelimiter,
    },
  ]
}

/** How CSV is to be read or written, as far as that was said. */
export function csvOptions({
  types,
  delimiter,
}: FormatOptions): Pick<CsvReaderOptions, 'types' | 'delimiter'> {
  return { types: types ?? new Map(), delimiter: delimiter ?? ',' }
}

/** Throws a UsageError where options for CSV are given for JSON Lines. */
export function checkNoCsvOptions({ value, types, delimiter }: FormatOptions): void {
  const given = Object.entries({ value, types, delimiter }).find(([, option]) => option !== undefined)
  if (given !== undefined) throw new UsageError(`--${given[0]} is for CSV; say so with --format csv`)
}

function parseFormat(text: string): Format {
  if (text === 'csv' || text === 'jsonl') return text
  throw new UsageError(`--format ${text}: write csv or jsonl`)
}
