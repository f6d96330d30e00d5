/**
 * Reads a segment's records one after the other, verifying each, and finds where they go on after damage.
 */

import { type File, readFully } from './file-system.js'
import {
  crcOf,
  type DirectoryEntry,
  decodeRecordHeader,
  headBytes,
  isSegmentHeader,
  MAX_BLOCK_CHUNKS,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
  verifyRecordHead,
} from './record.js'
import { RecordSearch } from './record-search.js'

/**
 * Bytes read at once: with payloads, and for heads alone. Those of packed blocks lie some 30 KiB apart, and a read of
 * several in one go costs less than one of each.
 */
const PAYLOAD_WINDOW_BYTES = 1024 * 1024
const HEAD_WINDOW_BYTES = 256 * 1024

/** A record whose header and directory are as they were written. */
export interface ScannedRecord {
  readonly header: RecordHeader
  readonly directory: readonly DirectoryEntry[]
  /** Offsets of the record, its payload and the next record. */
  readonly start: number
  readonly payloadStart: number
  readonly end: number
  /** The payload as stored; undefined where it was not read, or not all of it is there. */
  readonly payload: Uint8Array | undefined
  /** Whether the payload was read and is as it was written. */
  readonly isWhole: boolean
}

export class SegmentScanner {
  readonly #file: File
  readonly #storeId: Uint8Array
  readonly segment: number
  readonly size: number
  readonly #payloadWindowBytes: number
  #window: Uint8Array = new Uint8Array(0)
  #windowStart = 0

  private constructor(
    file: File,
    storeId: Uint8Array,
    segment: number,
    size: number,
    payloadWindowBytes: number,
  ) {
    this.#file = file
    this.#storeId = storeId
    this.segment = segment
    this.size = size
    this.#payloadWindowBytes = payloadWindowBytes
  }

  /** `payloadWindowBytes`: what is read at once where payloads are asked for. */
  static async open(
    file: File,
    storeId: Uint8Array,
    segment: number,
    payloadWindowBytes = PAYLOAD_WINDOW_BYTES,
  ): Promise<SegmentScanner> {
    return new SegmentScanner(file, storeId, segment, await file.size(), payloadWindowBytes)
  }

  /** Whether the segment's own header is as it was written. */
  async hasHeader(): Promise<boolean> {
    return isSegmentHeader(
      await this.#bytes(0, SEGMENT_HEADER_BYTES, HEAD_WINDOW_BYTES),
      this.#storeId,
      this.segment,
    )
  }

  /**
   * The record at `start`; undefined where there is none that verifies, or none that ends before `limit`. Payloads are
   * read where asked for.
   */
  async record(start: number, withPayload: boolean, limit = this.size): Promise<ScannedRecord | undefined> {
    if (start + RECORD_HEADER_BYTES > limit) return undefined
    const windowBytes = withPayload ? this.#payloadWindowBytes : HEAD_WINDOW_BYTES
    const header = decodeRecordHeader(await this.#bytes(start, RECORD_HEADER_BYTES, windowBytes))
    if (header === undefined) return undefined
    const payloadStart = start + headBytes(header.chunkCount)
    const end = payloadStart + header.storedBytes
    // Past the limit nothing is read; past the file's end what there is of a record is still looked at.
    if (limit < this.size && end > limit) return undefined
    const head = await this.#bytes(start, headBytes(header.chunkCount), windowBytes)
    const directory = verifyRecordHead(
      { storeId: this.#storeId, segment: this.segment, offset: start },
      header,
      head,
    )
    if (directory === undefined) return undefined
    const payload = withPayload ? await this.#bytes(payloadStart, header.storedBytes, windowBytes) : undefined
    const isWhole = payload?.length === header.storedBytes && crcOf([payload]) === header.payloadCrc
    return { header, directory, start, payloadStart, end, payload, isWhole }
  }

  /** The first record that verifies at `from` or later; undefined where there is none. */
  async nextRecord(from: number): Promise<ScannedRecord | undefined> {
    for (let at = from; at < this.size; at += PAYLOAD_WINDOW_BYTES) {
      // Longer than the step by the longest head, so that each that begins within the step is there in full.
      const length = PAYLOAD_WINDOW_BYTES + headBytes(MAX_BLOCK_CHUNKS)
      const bytes = new Uint8Array(Math.min(length, this.size - at))
      const read = await readFully(this.#file, bytes, at)
      const search = new RecordSearch(this.#storeId, this.segment, bytes.subarray(0, read), at)
      const end = at + PAYLOAD_WINDOW_BYTES
      for (let found = search.next(at); found !== undefined && found < end; found = search.next(found + 1)) {
        const record = await this.record(found, false)
        if (record !== undefined) return record
      }
    }
    return undefined
  }

  /** How far the segment is known to have been durable, by what the records at `from` and later say. */
  async syncedBytes(from: number): Promise<number> {
    let synced = 0
    for (let at = from; at < this.size; ) {
      const record = (await this.record(at, false)) ?? (await this.nextRecord(at))
      if (record === undefined) break
      synced = Math.max(synced, record.header.syncedBytes)
      at = record.end
    }
    return synced
  }

  /** Up to `length` bytes at `start`, fewer at the file's end; a view that the next call may invalidate. */
  async #bytes(start: number, length: number, windowBytes: number): Promise<Uint8Array> {
    const end = Math.min(start + length, this.size)
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) {
      // A sector that the disk cannot read keeps nobody from what lies before it.
      this.#window = await this.#read(start, Math.max(length, windowBytes)).catch((error: unknown) => {
        if (length >= windowBytes) throw error
        return this.#read(start, length)
      })
      this.#windowStart = start
    }
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart)
  }

  async #read(start: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - start)))
    return bytes.subarray(0, await readFully(this.#file, bytes, start))
  }
}
