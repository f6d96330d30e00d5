/**
 * Makes a log whole again whose records are damaged: afterwards every place in it is a record. SPEC "Repair".
 *
 * A stretch that is no record becomes marks, which hold its bytes as their payload, so that all other records stay where
 * they are, and the index right. What is written over, 32 bytes for each mark, is copied aside before. A segment that is
 * missing or short gets zeros and marks. Whatever a crash leaves, doing it again goes on from there.
 */

import { decodeCheckpoint } from './checkpoint.js'
import { type DamagedFiles, MAX_PIECE_BYTES } from './damaged-files.js'
import { type File, type FileSystem, readFully, writeFully } from './file-system.js'
import type { Stretch } from './log-check.js'
import type { LogPosition } from './place.js'
import {
  CODEC_NONE,
  crcOf,
  encodeRecordHead,
  encodeSegmentHeader,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
} from './record.js'
import { SegmentScanner } from './segment-scanner.js'
import { listSegments, segmentFile, segmentsDir } from './store-format.js'

export interface MendOptions {
  readonly fs: FileSystem
  /** The store's directory. */
  readonly path: string
  readonly storeId: Uint8Array
  /** How far into the log the index reaches, where there is one. */
  readonly indexed: LogPosition | undefined
  readonly damaged: DamagedFiles
  /** Told of each thing that was mended, in words. */
  readonly onMended: (message: string) => void
}

export async function mendLog(given: MendOptions): Promise<void> {
  const { fs, path } = given
  const present = await listSegments(fs, path)
  const { sizes, collected, isGone } = await recordedSegments(given, present)
  // An index from before a collection knows segments that have gone.
  const isFromBefore = given.indexed !== undefined && given.indexed.segment < collected
  const indexed = isFromBefore ? undefined : given.indexed
  const options = { ...given, indexed }
  const numbers = new Set([...present.filter((segment) => !isGone(segment)), ...sizes.keys()])
  if (indexed !== undefined) {
    numbers.add(indexed.segment)
    sizes.set(indexed.segment, Math.max(indexed.offset, sizes.get(indexed.segment) ?? 0))
  }
  const segments = [...numbers].sort((a, b) => a - b)
  const last = segments[segments.length - 1]
  for (const segment of segments) {
    if (!present.includes(segment)) {
      await (await fs.create(segmentFile(path, segment))).close()
      await fs.syncDir(segmentsDir(path))
    }
    const file = await fs.open(segmentFile(path, segment), 'write')
    try {
      await new SegmentMender(options, segment, file).mend(sizes.get(segment) ?? 0, segment === last)
    } finally {
      await file.close()
    }
  }
}

interface RecordedSegments {
  /** Bytes of segments. */
  readonly sizes: Map<number, number>
  /** Number of the segment with which the last collection ended; 0 where there was none. */
  readonly collected: number
  /** Whether the segment, whose file is there, has been collected: opening removes it. */
  readonly isGone: (segment: number) => boolean
}

/** What the latest checkpoint that is whole says of segments. */
async function recordedSegments(
  { fs, path, storeId }: MendOptions,
  present: readonly number[],
): Promise<RecordedSegments> {
  for (const segment of present.toReversed()) {
    const file = await fs.open(segmentFile(path, segment), 'read')
    try {
      const scanner = await SegmentScanner.open(file, storeId, segment)
      const record = await scanner.record(SEGMENT_HEADER_BYTES, true)
      if (record?.header.type !== 'checkpoint' || !record.isWhole) continue
      const checkpoint = decodeCheckpoint(record.payload!.slice())
      if (checkpoint === undefined) continue
      const { segments, collected = 0 } = checkpoint
      return {
        sizes: new Map([...segments].map(([number, { bytes }]) => [number, bytes])),
        collected,
        isGone: (number) => collected > 0 && number < segment && !segments.has(number),
      }
    } finally {
      await file.close()
    }
  }
  return { sizes: new Map(), collected: 0, isGone: () => false }
}

class SegmentMender {
  readonly #options: MendOptions
  readonly #segment: number
  readonly #file: File

  constructor(options: MendOptions, segment: number, file: File) {
    this.#options = options
    this.#segment = segment
    this.#file = file
  }

  /** `length`: bytes that it is known to have had. The last segment may end in a torn tail, which opening cuts off. */
  async mend(length: number, isLast: boolean): Promise<void> {
    const { storeId } = this.#options
    const scanner = await SegmentScanner.open(this.#file, storeId, this.#segment)
    if (!(await scanner.hasHeader())) await this.#writeHeader(scanner.size)
    const durable = isLast
      ? Math.max(length, await scanner.syncedBytes(SEGMENT_HEADER_BYTES))
      : Number.POSITIVE_INFINITY
    let end = Math.max(length, scanner.size, SEGMENT_HEADER_BYTES)
    let at = SEGMENT_HEADER_BYTES
    while (at < end) {
      const record = await scanner.record(at, true)
      const isGood =
        record !== undefined && (record.isWhole || (record.header.type === 'block' && at < durable))
      if (isGood) {
        at = record.end
        continue
      }
      if (at >= durable) {
        await this.#options.damaged.keep(this.#file, { segment: this.#segment, start: at, end: scanner.size })
        return
      }
      const next = record?.end ?? (await scanner.nextRecord(at + 1))?.start ?? end
      const stop = this.#stopBefore(at, next)
      await this.#fill({ segment: this.#segment, start: at, end: stop }, scanner.size)
      at = Math.max(stop, at + RECORD_HEADER_BYTES)
      end = Math.max(end, at)
    }
    // The last block may have lost its end: its chunks are then damaged, and the file is as long as it was.
    await this.#extend(at)
  }

  /** Where the index ends there must be the end of a record. */
  #stopBefore(start: number, end: number): number {
    const { indexed } = this.#options
    if (indexed?.segment !== this.#segment) return end
    return start + RECORD_HEADER_BYTES <= indexed.offset && indexed.offset < end ? indexed.offset : end
  }

  async #writeHeader(size: number): Promise<void> {
    const { damaged, storeId, onMended } = this.#options
    const end = Math.min(size, SEGMENT_HEADER_BYTES)
    await damaged.keep(this.#file, { segment: this.#segment, start: 0, end })
    await writeFully(this.#file, [encodeSegmentHeader(storeId, this.#segment)], 0)
    await this.#file.sync()
    onMended(`${this.#where(0)}: wrote the header of the segment anew`)
  }

  /** Makes marks of a stretch, whatever of it there is in the file. */
  async #fill({ start, end }: Stretch, size: number): Promise<void> {
    const { damaged, onMended } = this.#options
    const there = { segment: this.#segment, start, end: Math.min(end, size) }
    const kept = await damaged.keep(this.#file, there)
    const to = Math.max(end, start + RECORD_HEADER_BYTES)
    await this.#extend(to)
    for (let at = start; at < to; ) {
      // None of them is left too short to be a record.
      const pieceEnd =
        to - at <= MAX_PIECE_BYTES ? to : Math.min(at + MAX_PIECE_BYTES, to - RECORD_HEADER_BYTES)
      await this.#writeMark(at, pieceEnd)
      at = pieceEnd
    }
    await this.#file.sync()
    const aside = kept === undefined ? '' : `; they are kept in ${kept}`
    onMended(`${this.#where(start)}: ${to - start} bytes were no record${aside}`)
  }

  async #writeMark(start: number, end: number): Promise<void> {
    const { storeId } = this.#options
    const payload = new Uint8Array(end - start - RECORD_HEADER_BYTES)
    await readFully(this.#file, payload, start + RECORD_HEADER_BYTES)
    const header = {
      type: 'mark' as const,
      codec: CODEC_NONE,
      chunkCount: 0,
      storedBytes: payload.length,
      rawBytes: payload.length,
      syncedBytes: 0,
      payloadCrc: crcOf([payload]),
    }
    const head = encodeRecordHead({ storeId, segment: this.#segment, offset: start }, header, [])
    await writeFully(this.#file, [head], start)
  }

  /** Makes the file as long as that at least, by zeros. */
  async #extend(to: number): Promise<void> {
    const size = await this.#file.size()
    if (size >= to) return
    for (let at = size; at < to; at += MAX_PIECE_BYTES) {
      await writeFully(this.#file, [new Uint8Array(Math.min(MAX_PIECE_BYTES, to - at))], at)
    }
    await this.#file.sync()
  }

  #where(offset: number): string {
    return `${segmentFile(this.#options.path, this.#segment)} at byte ${offset}`
  }
}
