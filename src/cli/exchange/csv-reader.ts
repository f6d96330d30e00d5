/**
 * Items out of CSV: a row is a record of its columns. Of a map one column is the key, and the record has the others;
 * or one other column is the value by itself.
 */

import type { Value } from '../../collection/value.js'
import { UsageError } from '../failure.js'
import type { CollectionKind } from '../objects/find-object.js'
import { NotationError } from '../values/notation-error.js'
import { parseAs, type ValueType } from '../values/value-type.js'
import type { ColumnTypes } from './columns.js'
import { type Cell, csvRows } from './csv-rows.js'
import type { Item, ItemReader } from './item.js'

export interface CsvReaderOptions {
  readonly delimiter: string
  readonly types: ColumnTypes
  /** The column that is the key. */
  readonly key?: string | undefined
  /** The column that is the value by itself. */
  readonly value?: string | undefined
}

interface Column {
  readonly name: string
  readonly type: ValueType
  readonly index: number
}

export function csvReader(kind: CollectionKind, options: CsvReaderOptions): ItemReader {
  const { delimiter, key, value } = options
  if (kind === 'map' && key === undefined)
    throw new UsageError('CSV for a map: say with --key which column is the key')
  return async function* (pieces, place) {
    let itemOf: ((cells: readonly Cell[]) => Item) | undefined
    for await (const { line, cells } of csvRows(pieces, delimiter)) {
      place.line = line
      if (itemOf !== undefined) yield itemOf(cells)
      else itemOf = rowReader(kind, columnsOf(cells, options), key, value)
    }
    if (itemOf === undefined)
      throw new NotationError('nothing there: the first row has the names of the columns', 1)
  }
}

/** The columns that the first row names. */
function columnsOf(cells: readonly Cell[], { types, key, value }: CsvReaderOptions): Column[] {
  const names = cells.map((name, index) => {
    if (name === undefined) throw new NotationError(`column ${index + 1} has no name`)
    if (cells.indexOf(name) < index) throw new NotationError(`two columns are called '${name}'`)
    return name
  })
  for (const name of [...types.keys(), key, value]) {
    if (name !== undefined && !names.includes(name))
      throw new NotationError(`there is no column '${name}', only ${names.join(', ')}`)
  }
  return names.map((name, index) => ({ name, type: types.get(name) ?? 'string', index }))
}

function rowReader(
  kind: CollectionKind,
  columns: readonly Column[],
  keyName: string | undefined,
  valueName: string | undefined,
): (cells: readonly Cell[]) => Item {
  const named = (name: string | undefined): Column | undefined =>
    columns.find((column) => column.name === name)
  const key = named(keyName) ?? (kind === 'set' && columns.length === 1 ? columns[0] : undefined)
  if (kind === 'set') {
    if (key === undefined) throw new NotationError('several columns: say with --key which one holds the keys')
    return sized(columns, (cells) => there(key, cells))
  }
  const fields = columns.filter((column) => column !== key)
  const single = named(valueName)
  const readValue = (cells: readonly Cell[]): Value =>
    single === undefined ? recordOf(fields, cells) : there(single, cells)
  return sized(columns, key === undefined ? readValue : (cells) => [there(key, cells), readValue(cells)])
}

/** `read`, which is given rows with as many cells as there are columns only. */
function sized(
  columns: readonly Column[],
  read: (cells: readonly Cell[]) => Item,
): (cells: readonly Cell[]) => Item {
  return (cells) => {
    if (cells.length === columns.length) return read(cells)
    throw new NotationError(`${cells.length} cells, and there are ${columns.length} columns`)
  }
}

function recordOf(columns: readonly Column[], cells: readonly Cell[]): Value {
  const fields: [string, Value][] = []
  for (const column of columns) {
    const value = valueIn(column, cells)
    if (value !== undefined) fields.push([column.name, value])
  }
  // Unlike an assignment, this makes a field of `__proto__` too.
  return Object.fromEntries(fields)
}

/** What the row has in a column that must not be empty. */
function there(column: Column, cells: readonly Cell[]): Value {
  const value = valueIn(column, cells)
  if (value === undefined)
    throw new NotationError(`nothing in column ${column.name}; an empty text is written ""`)
  return value
}

function valueIn({ name, type, index }: Column, cells: readonly Cell[]): Value | undefined {
  const text = cells[index]
  try {
    return text === undefined ? undefined : parseAs(type, text)
  } catch (error) {
    if (error instanceof NotationError) throw new NotationError(`column ${name}: ${error.message}`)
    throw error
  }
}
