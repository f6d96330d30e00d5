/**
 * Rows of CSV, RFC 4180, with the line that each begins at. A cell with nothing in it is told from one that holds an
 * empty text, which has quotes around it, as PostgreSQL's COPY has it.
 */

import { pipeline, Readable } from 'node:stream'
import { type CsvError, parse } from 'csv-parse'
import { NotationError } from '../values/notation-error.js'
import { linesIn, MAX_LINE_BYTES } from './lines.js'

const QUOTE = '"'

/** The text of a cell; undefined where there is nothing, not even quotes. */
export type Cell = string | undefined

export interface Row {
  /** The line at which it begins, from 1. */
  readonly line: number
  readonly cells: readonly Cell[]
}

/** What csv-parse gives: the cells, and what they were read from, of whose line end only the first byte. */
interface ParsedRow {
  readonly record: readonly string[]
  readonly raw: string
}

/** The rows of a text; blank lines are none where rows have several cells. Throws a NotationError. */
export async function* csvRows(pieces: AsyncIterable<Uint8Array>, delimiter: string): AsyncGenerator<Row> {
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    max_record_size: MAX_LINE_BYTES,
    relax_column_count: true,
    raw: true,
  })
  const bytes = Readable.from(bytesOf(pieces), { objectMode: false })
  // It ends the parser with what goes wrong with the bytes, and the bytes when nobody reads on.
  pipeline(bytes, parser, () => {})
  let line = 1
  let width: number | undefined
  try {
    for await (const { record, raw } of parser as AsyncIterable<ParsedRow>) {
      width ??= record.length
      const isBlank = record.length === 1 && width > 1 && raw.trim() === ''
      if (!isBlank) yield { line, cells: record.includes('') ? cellsOf(record, raw, delimiter) : record }
      line += raw.split('\n').length - 1 + Number(raw.endsWith('\r'))
    }
  } catch (error) {
    throw isCsvError(error) ? new NotationError(wordsFor(error), error.lines) : error
  }
}

async function* bytesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of linesIn(pieces)) yield bytes
}

/** The cells of a row, those undefined that have nothing in them. */
function cellsOf(record: readonly string[], raw: string, delimiter: string): Cell[] {
  const cells: Cell[] = []
  for (let at = 0; cells.length < record.length; ) {
    const text = record[cells.length]!
    const isQuoted = raw[at] === QUOTE
    cells.push(text === '' && !isQuoted ? undefined : text)
    // In quotes a quote is doubled; what is not in quotes stands as it is.
    at += isQuoted ? text.replaceAll(QUOTE, '""').length + 2 : text.length
    at += delimiter.length
  }
  return cells
}

function isCsvError(error: unknown): error is CsvError & { readonly lines: number } {
  return error instanceof Error && 'code' in error && String(error.code).match(/^(CSV_|INVALID_)/) !== null
}

function wordsFor({ code }: CsvError): string {
  switch (code as string) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'the text ends inside quotes; a quote before this is never closed'
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'a closing quote that no delimiter follows; a quote inside quotes is written ""'
    case 'INVALID_OPENING_QUOTE':
      return 'a quote inside a cell that does not begin with one; put the cell in quotes and write ""'
    case 'CSV_MAX_RECORD_SIZE':
      return 'a row longer than 16 MiB; is a quote before this never closed?'
    default:
      return `no valid CSV (${code})`
  }
}
