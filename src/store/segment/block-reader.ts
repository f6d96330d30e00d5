/** Reads chunks out of segments, verified, and says whether a block is whole. */

import { LRUCache } from 'lru-cache'
import { DamagedChunkError, StoreError } from '../../errors.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
import { type StoredPart, type StoredRun, type VerifiedParts, verifyUnits } from '../../parallel/jobs.js'
import { runJob } from '../../parallel/pool.js'
import { unpack } from '../../parallel/zstd.js'
import { MAX_CHUNK_BYTES, type StoredChunks } from '../chunk-store.js'
import { readFully } from './file-system.js'
import type { ChunkPlace } from './place.js'
import { CODEC_NONE } from './record.js'
import type { SegmentFiles } from './segment-files.js'
import { SegmentScanner } from './segment-scanner.js'
import { hasCode } from './store-format.js'

/** Neighbours are read in one go if no more than this lies between them, up to so many bytes. */
const MAX_GAP_BYTES = 16 * 1024
const MAX_READ_BYTES = 1024 * 1024

/** Bytes of chunks that are worth another thread, and that one job reads where there are more. */
const PARALLEL_BYTES = 64 * 1024
const JOB_BYTES = 512 * 1024

/** Bytes looked at when it is asked whether a block is whole, and chunks of which that is remembered. */
const VERIFIED_BYTES = 1024 * 1024
const REMEMBERED_CHUNKS = 65_536

/** Unpacked blocks that are kept, of 32 KiB and more. */
const KEPT_BLOCKS = 64

/** The system's errors that mean that bytes are gone; others are about this process. */
const LOST = ['EIO', 'ENOENT']

/** A chunk to read. */
export interface Wanted {
  readonly ref: Ref
  readonly place: ChunkPlace
}

/** Neighbours on disk that are read together: chunks by their slots, or those of one packed block. */
interface Unit {
  readonly segment: number
  readonly start: number
  readonly end: number
  readonly isPacked: boolean
  readonly slots: number[]
}

/** A run whose file may have no descriptor. */
type Run = Omit<StoredRun, 'fd'> & { readonly fd: number | undefined }

export class BlockReader {
  readonly #files: SegmentFiles
  readonly #storeId: Uint8Array
  /** The block of each chunk that lies in one found whole. (Given a `max`, a cache takes 8 ms to make room for it all.) */
  readonly #whole = new LRUCache<string, string>({
    maxSize: REMEMBERED_CHUNKS,
    sizeCalculation: () => 1,
  })
  /** Unpacked blocks by place, for reads of one chunk at a time; their chunks are verified one by one. */
  readonly #unpacked = new LRUCache<string, Promise<Uint8Array | undefined>>({ max: KEPT_BLOCKS })

  constructor(files: SegmentFiles, storeId: Uint8Array) {
    this.#files = files
    this.#storeId = storeId
  }

  /** The chunk's bytes; rejects with NOMSY_DAMAGED_CHUNK. */
  async read(wanted: Wanted): Promise<Uint8Array> {
    this.#checkPlace(wanted)
    const { ref, place } = wanted
    const bytes =
      place.codec === CODEC_NONE
        ? await this.#readAt(wanted, place.payload + place.offset, place.length)
        : await this.#readPacked(wanted)
    if (bytes.length === place.length && Ref.of(bytes).equals(ref)) return bytes
    throw this.#damaged(wanted)
  }

  /** Many chunks' bytes, in the order of `wanted`: neighbours in a segment are read and verified together. */
  async readMany(wanted: readonly Wanted[]): Promise<Uint8Array[]> {
    if (wanted.length === 1) return [await this.read(wanted[0]!)]
    const parts = await this.#readParts(wanted)
    return parts.map((bytes, slot) => {
      if (bytes === undefined) throw this.#damaged(wanted[slot]!)
      return bytes
    })
  }

  /** Where the chunks lie, for who reads and verifies them elsewhere; undefined where files have no descriptors. */
  async locate(wanted: readonly Wanted[]): Promise<StoredChunks | undefined> {
    for (const each of wanted) this.#checkPlace(each)
    const found = runsOf(unitsOf(wanted))
    const runs = await Promise.all(found.map((units) => this.#storedRun(units, wanted)))
    if (!runs.every(hasDescriptor)) return undefined
    return { runs, slots: found.flatMap((units) => units.flatMap(({ slots }) => slots)) }
  }

  /**
   * Whether the chunk lies at `place` in a block that is as it was written: what a put relies on. The blocks after it
   * are looked at too, since data that is put again comes in the order in which it came before.
   */
  async isWhole({ ref, place }: Wanted): Promise<boolean> {
    const isKnown = (): boolean => this.#whole.get(ref.toString()) === blockKey(place)
    if (isKnown()) return true
    try {
      const file = await this.#files.get(place.segment)
      const blockBytes = place.payload + place.storedBytes - place.record
      const windowBytes = Math.max(blockBytes, VERIFIED_BYTES)
      const scanner = await SegmentScanner.open(file, this.#storeId, place.segment, windowBytes)
      const end = place.record + windowBytes
      let record = await scanner.record(place.record, true)
      while (record?.isWhole && record.end <= end) {
        const key = blockKey({ segment: place.segment, record: record.start })
        for (const entry of record.directory) this.#whole.set(entry.ref.toString(), key)
        record = record.end < end ? await scanner.record(record.end, true, end) : undefined
      }
    } catch {
      // What cannot be read is not whole.
    }
    return isKnown()
  }

  /** The chunks' bytes, in the order of `wanted`; undefined for those that are damaged. */
  async #readParts(wanted: readonly Wanted[]): Promise<(Uint8Array | undefined)[]> {
    for (const each of wanted) this.#checkPlace(each)
    const results = new Array<Uint8Array | undefined>(wanted.length)
    await Promise.all(
      jobsOf(runsOf(unitsOf(wanted)), wanted).map(async (runs) => {
        const slots = runs.flat().flatMap(({ slots }) => slots)
        const parts = await this.#readRuns(runs, slots, wanted)
        for (const [index, slot] of slots.entries()) results[slot] = parts[index]
      }),
    )
    return results
  }

  /** The parts of all units of `runs`, in order; `slots` are theirs. */
  async #readRuns(
    runs: readonly (readonly Unit[])[],
    slots: readonly number[],
    wanted: readonly Wanted[],
  ): Promise<VerifiedParts> {
    const refs = RefList.of(slots.map((slot) => wanted[slot]!.ref)).bytes
    const stored = await Promise.all(runs.map((units) => this.#storedRun(units, wanted)))
    const byteCount = slots.reduce((sum, slot) => sum + wanted[slot]!.place.length, 0)
    if (byteCount >= PARALLEL_BYTES && stored.every(hasDescriptor)) {
      try {
        // The refs are given away, and may yet be needed here.
        return await runJob('readUnits', byteCount, stored, refs.slice())
      } catch {
        // What cannot be read is told by who reads it here, by its place.
      }
    }
    const parts: (Uint8Array | undefined)[] = []
    for (const [index, { start, end, units }] of stored.entries()) {
      const bytes = await this.#readAt(wanted[runs[index]![0]!.slots[0]!]!, start, end - start)
      for (const part of await verifyUnits(bytes, units, refs.subarray(parts.length * REF_BYTES)))
        parts.push(part)
    }
    return parts
  }

  /** Units that lie next to each other, as a job takes them. */
  async #storedRun(units: readonly Unit[], wanted: readonly Wanted[]): Promise<Run> {
    const { segment, start } = units[0]!
    const { end } = units[units.length - 1]!
    const { fd } = await this.#files.get(segment)
    const shifted = units.map((unit) => ({
      start: unit.start - start,
      end: unit.end - start,
      isPacked: unit.isPacked,
      parts: unit.slots.map((slot) => partOf(unit, wanted[slot]!)),
    }))
    return { fd, start, end, units: shifted }
  }

  /** A copy of the chunk in its packed block, which would else be kept as long as the chunk is. */
  async #readPacked(wanted: Wanted): Promise<Uint8Array> {
    const { place } = wanted
    const key = blockKey(place)
    let block = this.#unpacked.get(key)
    if (block === undefined) {
      block = this.#readAt(wanted, place.payload, place.storedBytes).then(unpack)
      this.#unpacked.set(key, block)
      // What could not be read or unpacked may be, the next time.
      const forget = (): void => {
        this.#unpacked.delete(key)
      }
      block.then((bytes) => bytes ?? forget(), forget)
    }
    const bytes = await block.catch((cause: unknown) => {
      // The read may have been begun for another chunk of the block.
      throw cause instanceof DamagedChunkError ? this.#damaged(wanted, cause) : cause
    })
    return new Uint8Array(bytes?.subarray(place.offset, place.offset + place.length) ?? [])
  }

  async #readAt(wanted: Wanted, start: number, length: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
      const file = await this.#files.get(wanted.place.segment)
      return bytes.subarray(0, await readFully(file, bytes, start))
    } catch (cause) {
      if (LOST.some((code) => hasCode(cause, code))) throw this.#damaged(wanted, cause)
      const name = this.#files.name(wanted.place.segment)
      throw new StoreError('NOMSY_STORE_FAILED', `${name} cannot be read: ${(cause as Error).message}`, {
        cause,
      })
    }
  }

  /** The index may be damaged too: nothing is allocated for a place that no block can have. */
  #checkPlace(wanted: Wanted): void {
    const { length, storedBytes } = wanted.place
    if (length > MAX_CHUNK_BYTES || storedBytes > 2 * MAX_CHUNK_BYTES) throw this.#damaged(wanted)
  }

  #damaged({ ref, place }: Wanted, cause?: unknown): DamagedChunkError {
    this.#whole.delete(ref.toString())
    const where = `${this.#files.name(place.segment)} at byte ${place.payload + (place.codec === CODEC_NONE ? place.offset : 0)}`
    return new DamagedChunkError(ref.toString(), where, { cause })
  }
}

function blockKey({ segment, record }: Pick<ChunkPlace, 'segment' | 'record'>): string {
  return `${segment} ${record}`
}

/** What is to be read, in the order in which it lies: each chunk by itself, of packed blocks the whole block. */
function unitsOf(wanted: readonly Wanted[]): Unit[] {
  const slots = wanted.map((_, slot) => slot)
  slots.sort((a, b) => comparePlaces(wanted[a]!.place, wanted[b]!.place))
  const units: Unit[] = []
  for (const slot of slots) {
    const { segment, payload, storedBytes, codec, offset, length } = wanted[slot]!.place
    const isPacked = codec !== CODEC_NONE
    const start = isPacked ? payload : payload + offset
    const last = units[units.length - 1]
    if (isPacked && last?.isPacked && last.segment === segment && last.start === start) last.slots.push(slot)
    else
      units.push({ segment, start, end: start + (isPacked ? storedBytes : length), isPacked, slots: [slot] })
  }
  return units
}

/** Units by runs that are read in one go. */
function runsOf(units: readonly Unit[]): Unit[][] {
  const runs: Unit[][] = []
  for (const unit of units) {
    const run = runs[runs.length - 1]
    const first = run?.[0]
    const last = run?.[run.length - 1]
    const isNear =
      first?.segment === unit.segment &&
      unit.start - last!.end <= MAX_GAP_BYTES &&
      unit.start >= last!.end &&
      unit.end - first.start <= MAX_READ_BYTES
    if (isNear) run!.push(unit)
    else runs.push([unit])
  }
  return runs
}

/** Runs by jobs of about {@link JOB_BYTES}, read or given out: small parts of many blocks are held with their blocks. */
function jobsOf(runs: readonly Unit[][], wanted: readonly Wanted[]): Unit[][][] {
  const jobs: Unit[][][] = []
  let bytes = JOB_BYTES
  for (const run of runs) {
    if (bytes >= JOB_BYTES) {
      jobs.push([])
      bytes = 0
    }
    jobs[jobs.length - 1]!.push(run)
    for (const { start, end, slots } of run) {
      const givenBytes = slots.reduce((sum, slot) => sum + wanted[slot]!.place.length, 0)
      bytes += Math.max(end - start, givenBytes)
    }
  }
  return jobs
}

function hasDescriptor(run: Run): run is StoredRun {
  return run.fd !== undefined
}

function partOf(unit: Unit, { place }: Wanted): StoredPart {
  return { offset: unit.isPacked ? place.offset : 0, length: place.length }
}

function comparePlaces(a: ChunkPlace, b: ChunkPlace): number {
  return a.segment - b.segment || a.payload - b.payload || a.offset - b.offset
}
