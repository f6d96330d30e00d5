/**
 * JSON Lines: an item on each line, as JSON (json-form.ts). Of a map `{"key": ..., "value": ...}`, which is what jq's
 * to_entries gives and from_entries takes; of a set a key; of a list a value.
 */

import type { Key, Value } from '../../collection/value.js'
import type { CollectionKind } from '../objects/find-object.js'
import { isRecord } from '../values/is-record.js'
import { fromJson, jsonForm } from '../values/json-form.js'
import { NotationError } from '../values/notation-error.js'
import type { Item, ItemReader } from './item.js'
import { linesIn } from './lines.js'

export interface JsonLinesOptions {
  /** The field that is the key, where lines are records. */
  readonly key?: string | undefined
}

/** Reads items of a `kind`. */
export function jsonLinesReader(kind: CollectionKind, { key }: JsonLinesOptions): ItemReader {
  const itemOf = itemReader(kind, key)
  return async function* (pieces, place) {
    for await (const { bytes, firstLine } of linesIn(pieces)) {
      const text = bytes.toString()
      place.line = firstLine - 1
      for (let start = 0; start < text.length; ) {
        place.line++
        const newline = text.indexOf('\n', start)
        const end = newline < 0 ? text.length : newline
        const line = text.slice(start, end)
        start = end + 1
        if (line.trim() !== '') yield itemOf(fromJson(line))
      }
    }
  }
}

/** The line of `item`, without its end. */
export function jsonLine(kind: CollectionKind, item: Item): string {
  return JSON.stringify(itemForm(kind, item))
}

/** What JSON.stringify is to be given for `item`. */
export function itemForm(kind: CollectionKind, item: Item): unknown {
  if (kind !== 'map') return jsonForm(item)
  const [key, value] = item as readonly [Key, Value]
  return { key: jsonForm(key), value: jsonForm(value) }
}

function itemReader(kind: CollectionKind, keyField: string | undefined): (line: Value) => Item {
  if (kind === 'list') return (line) => line
  if (keyField !== undefined) {
    return (line) => {
      const { [keyField]: key, ...value } = recordWith(
        [keyField],
        line,
        `a record with the field ${keyField}`,
      )
      return kind === 'set' ? key! : [key!, value]
    }
  }
  if (kind === 'set') return (line) => line
  return (line) => {
    const words =
      '{"key": ..., "value": ...}; --key FIELD takes any records, and the key from a field of each'
    const { key, value, ...others } = recordWith(['key', 'value'], line, words)
    if (Object.keys(others).length > 0) throw new NotationError(`not just ${words}`)
    return [key!, value!]
  }
}

/** `line` if it is a record that has these fields. */
function recordWith(
  fields: readonly string[],
  line: Value,
  words: string,
): { readonly [key: string]: Value } {
  if (isRecord(line) && fields.every((field) => Object.hasOwn(line, field))) return line
  throw new NotationError(`not ${words}`)
}
