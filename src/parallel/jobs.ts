/**
 * The work that is worth another thread: functions of bytes, the same in a worker as in place. Handing bytes over
 * copies nothing. What lies in shared memory is looked at, and filled, where it is; other buffers are given away, by
 * the caller with the arguments and by the job with its result.
 */

import { binHeader } from '../encoding/encode.js'
import { scanBoundaries } from '../hash/boundary-scan.js'
import { REF_BYTES, sameRef } from '../hash/ref.js'
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

/** A part of a file that is open, `fd` being its descriptor. */
export interface FilePart {
  readonly fd: number
  readonly position: number
  readonly length: number
}

/** Bytes, and where in them a chunk may end. Of a part of a file they are fewer where the file ends before it does. */
export interface ScannedBytes {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

/** Stored blocks, one after the other in `bytes`, each up to its end; those that did not shrink are empty. */
export interface PackedBlocks {
  readonly bytes: Uint8Array
  readonly ends: readonly number[]
  /** CRC-32 of each. */
  readonly crcs: readonly number[]
}

/** The bytes from `start` to `end` of an open file, which hold units, one after the other. */
export interface StoredRun {
  readonly fd: number
  readonly start: number
  readonly end: number
  readonly units: readonly StoredUnit[]
}

/** A stretch of stored bytes, by its offsets in them, and the parts of what it decodes to that are wanted. */
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

export const JOBS = { scan, readAndScan, encodeBins, packBlocks, readUnits, verifyUnits }

export type JobName = keyof typeof JOBS

/** {@link scanBoundaries}. */
export function scan(bytes: Uint8Array, ones: number): ScannedBytes {
  return { bytes, offsets: scanBoundaries(bytes, ones) }
}

/** Fills `memory` from the file, and scans it. */
export function readAndScan(memory: Uint8Array, ones: number, { fd, position }: FilePart): ScannedBytes {
  return scan(readFile(fd, memory, position), ones)
}

/** Fills `memory` from `position` of the file on; what it filled, which is less only at the file's end. */
function readFile(fd: number, memory: Uint8Array, position: number): Uint8Array {
  const { readSync } = globalThis.process.getBuiltinModule('node:fs')
  let filled = 0
  while (filled < memory.length) {
    const count = readSync(fd, memory, filled, memory.length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return memory.subarray(0, filled)
}

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

/** Packs each block; those that this shrinks by less than a sixteenth are left out. */
export async function packBlocks(
  blocks: readonly (readonly Uint8Array[])[],
  level: number,
): Promise<PackedBlocks> {
  const { crc32 } = globalThis.process.getBuiltinModule('node:zlib')
  const results: Uint8Array[] = []
  for (const pieces of blocks) {
    const block = pieces.length === 1 ? pieces[0]! : concatenate(pieces)
    const packed = await pack(block, level)
    results.push(packed.length > block.length - (block.length >> 4) ? packed.subarray(0, 0) : packed)
  }
  let end = 0
  const ends = results.map(({ length }) => (end += length))
  return { bytes: concatenate(results), ends, crcs: results.map((result) => crc32(result)) }
}

/**
 * {@link verifyUnits} of what is read from files, all in one buffer, so that the rest of the blocks stays behind; `refs`
 * are those of all parts, one after the other.
 */
export async function readUnits(runs: readonly StoredRun[], refs: Uint8Array): Promise<VerifiedParts> {
  const parts: (Uint8Array | undefined)[] = []
  for (const run of runs) {
    for (const part of await verifyUnits(readRun(run), run.units, refs.subarray(parts.length * REF_BYTES)))
      parts.push(part)
  }
  const bytes = concatenate(parts.filter((part) => part !== undefined))
  let at = 0
  return parts.map((part) => part && bytes.subarray(at, (at += part.length)))
}

/** The run's stored bytes. */
export function readRun({ fd, start, end }: StoredRun): Uint8Array {
  return readFile(fd, new Uint8Array(end - start), start)
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
      const isRight = part?.length === length && sameRef(sha256(part), 0, refs, results.length * REF_BYTES)
      results.push(isRight ? part : undefined)
    }
  }
  return results
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
