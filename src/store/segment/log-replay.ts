/**
 * Brings an index up to the end of the log, and finds that end. SPEC "Recovery".
 *
 * Bytes that do not verify are one of two things. Past the last place known to be durable they are a torn tail,
 * what a crash left of writes that nobody was told had succeeded: it is cut off. Before it they are damage, which
 * is reported and never cut. A place is known to be durable by the index, by what later records say, and, in every
 * segment but the last, because the next one is only begun after it.
 */

import { decode } from '../../encoding/decode.js'
import { DamagedStoreError, EncodingError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { RefList } from '../../hash/ref-list.js'
import type { Finding } from '../chunk-store.js'
import { type Checkpoint, decodeCheckpoint } from './checkpoint.js'
import type { ChunkIndex } from './chunk-index.js'
import type { File } from './file-system.js'
import { type ChunkPlace, comparePositions, type LogPosition } from './place.js'
import { SEGMENT_HEADER_BYTES } from './record.js'
import type { SegmentFiles } from './segment-files.js'
import { type ScannedRecord, SegmentScanner } from './segment-scanner.js'

/** Chunks that gather before the index is written. */
const BATCH_CHUNKS = 16_384

export interface ReplayOptions {
  readonly files: SegmentFiles
  readonly storeId: Uint8Array
  /** Numbers of the segments, rising; at least one. */
  readonly segments: readonly number[]
  readonly index: ChunkIndex
  /**
   * Where the caller only reads: damage is passed over and handed to this, and what follows it is used. Else the
   * first damage that hides part of the log rejects with NOMSY_DAMAGED_STORE.
   */
  readonly onDamage?: (finding: Finding) => void
  /** The last segment, open for writing: its torn tail is cut off and the rest made durable. */
  readonly file?: File
  /** The last segment's checkpoint. */
  readonly checkpoint: Checkpoint
}

/** Heads by name; undefined where one was removed. */
type Heads = Map<string, Ref | undefined>

/** Where the log ends, the index being up to date with it. */
export async function replayLog(options: ReplayOptions): Promise<LogPosition> {
  const { file, segments } = options
  const from = await startOf(options)
  const batch = new Batch(options)
  let end = from
  for (const segment of segments) {
    if (segment < from.segment) continue
    const start = segment === from.segment ? from.offset : SEGMENT_HEADER_BYTES
    end = { segment, offset: await replaySegment(options, segment, start, batch) }
  }
  const isTorn = file !== undefined && (await file.size()) > end.offset
  if (isTorn) await file.truncate(end.offset)
  if (isTorn || comparePositions(from, end) < 0) await batch.write(end)
  return end
}

/** Where the index leaves off; the log's beginning where the index does not fit the log. */
async function startOf({ index, storeId, segments, files, checkpoint }: ReplayOptions): Promise<LogPosition> {
  const position = await index.position(storeId)
  // From before a collection it may know chunks that are gone.
  if (position === undefined || position.segment < (checkpoint.collected ?? 0)) {
    await index.clear()
    return { segment: segments[0]!, offset: SEGMENT_HEADER_BYTES }
  }
  if (!segments.includes(position.segment)) {
    throw new DamagedStoreError(files.name(position.segment), 0, 'the segment is missing')
  }
  const size = await (await files.get(position.segment)).size()
  if (size < position.offset) {
    throw new DamagedStoreError(
      files.name(position.segment),
      size,
      `${position.offset - size} bytes are missing at its end`,
    )
  }
  return position
}

/** Adds the records of one segment from `start` on to the batch; where they end. */
async function replaySegment(
  options: ReplayOptions,
  segment: number,
  start: number,
  batch: Batch,
): Promise<number> {
  const { files, storeId, segments } = options
  const scanner = await SegmentScanner.open(await files.get(segment), storeId, segment)
  const isLast = segment === segments[segments.length - 1]
  if (start === SEGMENT_HEADER_BYTES && !(await scanner.hasHeader())) {
    report(options, segment, 0, 'this is not the header of the segment')
  }
  const missing = (options.checkpoint.segments.get(segment)?.bytes ?? 0) - scanner.size
  if (missing > 0) report(options, segment, scanner.size, `${missing} bytes are missing at its end`)
  const durable = isLast ? await scanner.syncedBytes(start) : Number.POSITIVE_INFINITY
  let at = start
  while (at < scanner.size) {
    // What was durable is there or damaged, which a block's first reader will see; of the rest all has to be looked at.
    const isDurable = at < durable
    const record = await scanner.record(at, !isDurable)
    if (record === undefined) {
      if (!isDurable) return at
      const next = await scanner.nextRecord(at + 1)
      report(
        options,
        segment,
        at,
        `no record where one was written${next ? `; the next one is at ${next.start}` : ''}`,
      )
      if (next === undefined) return scanner.size
      at = next.start
      continue
    }
    if (!isDurable && !record.isWhole) return at
    await replayRecord(options, scanner, record, batch)
    at = record.end
  }
  return at
}

async function replayRecord(
  options: ReplayOptions,
  scanner: SegmentScanner,
  record: ScannedRecord,
  batch: Batch,
): Promise<void> {
  const { segment } = scanner
  const end = { segment, offset: record.end }
  if (record.header.type === 'block') {
    batch.addBlock(segment, record)
  } else if (record.header.type !== 'mark') {
    const read = record.payload === undefined ? await scanner.record(record.start, true) : record
    const payload = read?.isWhole ? read.payload!.slice() : undefined
    const isUnderstood =
      payload !== undefined &&
      (record.header.type === 'checkpoint'
        ? await replayCheckpoint(payload, { segment, offset: record.start }, batch)
        : batch.addHead(payload))
    if (!isUnderstood) report(options, segment, record.start, 'the record of a head is not as it was written')
  }
  await batch.passed(end)
}

function report(options: ReplayOptions, segment: number, offset: number, why: string): void {
  const error = new DamagedStoreError(options.files.name(segment), offset, why)
  if (options.onDamage === undefined) throw error
  options.onDamage({ message: error.message, refs: [] })
}

/** `start`: where the checkpoint's record begins. False where the payload is none. */
async function replayCheckpoint(payload: Uint8Array, start: LogPosition, batch: Batch): Promise<boolean> {
  const checkpoint = decodeCheckpoint(payload)
  if (checkpoint === undefined) return false
  await batch.replaceHeads(checkpoint.heads)
  await batch.drop(checkpoint.dropped, start)
  return true
}

/** Gathers what the index is to be told, in stretches of the log. */
class Batch {
  readonly #options: ReplayOptions
  #removed: Ref[] = []
  #chunks: [Ref, ChunkPlace][] = []
  #heads: Heads = new Map()

  constructor(options: ReplayOptions) {
    this.#options = options
  }

  addBlock(segment: number, record: ScannedRecord): void {
    const { start, payloadStart, header } = record
    const block = {
      segment,
      record: start,
      payload: payloadStart,
      storedBytes: header.storedBytes,
      codec: header.codec,
    }
    for (const { ref, offset, length } of record.directory)
      this.#chunks.push([ref, { ...block, offset, length }])
  }

  /** Adds a head by its record's payload, [name, ref or null]; false where it is none. */
  addHead(payload: Uint8Array): boolean {
    try {
      const [name, ref] = decode(payload) as [string, Ref | null]
      this.#heads.set(name, ref ?? undefined)
      return true
    } catch (error) {
      if (error instanceof EncodingError) return false
      throw error
    }
  }

  /** What a checkpoint does not name is no head any more. */
  async replaceHeads(heads: ReadonlyMap<string, Ref>): Promise<void> {
    this.#heads = new Map()
    for await (const { name } of this.#options.index.heads('')) this.#heads.set(name, undefined)
    for (const [name, ref] of heads) this.#heads.set(name, ref)
  }

  /** Chunks that a checkpoint says are dropped are absent, unless they lie elsewhere too. All before it is added. */
  async drop(dropped: ReadonlyMap<number, RefList>, position: LogPosition): Promise<void> {
    if (dropped.size === 0) return
    await this.write(position)
    const { index } = this.#options
    for (const [segment, list] of dropped) {
      const refs = [...list]
      const places = await index.getMany(refs)
      for (const [slot, ref] of refs.entries()) if (places[slot]?.segment === segment) this.#removed.push(ref)
    }
  }

  /** Writes the batch if it is full: the index then reaches to `end`. */
  async passed(end: LogPosition): Promise<void> {
    if (this.#chunks.length >= BATCH_CHUNKS) await this.write(end)
  }

  async write(position: LogPosition): Promise<void> {
    const { file, index, storeId } = this.#options
    // What a crash left unsynced can be read and is not durable; the index must not run ahead of it.
    await file?.sync()
    await index.write({
      storeId,
      removed: this.#removed,
      chunks: this.#chunks,
      heads: this.#heads,
      position,
    })
    this.#removed = []
    this.#chunks = []
    this.#heads = new Map()
  }
}
