/**
 * CRC-32 of many ranges of the same bytes, overlapping as they may, at a cost that does not grow with their lengths.
 *
 * With A and B byte strings, crc(A B) = crc(A) * x^(8 |B|) + crc(B), in polynomials over GF(2) modulo that of CRC-32. So
 * the CRC of a range follows from those of all bytes before its end and before its start.
 */

import { DIRECTORY_ENTRY_BYTES, MAX_BLOCK_CHUNKS } from './record.js'

/** The polynomial, the highest power in the lowest bit; and 1 and x^8 likewise. */
const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000
const X_8 = 0x00800000

/** CRC-32 of each single byte, without the inversions. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** x^(8 * 24 n): what directories of n chunks shift a CRC by. */
let shifts: Uint32Array | undefined

export class CrcRanges {
  /** The CRC of the bytes before each position, without the inversions, which cancel each other out. */
  readonly #before: Uint32Array

  constructor(bytes: Uint8Array) {
    const before = new Uint32Array(bytes.length + 1)
    let crc = 0
    for (let at = 0; at < bytes.length; at++) {
      crc = TABLE[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
      before[at + 1] = crc
    }
    this.#before = before
  }

  /** CRC-32 of what `state` stands for, see {@link crcState}, and then of the directory of `count` chunks at `start`. */
  withDirectory(state: number, start: number, count: number): number {
    shifts ??= directoryShifts()
    const end = start + count * DIRECTORY_ENTRY_BYTES
    return ~(this.#before[end]! ^ product(state ^ this.#before[start]!, shifts[count]!)) >>> 0
  }
}

/** What CRC-32 has come to after `bytes`, to go on with. */
export function crcState(bytes: readonly Uint8Array[], before = ~0): number {
  let crc = before
  for (const part of bytes) for (const byte of part) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return crc
}

function directoryShifts(): Uint32Array {
  let entry = ONE
  for (let byte = 0; byte < DIRECTORY_ENTRY_BYTES; byte++) entry = product(entry, X_8)
  const all = new Uint32Array(MAX_BLOCK_CHUNKS + 1)
  all[0] = ONE
  for (let count = 1; count <= MAX_BLOCK_CHUNKS; count++) all[count] = product(all[count - 1]!, entry)
  return all
}

/** The product of two polynomials, modulo that of CRC-32. */
function product(a: number, b: number): number {
  let sum = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) sum ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return sum >>> 0
}
