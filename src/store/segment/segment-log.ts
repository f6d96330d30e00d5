/**
 * The writing end of the log. Records are written one after the other in the order in which they were added,
 * several at a time; a barrier makes everything added before it durable with one fdatasync, shared by all who
 * wait for one. A full segment is made durable before the next one begins, which opens with a checkpoint.
 *
 * A write or sync that fails is final: the log takes nothing more, and nobody is told that anything is durable.
 * It is not tried again, since after a failed fsync the kernel may answer OK with the data gone.
 */

import { StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { withResolvers } from '../with-resolvers.js'
import { type File, type FileSystem, writeFully } from './file-system.js'
import { comparePositions, type LogPosition } from './place.js'
import {
  CODEC_NONE,
  crcOf,
  encodeRecordHead,
  encodeSegmentHeader,
  RECORD_HEADER_BYTES,
  type RecordType,
  SEGMENT_HEADER_BYTES,
} from './record.js'
import type { CollectionEnd, EndedSegment } from './segment-catalog.js'
import { segmentFile, segmentsDir } from './store-format.js'

/** A segment that has reached this is full. */
export const SEGMENT_BYTES = 512 * 1024 * 1024

/** Bytes written in one go at most, and bytes waiting to be written above which {@link SegmentLog.ready} waits. */
const WRITE_BYTES = 2 * 1024 * 1024
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Of a chunk in a block the log needs to know this much. */
export interface LoggedChunk {
  readonly ref: Ref
  readonly bytes: { readonly length: number }
}

/** A record to be written. Its buffers are kept until it is. */
export interface RecordDraft {
  readonly type: RecordType
  /** The chunks of a block, whose bytes in this order are the decoded payload. */
  readonly chunks: readonly LoggedChunk[]
  /** Bytes of the decoded payload. */
  readonly rawBytes: number
  /** The payload as it is to be stored; it may still be being packed. */
  readonly payload: Payload | Promise<Payload>
  /** Called once it is written (not yet durable), with where it stands. */
  readonly onWritten?: (written: WrittenRecord) => void
}

export interface Payload {
  readonly codec: number
  readonly pieces: readonly Uint8Array[]
  /** CRC-32 of the pieces, where it is known. */
  readonly crc?: number
}

export interface WrittenRecord {
  readonly segment: number
  readonly record: number
  readonly payload: number
  readonly storedBytes: number
  readonly codec: number
  /** Where the next record begins. */
  readonly end: LogPosition
}

/** The draft of a record without chunks, `payload` being its bytes. */
export function plainRecord(
  type: RecordType,
  payload: Uint8Array,
  onWritten?: RecordDraft['onWritten'],
): RecordDraft {
  const draft = {
    type,
    chunks: [],
    rawBytes: payload.length,
    payload: { codec: CODEC_NONE, pieces: [payload] },
  }
  return onWritten === undefined ? draft : { ...draft, onWritten }
}

export interface SegmentLogOptions {
  readonly fs: FileSystem
  /** The store's directory. */
  readonly path: string
  readonly storeId: Uint8Array
  readonly segmentBytes: number
  /** The last segment, open for writing, and where in it the log goes on; all before is durable. */
  readonly file: File
  readonly position: LogPosition
  /** The payload of a checkpoint: everything that the log says up to here, where the segment `ended` ends. */
  readonly checkpoint: (ended: EndedSegment, collection?: CollectionEnd) => Promise<Uint8Array>
  /** Told of each new segment's file, which the log does not close. */
  readonly onSegment: (segment: number, file: File) => Promise<void>
}

/** Stands among the records to be written where a new segment is to begin. */
interface NewSegment {
  readonly type: 'segment'
  readonly rawBytes: 0
  readonly collection: CollectionEnd | undefined
  readonly onBegun: (start: LogPosition) => void
}

export class SegmentLog {
  readonly #options: SegmentLogOptions
  #file: File
  #position: LogPosition
  #durable: LogPosition
  /** Copies of chunks in the segment that is being written; undefined where it was there before. */
  #chunkCount: number | undefined
  #failure: StoreError | undefined
  readonly #waiting: (RecordDraft | NewSegment)[] = []
  #waitingBytes = 0
  #pumping = false
  #syncing: Promise<void> | undefined
  /** Records added, written and durable since the log was opened: its clock. */
  #addedCount = 0
  #writtenCount = 0
  #durableCount = 0
  /** Resolved and replaced at every step, for those who wait for one. */
  #step = withResolvers<void>()

  constructor(options: SegmentLogOptions) {
    this.#options = options
    this.#file = options.file
    this.#position = options.position
    this.#durable = options.position
  }

  /** Why the log takes nothing more, if so. */
  get failure(): StoreError | undefined {
    return this.#failure
  }

  /** Everything before this has been written. */
  get position(): LogPosition {
    return this.#position
  }

  /** Everything before this is durable. */
  get durable(): LogPosition {
    return this.#durable
  }

  /** Whether anything was written since the log was opened. */
  get isDirty(): boolean {
    return this.#addedCount > 0
  }

  /** Adds a record to be written; {@link barrier} waits for it. */
  add(draft: RecordDraft): void {
    this.throwIfFailed()
    this.#waiting.push(draft)
    this.#waitingBytes += draft.rawBytes
    // Its failure is met when its turn comes.
    if (draft.payload instanceof Promise) draft.payload.catch(() => {})
    this.#addedCount++
    if (!this.#pumping) void this.#pump()
  }

  /**
   * Ends the segment that is being written and begins another; where its records begin. With all before it, it is
   * durable when this resolves.
   */
  async beginSegment(collection?: CollectionEnd): Promise<LogPosition> {
    this.throwIfFailed()
    let start: LogPosition | undefined
    const onBegun = (position: LogPosition): void => {
      start = position
    }
    this.#waiting.push({ type: 'segment', rawBytes: 0, collection, onBegun })
    this.#addedCount++
    if (!this.#pumping) void this.#pump()
    await this.barrier()
    return start!
  }

  /** Resolves when everything added before has been written. */
  async written(): Promise<void> {
    const count = this.#addedCount
    while (this.#writtenCount < count) await this.#nextStep()
  }

  /** Resolves when there is room for more. */
  async ready(): Promise<void> {
    while (this.#waitingBytes > MAX_WAITING_BYTES) await this.#nextStep()
    this.throwIfFailed()
  }

  /** Resolves when everything added before is durable. */
  async barrier(): Promise<void> {
    const count = this.#addedCount
    await this.written()
    while (this.#durableCount < count) await this.#synced()
    this.throwIfFailed()
  }

  /** Makes the log take nothing more, because of `cause`. */
  fail(cause: unknown): StoreError {
    this.#failure ??= new StoreError(
      'NOMSY_STORE_FAILED',
      `writing to ${this.#options.path} failed: ${reason(cause)}; nothing acknowledged is lost, reads still work; mend the cause and open the store again`,
      { cause },
    )
    this.#tick()
    return this.#failure
  }

  /** Writes what waits. It begins when whoever adds is done adding, so that a head goes with what it names. */
  async #pump(): Promise<void> {
    this.#pumping = true
    try {
      await undefined
      while (this.#waiting.length > 0 && this.#failure === undefined) {
        const [next] = this.#waiting
        if (next?.type === 'segment') {
          this.#waiting.shift()
          await this.#roll(next.collection)
          next.onBegun(this.#position)
          this.#durableCount = ++this.#writtenCount
          this.#tick()
          continue
        }
        if (this.#position.offset >= this.#options.segmentBytes) await this.#roll()
        await this.#write(this.#takeBatch())
      }
    } catch (error) {
      this.fail(error)
    }
    this.#pumping = false
  }

  #takeBatch(): RecordDraft[] {
    let bytes = 0
    let count = 0
    for (; bytes < WRITE_BYTES; count++) {
      const next = this.#waiting[count]
      if (next === undefined || next.type === 'segment') break
      bytes += next.rawBytes
    }
    return this.#waiting.splice(0, count) as RecordDraft[]
  }

  async #write(drafts: readonly RecordDraft[]): Promise<void> {
    const payloads = await Promise.all(drafts.map(({ payload }) => payload))
    const { segment, offset } = this.#position
    const buffers: Uint8Array[] = []
    const written: WrittenRecord[] = []
    let at = offset
    for (const [index, draft] of drafts.entries()) {
      const { codec, pieces } = payloads[index]!
      const head = this.#encodeHead(draft, payloads[index]!, segment, at)
      const storedBytes = byteCount(pieces)
      const payload = at + head.length
      const end = { segment, offset: payload + storedBytes }
      buffers.push(head, ...pieces)
      written.push({ segment, record: at, payload, storedBytes, codec, end })
      if (this.#chunkCount !== undefined) this.#chunkCount += draft.chunks.length
      at = end.offset
    }
    await writeFully(this.#file, buffers, offset)
    this.#position = { segment, offset: at }
    this.#waitingBytes -= drafts.reduce((sum, { rawBytes }) => sum + rawBytes, 0)
    this.#writtenCount += drafts.length
    for (const [index, draft] of drafts.entries()) draft.onWritten?.(written[index]!)
    this.#tick()
  }

  #encodeHead(
    draft: RecordDraft,
    { codec, pieces, crc }: Payload,
    segment: number,
    offset: number,
  ): Uint8Array {
    let at = 0
    const directory = draft.chunks.map(({ ref, bytes }) => {
      const entry = { ref, offset: at, length: bytes.length }
      at += bytes.length
      return entry
    })
    return encodeRecordHead(
      { storeId: this.#options.storeId, segment, offset },
      {
        type: draft.type,
        codec,
        chunkCount: directory.length,
        storedBytes: byteCount(pieces),
        rawBytes: draft.rawBytes,
        syncedBytes: this.#durable.segment === segment ? this.#durable.offset : 0,
        payloadCrc: crc ?? crcOf(pieces),
      },
      directory,
    )
  }

  /** Waits for the sync that is under way; where there is none, for one that covers all that is written. */
  #synced(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined
    })
    return this.#syncing
  }

  async #sync(): Promise<void> {
    const position = this.#position
    const count = this.#writtenCount
    try {
      await this.#file.sync()
    } catch (error) {
      throw this.fail(error)
    }
    this.throwIfFailed()
    this.#durableCount = Math.max(this.#durableCount, count)
    if (comparePositions(this.#durable, position) < 0) this.#durable = position
    this.#tick()
  }

  /** Ends the segment and begins the next one. */
  async #roll(collection?: CollectionEnd): Promise<void> {
    const { fs, path, storeId, checkpoint, onSegment } = this.#options
    while (comparePositions(this.#durable, this.#position) < 0) await this.#synced()
    const end = this.#position
    const segment = end.segment + 1
    const ended = { segment: end.segment, bytes: end.offset, chunks: this.#chunkCount }
    const bytes = newSegment(storeId, segment, await checkpoint(ended, collection))
    const file = await fs.create(segmentFile(path, segment))
    await onSegment(segment, file)
    await writeFully(file, [bytes], 0)
    await file.sync()
    await fs.syncDir(segmentsDir(path))
    this.#file = file
    this.#position = { segment, offset: bytes.length }
    this.#chunkCount = 0
    this.#durable = this.#position
    this.#tick()
  }

  /** Throws why the log takes nothing more, if so. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #nextStep(): Promise<void> {
    this.throwIfFailed()
    await this.#step.promise
    this.throwIfFailed()
  }

  #tick(): void {
    const { resolve } = this.#step
    this.#step = withResolvers<void>()
    resolve()
  }
}

/** The bytes of a segment that has nothing but its header and its checkpoint. */
export function newSegment(storeId: Uint8Array, segment: number, checkpoint: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + checkpoint.length)
  bytes.set(encodeSegmentHeader(storeId, segment))
  const header = {
    type: 'checkpoint' as const,
    codec: CODEC_NONE,
    chunkCount: 0,
    storedBytes: checkpoint.length,
    rawBytes: checkpoint.length,
    syncedBytes: 0,
    payloadCrc: crcOf([checkpoint]),
  }
  bytes.set(
    encodeRecordHead({ storeId, segment, offset: SEGMENT_HEADER_BYTES }, header, []),
    SEGMENT_HEADER_BYTES,
  )
  bytes.set(checkpoint, SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES)
  return bytes
}

function byteCount(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
