/**
 * Values as JSON, both ways without loss. JSON has no bytes, no refs, no whole numbers of 64 bits and no infinity; these
 * are records of one field:
 *
 *     {"$bytes": "aGVsbG8="}               base64 of RFC 4648
 *     {"$bigint": "9223372036854775807"}   whole numbers beyond ±(2^53-1)
 *     {"$number": "Infinity"}              Infinity, -Infinity, NaN
 *     {"$ref": "pf2tsrnkqo96anb4ck7mv58h08kumu0v"}
 *
 * A stored record that looks like one of these is written with one `$` more: {"$$ref": ...}.
 */

import type { Value } from '../../collection/value.js'
import { Ref } from '../../hash/ref.js'
import { checkNumbers } from './exact-numbers.js'
import { NotationError } from './notation-error.js'

/** The one field of a form, or of a record that looks like a form. */
const FORM_FIELD = /^\$+(?:bytes|bigint|number|ref)$/

/** Deeper than any value that can be stored. */
const MAX_DEPTH = 100

const INT64 = { min: -(2n ** 63n), max: 2n ** 64n - 1n }

type JsonRecord = Record<string, unknown>

/** `value` as JSON, on one line. */
export function toJson(value: Value): string {
  return JSON.stringify(jsonForm(value))
}

/** The value that `json` spells. Throws a NotationError. */
export function fromJson(json: string): Value {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (error) {
    throw new NotationError(`not JSON: ${(error as SyntaxError).message}`)
  }
  checkNumbers(json)
  return revived(parsed, 0)
}

/** What JSON.stringify is to be given for `value`. */
export function jsonForm(value: Value): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $bigint: String(value) }
    case 'number':
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'object':
      break
    default:
      return value
  }
  if (value === null) return null
  if (value instanceof Ref) return { $ref: value.toString() }
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) }
  if (isArray(value)) return value.map(jsonForm)
  const entries = Object.entries(value)
  const hasFormsLook = entries.length === 1 && FORM_FIELD.test(entries[0]![0])
  // Unlike an assignment, this makes a field of `__proto__` too.
  return Object.fromEntries(
    entries.map(([name, field]) => [hasFormsLook ? `$${name}` : name, jsonForm(field)]),
  )
}

/** The value of what JSON.parse gave, whose arrays and records it keeps. */
function revived(parsed: unknown, depth: number): Value {
  if (typeof parsed !== 'object' || parsed === null) return parsed as Value
  if (depth > MAX_DEPTH) throw new NotationError('nested too deep to be stored')
  if (Array.isArray(parsed)) {
    for (let index = 0; index < parsed.length; index++) parsed[index] = revived(parsed[index], depth + 1)
    return parsed
  }
  const record = parsed as JsonRecord
  const names = Object.keys(record)
  if (names.length === 1 && FORM_FIELD.test(names[0]!)) return formValue(names[0]!, record, depth)
  // They are the record's own, `__proto__` as well: an assignment changes just these.
  for (const name of names) record[name] = revived(record[name], depth + 1)
  return record as Value
}

/** The value of a record whose one field is called as those of forms are. */
function formValue(name: string, record: JsonRecord, depth: number): Value {
  const content = record[name]
  if (name.startsWith('$$')) return { [name.slice(1)]: revived(content, depth + 1) }
  const read = FORMS[name as keyof typeof FORMS]
  const value = typeof content === 'string' ? read(content) : undefined
  if (value !== undefined) return value
  throw new NotationError(
    `${abridged(JSON.stringify(record))} is not ${FORM_WORDS[name as keyof typeof FORMS]}; to store a record with the field ${name}, write it $${name}`,
  )
}

const FORMS = {
  $bytes: fromBase64,
  $bigint: parseBigint,
  $number: parseOddNumber,
  $ref: (text: string) => Ref.parse(text),
}

const FORM_WORDS: Readonly<Record<keyof typeof FORMS, string>> = {
  $bytes: 'base64',
  $bigint: 'a whole number within 64 bits',
  $number: 'NaN, Infinity or -Infinity',
  $ref: 'a ref',
}

/** Undefined where `text` is not the base64 of anything. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** Undefined where `text` is no whole number within 64 bits. */
export function parseBigint(text: string): bigint | undefined {
  if (!/^-?\d{1,20}$/.test(text)) return undefined
  const value = BigInt(text)
  return value >= INT64.min && value <= INT64.max ? value : undefined
}

/** One of the numbers that JSON cannot write. */
export function parseOddNumber(text: string): number | undefined {
  return /^(?:NaN|-?Infinity)$/.test(text) ? Number(text) : undefined
}

/** The beginning of a long text. */
export function abridged(text: string, chars = 60): string {
  // Of a pair of surrogates both or none.
  return text.length <= chars ? text : `${text.slice(0, chars - 3).replace(/[\ud800-\udbff]$/, '')}...`
}

function isArray(value: object): value is readonly Value[] {
  return Array.isArray(value)
}
