/** The types that values of the command line and cells of CSV are said to have, and how each is spelled as text. */

import type { Value } from '../../collection/value.js'
import { Ref } from '../../hash/ref.js'
import { UsageError } from '../failure.js'
import { checkNumber } from './exact-numbers.js'
import { abridged, fromBase64, fromJson, parseBigint, parseOddNumber, toBase64, toJson } from './json-form.js'
import { NotationError } from './notation-error.js'

interface Spelling {
  /** What the type's texts are, in words. */
  readonly words: string
  /** Undefined, or a NotationError, where `text` spells no value of the type. */
  parse(text: string): Value | undefined
  /** Undefined where `value` is not of the type. */
  format(value: Value): string | undefined
}

const SPELLINGS = {
  string: {
    words: 'text as it is',
    parse: (text) => text,
    format: (value) => (typeof value === 'string' ? value : undefined),
  },
  number: {
    words: 'a number',
    parse: (text) =>
      /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? checkNumber(text) : parseOddNumber(text),
    format: (value) => (typeof value === 'number' ? String(value) : undefined),
  },
  bigint: {
    words: 'a whole number within 64 bits',
    parse: parseBigint,
    format: (value) =>
      typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value as number | bigint) : undefined,
  },
  boolean: {
    words: 'true or false',
    parse: (text) => (/^(?:true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined),
    format: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  },
  bytes: {
    words: 'base64',
    parse: fromBase64,
    format: (value) => (value instanceof Uint8Array ? toBase64(value) : undefined),
  },
  ref: {
    words: 'a ref',
    parse: (text) => Ref.parse(text),
    format: (value) => (value instanceof Ref ? value.toString() : undefined),
  },
  json: { words: 'JSON', parse: fromJson, format: toJson },
} as const satisfies Record<string, Spelling>

export type ValueType = keyof typeof SPELLINGS

export const VALUE_TYPES = Object.keys(SPELLINGS) as ValueType[]

/** The value of `type` that `text` spells. Throws a NotationError. */
export function parseAs(type: ValueType, text: string): Value {
  const spelling: Spelling = SPELLINGS[type]
  const value = spelling.parse(text)
  if (value === undefined) throw new NotationError(`'${abridged(text)}' is not ${spelling.words}`)
  return value
}

/** How `value` is spelled as a `type`; undefined where it is not of that type. */
export function formatAs(type: ValueType, value: Value): string | undefined {
  const spelling: Spelling = SPELLINGS[type]
  return spelling.format(value)
}

/** The most specific type that `value` has. */
export function typeOf(value: Value): ValueType {
  const type = (['string', 'number', 'boolean', 'bigint', 'bytes', 'ref'] as const).find(
    (each) => formatAs(each, value) !== undefined,
  )
  return type ?? 'json'
}

/** The type called `text`; `option` is what said so. Throws a UsageError. */
export function parseValueType(option: string, text: string): ValueType {
  if (Object.hasOwn(SPELLINGS, text)) return text as ValueType
  throw new UsageError(`${option} ${text}: not a type; write one of ${VALUE_TYPES.join(', ')}`)
}
