/**
 * The work that is worth another thread: functions of bytes alone, the same in a worker as in place. Whole buffers go
 * back and forth, so that handing them over copies nothing: a job owns the buffers of its arguments, and its results
 * lie in buffers of their own.
 */

import { binHeader } from '../encoding/encode.js'
import { REF_BYTES } from '../hash/ref.js'
import { sha256 } from '../hash/sha256.js'
import { pack, unpack } from './zstd.js'

/** Chunks one after the other in `bytes`, each up to its end, and their refs, 20 bytes each. */
export interface EncodedChunks {
  /** What they were made of, and where each one's part of it ends. */
  readonly items: Uint8Array
  readonly itemEnds: Uint32Array
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
  readonly refs: Uint8Array
}

/** A stretch of stored bytes, and the parts of what it decodes to that are wanted. */
export interface StoredUnit {
  readonly start: number
  readonly end: number
  readonly isPacked: boolean
  readonly parts: readonly StoredPart[]
}

export interface StoredPart {
  readonly offset: number
  readonly length: number
}

/** The parts' bytes, in order; undefined for those that do not have their ref. */
export type VerifiedParts = readonly (Uint8Array | undefined)[]

export const JOBS = { encodeBins, packBlocks, verifyUnits }

export type JobName = keyof typeof JOBS

/**
 * Makes a chunk, a `bin`, of each run of `items` up to the next of `ends`, and hashes it. The chunks go to `memory`
 * where they fit.
 */
export function encodeBins(items: Uint8Array, ends: Uint32Array, memory: Uint8Array): EncodedChunks {
  const lengths = Array.from(ends, (end, index) => end - (index === 0 ? 0 : ends[index - 1]!))
  const headers = lengths.map(binHeader)
  const byteCount = headers.reduce((sum, header) => sum + header.length, items.length)
  const bytes = byteCount <= memory.length ? memory.subarray(0, byteCount) : new Uint8Array(byteCount)
  const chunkEnds = new Uint32Array(ends.length)
  const refs = new Uint8Array(ends.length * REF_BYTES)
  let from = 0
  let at = 0
  for (const [index, end] of ends.entries()) {
    const start = at
    bytes.set(headers[index]!, at)
    at += headers[index]!.length
    bytes.set(items.subarray(from, end), at)
    at += end - from
    from = end
    chunkEnds[index] = at
    refs.set(sha256(bytes.subarray(start, at)).subarray(0, REF_BYTES), index * REF_BYTES)
  }
  return { items, itemEnds: ends, bytes, ends: chunkEnds, refs }
}

/** Each block packed; undefined for those that it shrinks by less than a sixteenth. */
export async function packBlocks(
  blocks: readonly (readonly Uint8Array[])[],
  level: number,
): Promise<(Uint8Array | undefined)[]> {
  const results: (Uint8Array | undefined)[] = []
  for (const pieces of blocks) {
    const block = pieces.length === 1 ? pieces[0]! : concatenate(pieces)
    const packed = await pack(block, level)
    results.push(packed.length > block.length - (block.length >> 4) ? undefined : packed)
  }
  return results
}

/** Unpacks what is packed of `stored` and hashes the parts that are wanted; `refs` are theirs, one after the other. */
export async function verifyUnits(
  stored: Uint8Array,
  units: readonly StoredUnit[],
  refs: Uint8Array,
): Promise<VerifiedParts> {
  const results: (Uint8Array | undefined)[] = []
  for (const { start, end, isPacked, parts } of units) {
    const unit = stored.subarray(start, end)
    const bytes = isPacked ? await unpack(unit) : unit
    for (const { offset, length } of parts) {
      const part = bytes?.subarray(offset, offset + length)
      const ref = refs.subarray(results.length * REF_BYTES, (results.length + 1) * REF_BYTES)
      results.push(part?.length === length && hasRef(part, ref) ? part : undefined)
    }
  }
  return results
}

function hasRef(bytes: Uint8Array, ref: Uint8Array): boolean {
  const digest = sha256(bytes)
  return ref.every((byte, index) => byte === digest[index])
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
