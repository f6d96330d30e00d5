/**
 * The order of keys, found in their encoding: nothing is decoded but floats. SPEC "Collections".
 *
 * By kind first: null, false, true, numbers, strings, byte strings, refs, arrays. Numbers by value, an integer before
 * a float that equals it; strings, byte strings and refs by their bytes; arrays element by element, one before those
 * that it is the beginning of. Records and NaN cannot be keys.
 */

import { compareBytes } from '../encoding/byte-order.js'
import { Reader } from '../encoding/decode.js'
import { EncodingError } from '../errors.js'
import type { KeyOrder } from '../sequence/format.js'

export const KEY_ORDER: KeyOrder = { compare: compareKeys, end: keyEnd }

/** Ranks of the kinds of keys; 1 to 3 are null, false and true. */
const NO_KEY = 0
const NUMBER = 4
const STRING = 5
const BYTES = 6
const REF = 7
const ARRAY = 8

const FLOAT_CODE = 0xcb
/** The first two bytes of the one NaN. */
const NAN_BITS = 0x7ff8

/** By the first byte of an encoded key: the rank of its kind, and the bytes before its payload. */
const KINDS = new Uint8Array(256)
const HEADER_BYTES = new Uint8Array(256)
/** By the first byte of an integer: a number that rises with the integer, where two begin with different bytes. */
const MAGNITUDES = new Uint8Array(256)

for (const [kind, headerBytes, first, last] of [
  [NUMBER, 1, 0x00, 0x7f],
  [ARRAY, 1, 0x90, 0x9f],
  [STRING, 1, 0xa0, 0xbf],
  [1, 1, 0xc0, 0xc0],
  [2, 1, 0xc2, 0xc2],
  [3, 1, 0xc3, 0xc3],
  [BYTES, 2, 0xc4, 0xc4],
  [BYTES, 3, 0xc5, 0xc5],
  [BYTES, 5, 0xc6, 0xc6],
  [REF, 3, 0xc7, 0xc7],
  [NUMBER, 1, 0xcb, 0xd3],
  [STRING, 2, 0xd9, 0xd9],
  [STRING, 3, 0xda, 0xda],
  [STRING, 5, 0xdb, 0xdb],
  [ARRAY, 3, 0xdc, 0xdc],
  [ARRAY, 5, 0xdd, 0xdd],
  [NUMBER, 1, 0xe0, 0xff],
] as const) {
  KINDS.fill(kind, first, last + 1)
  HEADER_BYTES.fill(headerBytes, first, last + 1)
}
// int64, int32, int16, int8, -32 to -1, 0 to 127, uint8, uint16, uint32, uint64: the header is the shortest there is.
const rising = [0xd3, 0xd2, 0xd1, 0xd0, ...range(0xe0, 0xff), ...range(0x00, 0x7f), 0xcc, 0xcd, 0xce, 0xcf]
for (const [magnitude, code] of rising.entries()) MAGNITUDES[code] = magnitude

/** Below, at or above 0 as the key at `aStart` of `a` comes before, is, or comes after the one at `bStart` of `b`. */
export function compareKeys(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  const aCode = a[aStart]!
  const bCode = b[bStart]!
  const kind = KINDS[aCode]!
  if (kind !== KINDS[bCode]) return kind - KINDS[bCode]!
  if (kind < NUMBER) return 0
  if (kind === ARRAY) return compareArrays(a, aStart, b, bStart)
  if (kind === NUMBER) {
    if (aCode === FLOAT_CODE || bCode === FLOAT_CODE) return compareFloats(a, aStart, b, bStart)
    if (aCode !== bCode) return MAGNITUDES[aCode]! - MAGNITUDES[bCode]!
  }
  const aFirst = payloadStart(a, aStart)
  const bFirst = payloadStart(b, bStart)
  return compareBytes(
    a,
    aFirst,
    aFirst + payloadBytes(a, aStart),
    b,
    bFirst,
    bFirst + payloadBytes(b, bStart),
  )
}

/** Where the key that begins at `start` ends; throws an EncodingError where the value there cannot be a key. */
export function keyEnd(bytes: Uint8Array, start: number): number {
  const code = bytes[start]!
  const kind = KINDS[code]!
  if (kind === NO_KEY) throw new EncodingError('a value that cannot be a key', start)
  if (code === FLOAT_CODE && uint(bytes, start + 1, 2) === NAN_BITS)
    throw new EncodingError('NaN as a key', start)
  let end = start + HEADER_BYTES[code]!
  if (kind !== ARRAY) return end + payloadBytes(bytes, start)
  for (let left = elementCount(bytes, start); left > 0; left--) end = keyEnd(bytes, end)
  return end
}

/** A number for the kind of the key at `start`, by which keys are ordered first. */
export function keyKind(bytes: Uint8Array, start: number): number {
  return KINDS[bytes[start]!]!
}

/** Whether keys of this kind are ordered by the bytes of their payloads alone: strings, byte strings and refs. */
export function isOrderedByBytes(kind: number): boolean {
  return kind >= STRING && kind <= REF
}

/** Where the payload of the key at `start` begins. */
export function payloadStart(bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES[bytes[start]!]!
}

function compareArrays(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  const aCount = elementCount(a, aStart)
  const bCount = elementCount(b, bStart)
  let aAt = aStart + HEADER_BYTES[a[aStart]!]!
  let bAt = bStart + HEADER_BYTES[b[bStart]!]!
  for (let left = Math.min(aCount, bCount); left > 0; left--) {
    const order = compareKeys(a, aAt, b, bAt)
    if (order !== 0) return order
    aAt = keyEnd(a, aAt)
    bAt = keyEnd(b, bAt)
  }
  return aCount - bCount
}

/** Compares numbers of which one or both are floats. */
function compareFloats(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  const aValue = numberAt(a, aStart)
  const bValue = numberAt(b, bStart)
  if (aValue < bValue) return -1
  if (aValue > bValue) return 1
  return Number(a[aStart] === FLOAT_CODE) - Number(b[bStart] === FLOAT_CODE)
}

function numberAt(bytes: Uint8Array, start: number): number | bigint {
  const reader = new Reader(bytes)
  reader.seek(start)
  return reader.value() as number | bigint
}

/** Bytes of the payload of the key at `start`; of an array 0. */
export function payloadBytes(bytes: Uint8Array, start: number): number {
  const code = bytes[start]!
  switch (KINDS[code]) {
    case STRING:
      return code < 0xc0 ? code & 0x1f : uint(bytes, start + 1, HEADER_BYTES[code]! - 1)
    case BYTES:
      return uint(bytes, start + 1, HEADER_BYTES[code]! - 1)
    case REF:
      return bytes[start + 1]!
    case NUMBER:
      if (code === FLOAT_CODE) return 8
      return code >= 0xcc && code <= 0xd3 ? 1 << (code & 3) : 0
    default:
      return 0
  }
}

function elementCount(bytes: Uint8Array, start: number): number {
  const code = bytes[start]!
  return code < 0xa0 ? code & 0x0f : uint(bytes, start + 1, HEADER_BYTES[code]! - 1)
}

/** The big-endian number of `byteCount` bytes, 4 at most. */
function uint(bytes: Uint8Array, start: number, byteCount: number): number {
  let value = 0
  for (let at = start; at < start + byteCount; at++) value = value * 256 + bytes[at]!
  return value
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
