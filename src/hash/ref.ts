/**
 * A ref: the address of a chunk, the first 20 bytes of SHA-256 over the chunk's bytes. SPEC "Refs".
 * Its text has one spelling, 32 characters of base32hex, and serves as the key of maps and sets.
 */

import { decodeBase32Hex, encodeBase32Hex } from './base32hex.js'
import { sha256 } from './sha256.js'

/** Length of a ref in bytes. */
export const REF_BYTES = 20

/** Length of a ref's text in characters. */
export const REF_CHARS = 32

export class Ref {
  /** The 20 bytes; never written after construction. */
  readonly bytes: Uint8Array
  #text: string | undefined

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The ref of a chunk: hashes `chunk`. */
  static of(chunk: Uint8Array): Ref {
    return new Ref(sha256(chunk).subarray(0, REF_BYTES))
  }

  /** The ref with these 20 bytes, which it keeps. */
  static fromBytes(bytes: Uint8Array): Ref {
    if (bytes.length !== REF_BYTES) throw new RangeError(`a ref has ${REF_BYTES} bytes, not ${bytes.length}`)
    return new Ref(bytes)
  }

  /** The ref that `text` spells; undefined where it spells none. */
  static parse(text: string): Ref | undefined {
    if (text.length !== REF_CHARS) return undefined
    const bytes = decodeBase32Hex(text)
    return bytes && new Ref(bytes)
  }

  /** Whether `text` has the form of a ref. */
  static isRef(text: string): boolean {
    return /^[0-9a-v]{32}$/.test(text)
  }

  equals(other: Ref): boolean {
    return sameRef(this.bytes, 0, other.bytes, 0)
  }

  toString(): string {
    return (this.#text ??= encodeBase32Hex(this.bytes))
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Ref(${this})`
  }
}

/** Whether the refs at `aOffset` of `a` and at `bOffset` of `b` are equal. */
export function sameRef(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  for (let i = 0; i < REF_BYTES; i++) if (a[aOffset + i] !== b[bOffset + i]) return false
  return true
}

/** The ref at `offset` of `bytes` as a key for maps: its bits as ten UTF-16 units, made faster than its text. */
export function refKey(bytes: Uint8Array, offset = 0): string {
  return String.fromCharCode(
    (bytes[offset]! << 8) | bytes[offset + 1]!,
    (bytes[offset + 2]! << 8) | bytes[offset + 3]!,
    (bytes[offset + 4]! << 8) | bytes[offset + 5]!,
    (bytes[offset + 6]! << 8) | bytes[offset + 7]!,
    (bytes[offset + 8]! << 8) | bytes[offset + 9]!,
    (bytes[offset + 10]! << 8) | bytes[offset + 11]!,
    (bytes[offset + 12]! << 8) | bytes[offset + 13]!,
    (bytes[offset + 14]! << 8) | bytes[offset + 15]!,
    (bytes[offset + 16]! << 8) | bytes[offset + 17]!,
    (bytes[offset + 18]! << 8) | bytes[offset + 19]!,
  )
}
