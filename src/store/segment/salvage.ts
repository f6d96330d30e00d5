/**
 * Finds chunks in bytes of a log that are no records any more. Nothing is taken on trust but what a chunk's own hash
 * says: a header may be wrong in any field, a directory in any entry.
 */

import { refsIn } from '../../encoding/decode.js'
import { EncodingError } from '../../errors.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { unpack } from '../../parallel/zstd.js'
import { type Chunk, MAX_CHUNK_BYTES } from '../chunk-store.js'
import { type File, readFully } from './file-system.js'
import {
  DIRECTORY_ENTRY_BYTES,
  headBytes,
  MAX_BLOCK_BYTES,
  MAX_BLOCK_CHUNKS,
  RECORD_HEADER_BYTES,
} from './record.js'

const MAGIC = Buffer.from('nmsr')

/** Bytes in which records are looked for at a time; one that begins in them is there in full. */
const STEP_BYTES = 1024 * 1024
const MAX_RECORD_BYTES = headBytes(MAX_BLOCK_CHUNKS) + MAX_BLOCK_BYTES

/** Every chunk that can be found in `file`. */
export async function* salvage(file: File): AsyncGenerator<Chunk> {
  const size = await file.size()
  for (let start = 0; start < size; start += STEP_BYTES) {
    const bytes = Buffer.alloc(Math.min(STEP_BYTES + MAX_RECORD_BYTES, size - start))
    await readFully(file, bytes, start)
    // A record begins where the damage does, though its first bytes may say otherwise.
    let at = start === 0 ? 0 : bytes.indexOf(MAGIC)
    while (at >= 0 && at < STEP_BYTES) {
      yield* chunksAt(bytes, at)
      at = bytes.indexOf(MAGIC, at + 1)
    }
  }
}

/** The chunks of the block whose record may begin at `at`. */
async function* chunksAt(bytes: Buffer, at: number): AsyncGenerator<Chunk> {
  if (at + RECORD_HEADER_BYTES > bytes.length) return
  const next = bytes.indexOf(MAGIC, at + RECORD_HEADER_BYTES)
  for (const count of countsAt(bytes, at)) {
    const directory = bytes.subarray(at + RECORD_HEADER_BYTES, at + headBytes(count))
    const payload = bytes.subarray(at + headBytes(count), at + MAX_RECORD_BYTES)
    const storedBytes = bytes.readUInt32BE(at + 12)
    const ends = [storedBytes, ...(next < 0 ? [] : [next - at - headBytes(count)]), payload.length]
    let found = [...chunksIn(payload, directory)]
    for (const end of ends) {
      if (found.length > 0 || end < 0 || end > payload.length) continue
      const unpacked = await unpack(payload.subarray(0, end))
      if (unpacked !== undefined) found = [...chunksIn(unpacked, directory)]
    }
    yield* found
    if (found.length > 0) return
  }
}

/** How many chunks the directory may have: what the header says, and with what its lengths add up. */
function countsAt(bytes: Buffer, at: number): number[] {
  const counts = [bytes.readUInt32BE(at + 8)]
  const rawBytes = bytes.readUInt32BE(at + 16)
  let sum = 0
  for (let count = 1; count <= MAX_BLOCK_CHUNKS && at + headBytes(count) <= bytes.length; count++) {
    const length = bytes.readUInt32BE(at + headBytes(count) - 4)
    sum += length
    if (length > MAX_CHUNK_BYTES || sum > rawBytes) break
    if (sum === rawBytes && count !== counts[0]) counts.push(count)
  }
  return counts.filter(
    (count) => count > 0 && count <= MAX_BLOCK_CHUNKS && at + headBytes(count) <= bytes.length,
  )
}

/** The parts of a payload that are chunks: with the hash that the directory gives, or at least canonical. */
function* chunksIn(payload: Uint8Array, directory: Buffer): Generator<Chunk> {
  let offset = 0
  for (let at = 0; at < directory.length; at += DIRECTORY_ENTRY_BYTES) {
    const length = directory.readUInt32BE(at + REF_BYTES)
    if (length > MAX_CHUNK_BYTES || offset + length > payload.length) return
    const bytes = new Uint8Array(payload.subarray(offset, offset + length))
    const ref = Ref.of(bytes)
    offset += length
    if (directory.compare(ref.bytes, 0, REF_BYTES, at, at + REF_BYTES) === 0 || isCanonical(bytes))
      yield { ref, bytes }
  }
}

function isCanonical(bytes: Uint8Array): boolean {
  try {
    refsIn(bytes)
    return bytes.length > 0
  } catch (error) {
    if (error instanceof EncodingError) return false
    throw error
  }
}
