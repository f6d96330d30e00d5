/**
 * Items as CSV, so that csv-reader.ts gives the same items back if it is told the same types. The first item says what
 * columns there are and what types they have, where nobody else does; what does not fit in is refused, not lost.
 */

import type { Value } from '../../collection/value.js'
import { Failure } from '../failure.js'
import type { CollectionKind } from '../objects/find-object.js'
import { PLAIN } from '../styled.js'
import { isRecord } from '../values/is-record.js'
import { prettyLine } from '../values/pretty.js'
import { formatAs, typeOf, type ValueType } from '../values/value-type.js'
import type { ColumnTypes } from './columns.js'
import type { Cell } from './csv-rows.js'
import type { Item } from './item.js'

export interface CsvWriterOptions {
  readonly delimiter: string
  readonly types: ColumnTypes
  /** What the column of keys is called. */
  readonly key: string
  /** What the column of values is called that are no records. */
  readonly value: string
}

/** Key and value of an item; undefined where its kind has none. */
interface Parts {
  readonly key: Value | undefined
  readonly value: Value | undefined
}

export class CsvWriter {
  readonly #kind: CollectionKind
  readonly #options: CsvWriterOptions
  /** Types by name, in the order of columns. */
  readonly #columns = new Map<string, ValueType>()
  #hasRecords = false

  constructor(kind: CollectionKind, options: CsvWriterOptions) {
    this.#kind = kind
    this.#options = options
  }

  /** The first row, which names the columns: those of `first`, the first item, if there is one. Empty without any. */
  header(first: Item | undefined): string {
    const { key: keyName, value: valueName, types } = this.#options
    const { key, value } = this.#partsOf(first)
    if (this.#kind !== 'list') this.#columns.set(keyName, typeOf(key ?? ''))
    this.#hasRecords = value === undefined ? this.#kind !== 'set' : isRecord(value)
    if (value !== undefined) {
      const fields = isRecord(value) ? Object.entries(value) : [[valueName, value] as const]
      for (const [name, field] of fields) {
        if (this.#columns.has(name)) throw new Failure(nameTaken(name))
        this.#columns.set(name, typeOf(field))
      }
    }
    for (const [name, type] of types) this.#columns.set(name, type)
    if (first !== undefined && this.#columns.size === 0)
      throw refusal(first, 'has no fields, so there are no columns; name some with --types')
    return this.#row([...this.#columns.keys()])
  }

  /** The row of an item. */
  row(item: Item): string {
    const { key: keyName, value: valueName } = this.#options
    const { key, value } = this.#partsOf(item)
    const fields = new Map<string, Value>()
    if (value !== undefined && isRecord(value) !== this.#hasRecords)
      throw refusal(item, oddOneOut(this.#hasRecords))
    if (this.#hasRecords)
      for (const [name, field] of Object.entries(value as object)) fields.set(name, field as Value)
    else if (value !== undefined) fields.set(valueName, value)
    if (key !== undefined) {
      if (fields.has(keyName)) throw refusal(item, nameTaken(keyName))
      fields.set(keyName, key)
    }
    const cells: Cell[] = []
    for (const [name, type] of this.#columns) {
      const field = fields.get(name)
      fields.delete(name)
      cells.push(field === undefined ? undefined : cellOf(name, type, field, item))
    }
    for (const name of fields.keys())
      throw refusal(item, `there is no column for '${name}'; add it: --types ${name}:string`)
    return this.#row(cells)
  }

  /** The options of an import that gives the same items. */
  get importOptions(): string {
    const { key, value, delimiter } = this.#options
    const types = [...this.#columns].filter(([, type]) => type !== 'string')
    return [
      ...(this.#kind === 'list' ? [] : [`--key ${key}`]),
      ...(this.#hasRecords || this.#kind === 'set' ? [] : [`--value ${value}`]),
      ...(types.length === 0 ? [] : [`--types ${types.map(([name, type]) => `${name}:${type}`).join(',')}`]),
      ...(delimiter === ',' ? [] : [`--delimiter '${delimiter}'`]),
    ].join(' ')
  }

  #partsOf(item: Item | undefined): Parts {
    if (item === undefined) return { key: undefined, value: undefined }
    if (this.#kind === 'list') return { key: undefined, value: item }
    if (this.#kind === 'set') return { key: item, value: undefined }
    const [key, value] = item as readonly [Value, Value]
    return { key, value }
  }

  #row(cells: readonly Cell[]): string {
    return cells
      .map((cell) => (cell === undefined ? '' : quoted(cell, this.#options.delimiter)))
      .join(this.#options.delimiter)
  }
}

function cellOf(name: string, type: ValueType, field: Value, item: Item): string {
  const text = formatAs(type, field)
  if (text !== undefined) return text
  throw refusal(
    item,
    `${name} is ${prettyLine(field, PLAIN, 40)}, not a ${type}; say --types ${name}:${typeFor(type, field)}`,
  )
}

/** A type that takes fields of `type` and `field` too. */
function typeFor(type: ValueType, field: Value): ValueType {
  return typeof field === 'bigint' && type === 'number' ? 'bigint' : 'json'
}

/** A cell, in quotes where it would not be read back without: an empty one would be none. */
function quoted(cell: string, delimiter: string): string {
  const isSafe = cell !== '' && !/["\r\n\ufeff]/.test(cell) && !cell.includes(delimiter)
  return isSafe ? cell : `"${cell.replaceAll('"', '""')}"`
}

function nameTaken(name: string): string {
  return `a field is called '${name}', as the column of keys is; --key NAME gives that another name`
}

function oddOneOut(hasRecords: boolean): string {
  return hasRecords
    ? 'is no record, as the first one is; export it as JSON Lines'
    : 'is a record, and the first one is not; export it as JSON Lines'
}

function refusal(item: Item, why: string): Failure {
  return new Failure(`${prettyLine(item, PLAIN, 60)}: ${why}`)
}
