/**
 * What is known of the segments before the last one: what their lengths are, how many chunks count in each, and which
 * are gone. It is what checkpoints say of them.
 */

import type { Ref } from '../../hash/ref.js'
import type { RefList } from '../../hash/ref-list.js'
import { type Checkpoint, encodeCheckpoint, type SegmentSize } from './checkpoint.js'
import { SEGMENT_HEADER_BYTES } from './record.js'
import type { SegmentFiles } from './segment-files.js'
import { SegmentScanner } from './segment-scanner.js'

/** A segment that ends. */
export interface EndedSegment {
  readonly segment: number
  readonly bytes: number
  /** Copies of chunks in it; undefined where not all of it was written by this process. */
  readonly chunks: number | undefined
}

/** What a collection has decided on, when it ends with a new segment. */
export interface CollectionEnd {
  /** Segments that no longer belong to the log. */
  readonly segments: readonly number[]
  /** Chunks whose copies no longer count in segments that stay, and how many chunks still do. */
  readonly dropped: ReadonlyMap<number, RefList>
  readonly chunks: ReadonlyMap<number, number>
}

export class SegmentCatalog {
  readonly #files: SegmentFiles
  readonly #storeId: Uint8Array
  readonly #sizes: Map<number, SegmentSize>
  #collected: number | undefined
  /** Segments that have been collected, and whose files may still be there. */
  readonly #gone: Set<number>
  #sweeps = 0

  /** `checkpoint`: that of the last segment; `gone`: segments that are there and no longer of the log. */
  constructor(files: SegmentFiles, storeId: Uint8Array, checkpoint: Checkpoint, gone: readonly number[]) {
    this.#files = files
    this.#storeId = storeId
    this.#sizes = new Map(checkpoint.segments)
    this.#collected = checkpoint.collected
    this.#gone = new Set(gone)
  }

  /** The segments before the last one, by their numbers. */
  get sizes(): ReadonlyMap<number, SegmentSize> {
    return this.#sizes
  }

  /** Bytes of those. */
  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.#sizes.values()) sum += bytes
    return sum
  }

  /** Number of the segment whose checkpoint ended the last collection; 0 where there was none. */
  get collected(): number {
    return this.#collected ?? 0
  }

  /** Whether the segment has been collected. */
  isGone(segment: number): boolean {
    return this.#gone.has(segment)
  }

  /** Rises when a sweep begins and when it ends: what was read of log and index in between may not fit together. */
  get sweeps(): number {
    return this.#sweeps
  }

  swept(): void {
    this.#sweeps++
  }

  /**
   * The payload of the checkpoint after the segment that ends; `listed` are the segments that there are, `heads` those
   * of the log up to here. Segments that a collection ends with no longer count from then on.
   */
  async checkpointAfter(
    ended: EndedSegment,
    listed: readonly number[],
    heads: ReadonlyMap<string, Ref>,
    collection: CollectionEnd | undefined,
  ): Promise<Uint8Array> {
    for (const segment of listed) {
      // What a checkpoint says of a segment stays, whatever became of the file.
      if (this.#sizes.has(segment) || this.#gone.has(segment) || segment > ended.segment) continue
      this.#sizes.set(segment, await this.#sizeOf(segment, ended))
    }
    if (collection !== undefined) {
      for (const segment of collection.segments) {
        this.#sizes.delete(segment)
        this.#gone.add(segment)
      }
      for (const [segment, chunks] of collection.chunks)
        this.#sizes.set(segment, { bytes: this.#sizes.get(segment)!.bytes, chunks })
      this.#collected = ended.segment + 1
    }
    const dropped = collection?.dropped ?? new Map()
    return encodeCheckpoint({ heads, segments: this.#sizes, collected: this.#collected, dropped })
  }

  async #sizeOf(segment: number, ended: EndedSegment): Promise<SegmentSize> {
    if (segment === ended.segment && ended.chunks !== undefined)
      return { bytes: ended.bytes, chunks: ended.chunks }
    const file = await this.#files.get(segment)
    const scanner = await SegmentScanner.open(file, this.#storeId, segment)
    let chunks = 0
    for (let at = SEGMENT_HEADER_BYTES; at < scanner.size; ) {
      const record = (await scanner.record(at, false)) ?? (await scanner.nextRecord(at + 1))
      if (record === undefined) break
      chunks += record.header.chunkCount
      at = record.end
    }
    return { bytes: scanner.size, chunks }
  }
}
