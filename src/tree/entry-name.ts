/**
 * Names in a directory, and their order. A name is text where its bytes are UTF-8, and those bytes where they are not,
 * so that there is one form for each. SPEC "Directories".
 */

import { compareKeys, keyEnd } from '../collection/key-order.js'
import { compareBytes } from '../encoding/byte-order.js'
import { compareUtf8 } from '../encoding/value.js'
import { EncodingError } from '../errors.js'
import type { KeyOrder } from '../sequence/format.js'
import type { EntryName } from './entry.js'

/** As long as names are on the file systems of today. */
export const MAX_NAME_BYTES = 255

/** A name of so many UTF-16 units has at most {@link MAX_NAME_BYTES} bytes. */
const SURELY_SHORT = 85

const NIL_CODE = 0xc0
const SHORT_BIN_CODE = 0xc4
const SHORT_STRING_CODE = 0xd9
const DOT = 0x2e
const SLASH = 0x2f

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Encoded keys of a directory: names, and nil before them, for what the top of a tree says of itself. */
export const NAME_ORDER: KeyOrder = { compare: compareKeys, end: nameEnd }

/** What `bytes`, a name, path or target, are called: text if they are UTF-8. */
export function nameOf(bytes: Uint8Array): EntryName {
  return textOf(bytes) ?? bytes
}

/** The bytes of a name, path or target. */
export function bytesOfName(name: EntryName): Uint8Array {
  return typeof name === 'string' ? encoder.encode(name) : name
}

/** Below, at or above 0 as `a` comes before, is, or comes after `b` in a directory. */
export function compareNames(a: EntryName, b: EntryName): number {
  if (typeof a === 'string') return typeof b === 'string' ? compareUtf8(a, b) : -1
  return typeof b === 'string' ? 1 : compareBytes(a, 0, a.length, b, 0, b.length)
}

/** Why `name` cannot be a name; undefined if it can. */
export function whyNoName(name: unknown): string | undefined {
  if (typeof name === 'string') {
    if (name === '') return 'it is empty'
    if (name === '.' || name === '..') return 'it names a directory by its place'
    if (name.includes('/')) return "it has a '/' in it"
    if (name.includes('\0')) return 'it has a NUL in it'
    if (!name.isWellFormed()) return 'it is no Unicode text; names that are not UTF-8 are given as bytes'
    const isLong = name.length > SURELY_SHORT && encoder.encode(name).length > MAX_NAME_BYTES
    return isLong ? `it has more than ${MAX_NAME_BYTES} bytes` : undefined
  }
  if (!(name instanceof Uint8Array)) return 'it is neither text nor bytes'
  if (textOf(name) !== undefined) return 'its bytes are UTF-8, so that it must be text'
  return whyNoBytes(name, 0, name.length)
}

/** Whether `bytes` are text, which then has to be stored as text. */
export function isUtf8(bytes: Uint8Array): boolean {
  return textOf(bytes) !== undefined
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Where the encoded name that begins at `offset` ends; what is there has been found canonical. */
function nameEnd(bytes: Uint8Array, offset: number): number {
  const end = keyEnd(bytes, offset)
  const code = bytes[offset]!
  if (code === NIL_CODE) return end
  const isShort = code >= 0xa0 && code < 0xc0
  if (!isShort && code !== SHORT_STRING_CODE && code !== SHORT_BIN_CODE)
    throw new EncodingError(`a key that is no name of at most ${MAX_NAME_BYTES} bytes`, offset)
  const start = offset + (isShort ? 1 : 2)
  const why =
    whyNoBytes(bytes, start, end) ??
    (code === SHORT_BIN_CODE && isUtf8(bytes.subarray(start, end)) ? 'bytes that are UTF-8' : undefined)
  if (why !== undefined) throw new EncodingError(`a name that cannot be one: ${why}`, offset)
  return end
}

function whyNoBytes(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start
  if (length === 0) return 'it is empty'
  if (length > MAX_NAME_BYTES) return `it has more than ${MAX_NAME_BYTES} bytes`
  for (let at = start; at < end; at++) {
    if (bytes[at] === SLASH) return "it has a '/' in it"
    if (bytes[at] === 0) return 'it has a NUL in it'
  }
  const isPlace = length <= 2 && bytes[start] === DOT && bytes[end - 1] === DOT
  return isPlace ? 'it names a directory by its place' : undefined
}
