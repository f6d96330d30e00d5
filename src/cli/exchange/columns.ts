/**
 * Columns of CSV: their names stand in the first row, their types are stated and never guessed. A cell with nothing in
 * it is a field that a record does not have.
 */

import { UsageError } from '../failure.js'
import { parseValueType, type ValueType } from '../values/value-type.js'

/** Types of columns by name; columns that are not named are text. */
export type ColumnTypes = ReadonlyMap<string, ValueType>

/** What `--types` says: `id:number,name:string`. Throws a UsageError. */
export function parseColumnTypes(text: string): ColumnTypes {
  const types = new Map<string, ValueType>()
  for (const part of text.split(',')) {
    const colon = part.lastIndexOf(':')
    if (colon <= 0) throw new UsageError(`--types ${text}: '${part}' is not like id:number`)
    const name = part.slice(0, colon)
    if (types.has(name)) throw new UsageError(`--types ${text}: ${name} is there twice`)
    types.set(name, parseValueType(`--types ${name}:`, part.slice(colon + 1)))
  }
  return types
}

/** The character that parts cells. Throws a UsageError. */
export function parseDelimiter(text: string): string {
  if (text === '\\t' || text === 'tab') return '\t'
  if (text.length === 1 && !/["\r\n]/.test(text)) return text
  throw new UsageError(`--delimiter ${text}: write one character, or tab`)
}
