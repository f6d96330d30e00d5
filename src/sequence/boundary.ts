/**
 * Where chunks end: buzhash over a sliding window, a boundary where its low bits are all ones.
 * SPEC "Boundaries"; the hash is Uzgalis' BUZ hash with the table fixed there.
 *
 *     h = rotl(h, 1) ^ T[byte in] ^ rotl(T[byte out], windowBytes mod 32)
 *
 * Windows are multiples of 32 bytes, so the last rotation is none. No window reaches back over the start of
 * its chunk and no chunk is shorter than its window: so whether a chunk may end at a byte depends on the
 * window before that byte alone, and an edit finds its way back to the old boundaries.
 */

import { BUZHASH_TABLE } from '../hash/buzhash.js'

/**
 * When a chunk of one level ends. Its unit is what a boundary may not cut through: one byte in leaves, one
 * whole ref of 20 bytes in meta nodes. Sizes are in units; the hasher itself moves byte by byte, and its
 * window in bytes is `windowUnits * unitBytes`.
 */
export interface BoundaryRule {
  /** Bytes of a unit: the hash is looked at after every so many bytes. */
  readonly unitBytes: number
  /** Units that the hash sees. */
  readonly windowUnits: number
  /** Low bits of the hash that are all ones at a boundary, 1 to 32. */
  readonly ones: number
  /** No chunk but the last is shorter. */
  readonly minUnits: number
  /** A chunk that reaches this ends. */
  readonly maxUnits: number
}

/** Looks for the ends of chunks. */
export class BoundaryFinder {
  readonly #unitBytes: number
  readonly #windowBytes: number
  readonly #minBytes: number
  readonly #maxBytes: number
  readonly #mask: number

  constructor(rule: BoundaryRule) {
    this.#unitBytes = rule.unitBytes
    this.#windowBytes = rule.windowUnits * rule.unitBytes
    this.#minBytes = rule.minUnits * rule.unitBytes
    this.#maxBytes = rule.maxUnits * rule.unitBytes
    this.#mask = (2 ** rule.ones - 1) | 0
    if (this.#windowBytes % 32 !== 0) throw new RangeError('a window must be a multiple of 32 bytes')
    if (rule.minUnits < rule.windowUnits) throw new RangeError('a chunk must not be shorter than its window')
    if (rule.maxUnits < rule.minUnits) throw new RangeError('a chunk must be allowed its least size')
  }

  /**
   * The end of the chunk that begins at `start`, or -1 where it does not end before `to`. Up to `from` it is known
   * not to end; those bytes are there all the same, since the window reaches back over them.
   */
  find(bytes: Uint8Array, start: number, from: number, to: number): number {
    const table = BUZHASH_TABLE
    const mask = this.#mask
    const windowBytes = this.#windowBytes
    const unitBytes = this.#unitBytes
    const limit = start + this.#maxBytes
    const end = Math.min(to, limit)
    // The first place to look at is the end of a window: before the least size there is no boundary.
    const first = Math.max(from + 1, start + this.#minBytes)
    if (first > end) return -1
    let hash = 0
    let at = first - windowBytes
    while (at < first) hash = ((hash << 1) | (hash >>> 31)) ^ table[bytes[at++]!]!
    if (unitBytes === 1) {
      while ((hash & mask) !== mask && at < end) {
        hash = ((hash << 1) | (hash >>> 31)) ^ table[bytes[at]!]! ^ table[bytes[at - windowBytes]!]!
        at++
      }
    } else {
      while (((hash & mask) !== mask || (at - start) % unitBytes !== 0) && at < end) {
        hash = ((hash << 1) | (hash >>> 31)) ^ table[bytes[at]!]! ^ table[bytes[at - windowBytes]!]!
        at++
      }
    }
    const isBoundary = (hash & mask) === mask && (at - start) % unitBytes === 0
    return isBoundary || at === limit ? at : -1
  }
}
