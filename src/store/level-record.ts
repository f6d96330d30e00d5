/**
 * What a level store writes: keys and values of its one database.
 *
 *     key                   value
 *     'format'              'nomsy level store 1'
 *     'c' ref (20 bytes)    the chunk's bytes
 *     'h' name (ASCII)      ref (20 bytes), seal (8 bytes: the first of SHA-256 over key and ref)
 */

import { REF_BYTES, Ref } from '../hash/ref.js'
import { prefixRange } from './prefix-range.js'

/** Stored: the first byte of a chunk's key, and of a head's. */
export const CHUNK_PREFIX = 0x63
export const HEAD_PREFIX = 0x68
/** Stored: the format record, of which the version rises when the layout changes. */
export const FORMAT_KEY = ascii('format')
export const FORMAT_NAME = 'nomsy level store'
export const FORMAT_VERSION = 1
/** Stored: length of a head's seal. */
const SEAL_BYTES = 8

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function chunkKey(ref: Ref): Uint8Array {
  const key = new Uint8Array(1 + REF_BYTES)
  key[0] = CHUNK_PREFIX
  key.set(ref.bytes, 1)
  return key
}

/** The ref in a chunk's key, which it copies. */
export function refOfKey(key: Uint8Array): Ref {
  return Ref.fromBytes(new Uint8Array(key.subarray(1)))
}

/** The keys of the chunks whose refs' text begins with `prefix`; undefined where no ref's text does. */
export function chunkKeys(prefix: string): { gte: Uint8Array; lte: Uint8Array } | undefined {
  const range = prefixRange(prefix)
  return range && { gte: chunkKey(range.first), lte: chunkKey(range.last) }
}

export function headKey(name: string): Uint8Array {
  return Uint8Array.of(HEAD_PREFIX, ...ascii(name))
}

export function nameOfKey(key: Uint8Array): string {
  return new TextDecoder().decode(key.subarray(1))
}

/** The stored form of a head's ref. */
export function sealed(key: Uint8Array, ref: Ref): Uint8Array {
  const seal = Ref.of(Uint8Array.of(...key, ...ref.bytes)).bytes.subarray(0, SEAL_BYTES)
  return Uint8Array.of(...ref.bytes, ...seal)
}

/** The ref of a head's stored form; undefined where it is none. */
export function unsealed(key: Uint8Array, value: Uint8Array): Ref | undefined {
  if (value.length !== REF_BYTES + SEAL_BYTES) return undefined
  const ref = Ref.fromBytes(new Uint8Array(value.subarray(0, REF_BYTES)))
  return sameBytes(value, sealed(key, ref)) ? ref : undefined
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
