/**
 * The bytes of segment files. SPEC "Segment store". All numbers are big-endian.
 *
 * A segment is a header of 36 bytes and then records, end to end:
 *
 *     0   8  "nomsyseg"
 *     8   4  version of the format, 1
 *     12  4  the segment's number
 *     16  16 the store's id
 *     32  4  CRC-32 of bytes 0 to 31
 *
 * A record is a header of 32 bytes, a directory of 24 bytes a chunk (in blocks), and a payload:
 *
 *     0   4  "nmsr"
 *     4   1  type: 1 block, 2 head, 3 checkpoint, 4 mark
 *     5   1  codec of the payload: 0 none, 1 zstd (one frame that states its size; blocks only)
 *     6   2  zero
 *     8   4  chunks in the block; 0 in other records
 *     12  4  bytes of the payload as stored
 *     16  4  bytes of the payload decoded
 *     20  4  bytes of this segment that were known to be durable when the record was made
 *     24  4  CRC-32 of the payload as stored
 *     28  4  CRC-32 of: the store's id, the segment's number, the record's offset, bytes 0 to 27, the directory
 *     32     directory: for each chunk its ref (20) and its bytes in the decoded payload (4)
 *            payload
 *
 * The last CRC ties a record to its place: bytes of a segment that lie inside another one's chunks, or that
 * were copied from elsewhere, are no record there.
 */

import { crc32 } from 'node:zlib'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { MAX_CHUNK_BYTES } from '../chunk-store.js'

export const SEGMENT_HEADER_BYTES = 36
export const RECORD_HEADER_BYTES = 32
export const DIRECTORY_ENTRY_BYTES = REF_BYTES + 4

/** Where in a record's header the CRC of its head stands. */
export const HEAD_CRC_OFFSET = 28

/** Bytes of a store's id. */
export const STORE_ID_BYTES = 16

const SEGMENT_MAGIC = new TextEncoder().encode('nomsyseg')
const SEGMENT_VERSION = 1

/** "nmsr". */
const RECORD_MAGIC = 0x6e6d7372

/** Chunks in a block at most; the writer makes blocks far smaller. */
export const MAX_BLOCK_CHUNKS = 4096

/** Bytes of a block's payload at most: it is closed once it is full, and the last chunk may be the largest. */
export const MAX_BLOCK_BYTES = MAX_CHUNK_BYTES * 2

/** Codecs of payloads. */
export const CODEC_NONE = 0
export const CODEC_ZSTD = 1

export type RecordType = 'block' | 'head' | 'checkpoint' | 'mark'

const TYPE_CODES: Readonly<Record<RecordType, number>> = { block: 1, head: 2, checkpoint: 3, mark: 4 }
const TYPES = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as RecordType]))

/** Where a record stands: what its CRC is tied to. */
export interface RecordPlace {
  readonly storeId: Uint8Array
  readonly segment: number
  /** Bytes from the start of the segment. */
  readonly offset: number
}

export interface RecordHeader {
  readonly type: RecordType
  readonly codec: number
  readonly chunkCount: number
  readonly storedBytes: number
  readonly rawBytes: number
  readonly syncedBytes: number
  readonly payloadCrc: number
}

/** A chunk of a block: its ref and where it lies in the decoded payload. */
export interface DirectoryEntry {
  readonly ref: Ref
  readonly offset: number
  readonly length: number
}

export function encodeSegmentHeader(storeId: Uint8Array, segment: number): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(SEGMENT_MAGIC)
  view.setUint32(8, SEGMENT_VERSION)
  view.setUint32(12, segment)
  bytes.set(storeId, 16)
  view.setUint32(32, crc32(bytes.subarray(0, 32)))
  return bytes
}

/** Whether `bytes` are the header of this store's segment of that number. */
export function isSegmentHeader(bytes: Uint8Array, storeId: Uint8Array, segment: number): boolean {
  const expected = encodeSegmentHeader(storeId, segment)
  return bytes.length === expected.length && expected.every((byte, index) => byte === bytes[index])
}

/** A record's header and directory; the payload follows them. */
export function encodeRecordHead(
  place: RecordPlace,
  header: RecordHeader,
  directory: readonly DirectoryEntry[],
): Uint8Array {
  const bytes = new Uint8Array(headBytes(directory.length))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, RECORD_MAGIC)
  view.setUint8(4, TYPE_CODES[header.type])
  view.setUint8(5, header.codec)
  view.setUint32(8, directory.length)
  view.setUint32(12, header.storedBytes)
  view.setUint32(16, header.rawBytes)
  view.setUint32(20, header.syncedBytes)
  view.setUint32(24, header.payloadCrc)
  for (const [index, entry] of directory.entries()) {
    const at = RECORD_HEADER_BYTES + index * DIRECTORY_ENTRY_BYTES
    bytes.set(entry.ref.bytes, at)
    view.setUint32(at + REF_BYTES, entry.length)
  }
  view.setUint32(28, headCrc(place, bytes))
  return bytes
}

/** Bytes of the header and directory of a record with so many chunks. */
export function headBytes(chunkCount: number): number {
  return RECORD_HEADER_BYTES + chunkCount * DIRECTORY_ENTRY_BYTES
}

/** The header in `bytes`, within its limits but not yet verified; undefined where it cannot be one. */
export function decodeRecordHeader(bytes: Uint8Array): RecordHeader | undefined {
  if (bytes.length < RECORD_HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_HEADER_BYTES)
  const type = TYPES.get(view.getUint8(4))
  if (view.getUint32(0) !== RECORD_MAGIC || type === undefined || view.getUint16(6) !== 0) return undefined
  const header = {
    type,
    codec: view.getUint8(5),
    chunkCount: view.getUint32(8),
    storedBytes: view.getUint32(12),
    rawBytes: view.getUint32(16),
    syncedBytes: view.getUint32(20),
    payloadCrc: view.getUint32(24),
  }
  const { codec, chunkCount, storedBytes, rawBytes } = header
  const isPacked = type === 'block' && codec === CODEC_ZSTD
  const fits =
    (isPacked || (codec === CODEC_NONE && storedBytes === rawBytes)) &&
    (type === 'block'
      ? chunkCount <= MAX_BLOCK_CHUNKS && Math.max(storedBytes, rawBytes) <= MAX_BLOCK_BYTES
      : chunkCount === 0)
  return fits ? header : undefined
}

/**
 * The directory in `head`, a record's header and directory as read from `place`; undefined where its CRC does not
 * hold or its lengths do not add up: then the bytes are no record, or no longer.
 */
export function verifyRecordHead(
  place: RecordPlace,
  header: RecordHeader,
  head: Uint8Array,
): DirectoryEntry[] | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length !== headBytes(header.chunkCount) || view.getUint32(28) !== headCrc(place, head))
    return undefined
  const directory: DirectoryEntry[] = []
  let offset = 0
  for (let at = RECORD_HEADER_BYTES; at < head.length; at += DIRECTORY_ENTRY_BYTES) {
    const length = view.getUint32(at + REF_BYTES)
    directory.push({ ref: Ref.fromBytes(head.slice(at, at + REF_BYTES)), offset, length })
    offset += length
    if (length > MAX_CHUNK_BYTES) return undefined
  }
  return header.type === 'block' && offset !== header.rawBytes ? undefined : directory
}

/** CRC-32 of the concatenation of `buffers`. */
export function crcOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((crc, buffer) => crc32(buffer, crc), 0)
}

function headCrc(place: RecordPlace, head: Uint8Array): number {
  const where = new Uint8Array(8)
  const view = new DataView(where.buffer)
  view.setUint32(0, place.segment)
  view.setUint32(4, place.offset)
  return crcOf([place.storeId, where, head.subarray(0, HEAD_CRC_OFFSET), head.subarray(RECORD_HEADER_BYTES)])
}
