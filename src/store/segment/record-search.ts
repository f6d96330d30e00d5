/**
 * Finds where records may begin in a stretch of a segment: looks for "nmsr" byte by byte. Bytes that are made to look
 * like headers, each with a long directory, cost little more than others: no directory is gone through twice.
 */

import { CrcRanges, crcState } from './crc-ranges.js'
import { decodeRecordHeader, HEAD_CRC_OFFSET, headBytes, RECORD_HEADER_BYTES } from './record.js'

const MAGIC = Buffer.from('nmsr')

export class RecordSearch {
  /** The CRC of what comes before the offset, in that of every record's head. */
  readonly #placeCrc: number
  readonly #bytes: Buffer
  /** Where in the segment the bytes begin. */
  readonly #start: number
  #ranges: CrcRanges | undefined

  /** `bytes` are those of a segment from `start` on. */
  constructor(storeId: Uint8Array, segment: number, bytes: Uint8Array, start: number) {
    this.#placeCrc = crcState([storeId, uint32(segment)])
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#start = start
  }

  /** The first offset in the segment, `from` or later, where there is a header and directory whose CRC holds. */
  next(from: number): number | undefined {
    for (let at = from - this.#start; ; at++) {
      at = this.#bytes.indexOf(MAGIC, at)
      if (at < 0) return undefined
      if (this.#holdsAt(at)) return this.#start + at
    }
  }

  #holdsAt(at: number): boolean {
    const header = this.#bytes.subarray(at, at + RECORD_HEADER_BYTES)
    const count = decodeRecordHeader(header)?.chunkCount
    if (count === undefined || at + headBytes(count) > this.#bytes.length) return false
    this.#ranges ??= new CrcRanges(this.#bytes)
    const state = crcState([uint32(this.#start + at), header.subarray(0, HEAD_CRC_OFFSET)], this.#placeCrc)
    const directory = at + RECORD_HEADER_BYTES
    return this.#ranges.withDirectory(state, directory, count) === header.readUInt32BE(HEAD_CRC_OFFSET)
  }
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
