/** Reads chunks out of segments, verified, and says whether a block is whole. */

import { LRUCache } from 'lru-cache'
import { DamagedChunkError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import { readFully } from './file-system.js'
import type { ChunkPlace } from './place.js'
import type { SegmentFiles } from './segment-files.js'
import { SegmentScanner } from './segment-scanner.js'

/** Neighbouring chunks are read in one go if no more than this lies between them, up to so many bytes. */
const MAX_GAP_BYTES = 16 * 1024
const MAX_READ_BYTES = 1024 * 1024

/** Blocks of which it is remembered that they are whole. */
const REMEMBERED_BLOCKS = 65_536

/** A chunk to read. */
export interface Wanted {
  readonly ref: Ref
  readonly place: ChunkPlace
}

export class BlockReader {
  readonly #files: SegmentFiles
  readonly #storeId: Uint8Array
  readonly #whole = new LRUCache<string, Promise<ReadonlySet<string>>>({ max: REMEMBERED_BLOCKS })

  constructor(files: SegmentFiles, storeId: Uint8Array) {
    this.#files = files
    this.#storeId = storeId
  }

  /** The chunk's bytes; rejects with NOMSY_DAMAGED_CHUNK. */
  async read({ ref, place }: Wanted): Promise<Uint8Array> {
    const bytes = await this.#readAt(ref, place.segment, place.payload + place.offset, place.length)
    return this.#verified({ ref, place }, bytes)
  }

  /** Many chunks' bytes, in the order of `wanted`: neighbours in a segment are read together. */
  async readMany(wanted: readonly Wanted[]): Promise<Uint8Array[]> {
    const order = wanted
      .map((_, index) => index)
      .sort((a, b) => comparePlaces(wanted[a]!.place, wanted[b]!.place))
    const result = new Array<Uint8Array>(wanted.length)
    await Promise.all(
      runsOf(order, wanted).map(async (run) => {
        const first = wanted[run[0]!]!
        const last = wanted[run[run.length - 1]!]!
        const start = first.place.payload + first.place.offset
        const end = last.place.payload + last.place.offset + last.place.length
        const bytes = await this.#readAt(first.ref, first.place.segment, start, end - start)
        for (const index of run) {
          const { place } = wanted[index]!
          const from = place.payload + place.offset - start
          result[index] = this.#verified(wanted[index]!, bytes.subarray(from, from + place.length))
        }
      }),
    )
    return result
  }

  /** Whether the block of `place` is as it was written and holds the chunk: what a put relies on. */
  async isWhole({ ref, place }: Wanted): Promise<boolean> {
    const key = `${place.segment} ${place.record}`
    let refs = this.#whole.get(key)
    if (refs === undefined) {
      refs = this.#verifyBlock(place)
      this.#whole.set(key, refs)
    }
    return (await refs).has(ref.toString())
  }

  /** The chunks of a block; none where it is not whole. */
  async #verifyBlock(place: ChunkPlace): Promise<ReadonlySet<string>> {
    try {
      const file = await this.#files.get(place.segment)
      const blockBytes = place.payload + place.storedBytes - place.record
      const scanner = await SegmentScanner.open(file, this.#storeId, place.segment, blockBytes)
      const record = await scanner.record(place.record, true)
      return new Set(record?.isWhole ? record.directory.map(({ ref }) => ref.toString()) : [])
    } catch {
      // What cannot be read is not whole.
      return new Set()
    }
  }

  async #readAt(ref: Ref, segment: number, start: number, length: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(length)
      const file = await this.#files.get(segment)
      return bytes.subarray(0, await readFully(file, bytes, start))
    } catch (cause) {
      throw new DamagedChunkError(ref.toString(), `${this.#files.name(segment)} at byte ${start}`, { cause })
    }
  }

  #verified({ ref, place }: Wanted, bytes: Uint8Array): Uint8Array {
    if (bytes.length === place.length && Ref.of(bytes).equals(ref)) return bytes
    throw new DamagedChunkError(
      ref.toString(),
      `${this.#files.name(place.segment)} at byte ${place.payload + place.offset}`,
    )
  }
}

function comparePlaces(a: ChunkPlace, b: ChunkPlace): number {
  return a.segment - b.segment || a.payload + a.offset - (b.payload + b.offset)
}

/** Groups of indices, in the order of their places, that are worth one read each. */
function runsOf(order: readonly number[], wanted: readonly Wanted[]): number[][] {
  const runs: number[][] = []
  let start = 0
  let end = 0
  let segment = -1
  for (const index of order) {
    const { place } = wanted[index]!
    const from = place.payload + place.offset
    const to = from + place.length
    if (place.segment === segment && from - end <= MAX_GAP_BYTES && to - start <= MAX_READ_BYTES) {
      runs[runs.length - 1]!.push(index)
      end = Math.max(end, to)
    } else {
      runs.push([index])
      segment = place.segment
      start = from
      end = to
    }
  }
  return runs
}
