/**
 * Frees what a collection has found dead. SPEC "Collecting".
 *
 * Dead chunks count as absent from the moment in which a sweep is made. Segments of which much is dead are emptied:
 * what lives in them is copied to the log's end, whole blocks as they are. Then a segment begins whose checkpoint names
 * neither them nor, of the segments that stay, the dead chunks; that is the moment in which all of it is gone, whatever
 * happens next. The index is told, and only then are files removed.
 */

import { StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
import type { Chunk, Collected } from '../chunk-store.js'
import type { LiveRefs } from '../live-refs.js'
import type { BlockPacker } from './block-packer.js'
import { readCheckpoint } from './checkpoint.js'
import type { OpenedStore } from './open-segment-store.js'
import { type ChunkPlace, comparePositions, type LogPosition } from './place.js'
import { type DirectoryEntry, SEGMENT_HEADER_BYTES } from './record.js'
import type { SegmentLog } from './segment-log.js'
import { type ScannedRecord, SegmentScanner } from './segment-scanner.js'
import { segmentFile, segmentsDir } from './store-format.js'
import { verifiedParts } from './verified-parts.js'

/** A segment is emptied where at least this share of its chunks' bytes is dead, */
const DEAD_SHARE = 0.1

/** or, if others are, where it has less than this share of a full one. */
const SMALL_SHARE = 1 / 16

/** Bytes copied at most before the first segments are removed, and above what has been freed after that. */
const ROUND_BYTES = 4 * 1024 * 1024

/** Bytes that are left free while others are copied: for checkpoints and the index. */
const SPARE_BYTES = 256 * 1024

/** A block of what was left of others is full with this much. */
const BLOCK_BYTES = 32 * 1024

/** Refs looked up, and forgotten, at once. */
const BATCH_REFS = 4096

export interface SweepOptions {
  readonly store: OpenedStore
  /** Where a full segment ends. */
  readonly segmentBytes: number
  /** Which chunks were there, and live. */
  readonly refs: LiveRefs
  readonly packer: BlockPacker
  /** Resolves when all calls have ended that may have been told where chunks lie. */
  readonly callsEnded: () => Promise<void>
}

/** What of a segment lives and what does not. */
interface Tally {
  liveChunks: number
  liveBytes: number
  deadChunks: number
  deadBytes: number
}

/** A segment that is to be emptied. */
interface ToEmpty {
  readonly segment: number
  /** Whether nothing may be dropped without that. */
  readonly must: boolean
  /** Bytes that are to be copied from it, about so many. */
  readonly liveBytes: number
}

export class Sweep {
  readonly #options: SweepOptions
  readonly #store: OpenedStore
  readonly #refs: LiveRefs
  /** What was put since lies behind this, and lives. */
  readonly #boundary: LogPosition

  constructor(options: SweepOptions) {
    this.#options = options
    this.#store = options.store
    this.#refs = options.refs
    this.#boundary = this.#store.log?.position ?? this.#store.end
  }

  /** Whether the chunk, which the index places there, counts as absent. */
  isDead(ref: Ref, { segment, record }: ChunkPlace): boolean {
    return comparePositions({ segment, offset: record }, this.#boundary) < 0 && this.#refs.isDead(ref)
  }

  /** What {@link run} would do. */
  async plan(): Promise<Collected> {
    const tallies = await this.#tally()
    let storedBytes = 0
    for (const [segment, tally] of tallies) {
      if (!isSparse(tally)) continue
      const bytes = await this.#bytesOf(segment)
      storedBytes += Math.round((bytes * tally.deadBytes) / (tally.deadBytes + tally.liveBytes))
    }
    return this.#collected(tallies, storedBytes)
  }

  async run(log: SegmentLog): Promise<Collected> {
    const { catalog } = this.#store
    catalog.swept()
    try {
      const tallies = await this.#tally()
      if (!this.#isWorthIt(tallies)) return this.#collected(tallies, 0)
      const first = await log.beginSegment()
      const { emptied, mustBytes } = this.#toEmpty(tallies)
      await this.#requireRoom(mustBytes)
      let freedBytes = 0
      for (let isFirst = true; isFirst || emptied.length > 0; isFirst = false) {
        const room = await this.#roomBytes()
        const some = takeSome(emptied, Math.max(0, freedBytes) + ROUND_BYTES, room)
        // What there is no room to copy stays where it is, this one and all that have more.
        if (some.length === 0) emptied.length = 0
        if (some.length === 0 && !isFirst) break
        freedBytes += await this.#round(log, some, tallies, isFirst ? first.segment : undefined)
      }
      return this.#collected(tallies, freedBytes)
    } finally {
      catalog.swept()
    }
  }

  #collected(tallies: ReadonlyMap<number, Tally>, storedBytes: number): Collected {
    let freedBytes = 0
    for (const { deadBytes } of tallies.values()) freedBytes += deadBytes
    const keptChunks = this.#refs.liveCount
    return { keptChunks, freedChunks: this.#refs.count - keptChunks, freedBytes, storedBytes }
  }

  async #bytesOf(segment: number): Promise<number> {
    return this.#store.catalog.sizes.get(segment)?.bytes ?? (await this.#store.files.get(segment)).size()
  }

  /** Looks all chunks up. */
  async #tally(): Promise<Map<number, Tally>> {
    const tallies = new Map<number, Tally>()
    for await (const [refs, places, lives] of this.#lookedUp(this.#refs.entries())) {
      for (const slot of refs.keys()) {
        const place = places[slot]
        if (place === undefined) continue
        let tally = tallies.get(place.segment)
        if (tally === undefined) {
          tally = { liveChunks: 0, liveBytes: 0, deadChunks: 0, deadBytes: 0 }
          tallies.set(place.segment, tally)
        }
        const isLive = lives[slot]! || !this.isDead(refs[slot]!, place)
        tally[isLive ? 'liveChunks' : 'deadChunks']++
        tally[isLive ? 'liveBytes' : 'deadBytes'] += place.length
      }
    }
    return tallies
  }

  /** Where there is nothing dead there is nothing to do, unless copies lie about that the index does not know. */
  #isWorthIt(tallies: ReadonlyMap<number, Tally>): boolean {
    if ([...tallies.values()].some(({ deadChunks }) => deadChunks > 0)) return true
    return [...this.#store.catalog.sizes.keys()].some((segment) => this.#hasOtherCopies(segment, tallies))
  }

  /**
   * Whether there are copies of chunks in the segment that are not the ones in use: they come back if the index is made
   * anew when those are gone, so that the segment is not kept.
   */
  #hasOtherCopies(segment: number, tallies: ReadonlyMap<number, Tally>): boolean {
    const { liveChunks = 0, deadChunks = 0 } = tallies.get(segment) ?? {}
    return this.#store.catalog.sizes.get(segment)!.chunks !== liveChunks + deadChunks
  }

  /**
   * The segments that are to be emptied, those with the least in them first; before the others come those that must be,
   * and what these have to be copied.
   */
  #toEmpty(tallies: ReadonlyMap<number, Tally>): {
    readonly emptied: ToEmpty[]
    readonly mustBytes: number
  } {
    const smallBytes = this.#options.segmentBytes * SMALL_SHARE
    const emptied = [...this.#store.catalog.sizes].flatMap(([segment, { bytes }]): ToEmpty[] => {
      const tally = tallies.get(segment)
      const must = this.#hasOtherCopies(segment, tallies)
      if (tally === undefined) return [{ segment, must, liveBytes: 0 }]
      if (bytes >= smallBytes && !isSparse(tally) && !must) return []
      const share = tally.liveBytes / (tally.liveBytes + tally.deadBytes)
      return [{ segment, must, liveBytes: Math.ceil(bytes * share) }]
    })
    emptied.sort((a, b) => Number(b.must) - Number(a.must) || a.liveBytes - b.liveBytes)
    return { emptied, mustBytes: emptied.reduce((sum, each) => sum + (each.must ? each.liveBytes : 0), 0) }
  }

  /** Bytes that can be copied. */
  async #roomBytes(): Promise<number> {
    const { fs, path } = this.#store
    return (await fs.freeBytes(path)) - SPARE_BYTES
  }

  async #requireRoom(bytes: number): Promise<void> {
    if (bytes === 0 || bytes <= (await this.#roomBytes())) return
    const { path } = this.#store
    throw new StoreError(
      'NOMSY_STORE_FAILED',
      `${path}: the disk is too full to collect garbage, which takes ${bytes + SPARE_BYTES} bytes at first; nothing was freed`,
    )
  }

  /** Empties some segments; the bytes that this frees. `first`: where it is the first round, the segment that it began. */
  async #round(
    log: SegmentLog,
    segments: readonly number[],
    tallies: ReadonlyMap<number, Tally>,
    first: number | undefined,
  ): Promise<number> {
    const { pending, catalog, storeId, files } = this.#store
    const start = log.position
    const emptied: number[] = []
    for (const segment of segments) {
      const copied = await this.#copyFrom(segment, log)
      if (copied === (tallies.get(segment)?.liveChunks ?? 0)) emptied.push(segment)
    }
    await log.barrier()
    await pending.advance(log.durable).catch((error: unknown) => {
      throw log.fail(error)
    })
    const copiedBytes = log.position.offset - (log.position.segment === start.segment ? start.offset : 0)
    const dropped = new Map<number, Ref[]>()
    const isKept = (segment: number): boolean => catalog.sizes.has(segment) && !emptied.includes(segment)
    for (const segment of emptied) {
      // What it says of others goes on to be said.
      const checkpoint = await readCheckpoint(files, storeId, segment)
      for (const [other, refs] of checkpoint?.dropped ?? []) {
        if (isKept(other)) dropped.set(other, [...(dropped.get(other) ?? []), ...refs])
      }
    }
    if (first !== undefined) {
      for await (const [refs, places] of this.#lookedUp(this.#deadEntries())) {
        for (const [slot, ref] of refs.entries()) {
          const place = places[slot]
          if (place === undefined || !this.isDead(ref, place) || !isKept(place.segment)) continue
          const others = dropped.get(place.segment)
          if (others === undefined) dropped.set(place.segment, [ref])
          else others.push(ref)
        }
      }
    }
    const end = {
      segments: emptied,
      dropped: new Map([...dropped].map(([segment, refs]) => [segment, RefList.of(refs)])),
    }
    let freedBytes = -copiedBytes
    for (const segment of emptied) freedBytes += catalog.sizes.get(segment)!.bytes
    const dead = first === undefined ? async function* () {} : () => this.#deadRefs()
    await pending
      .endCollection(() => log.beginSegment(end), dead)
      .catch((error: unknown) => {
        throw log.fail(error)
      })
    await this.#remove(emptied)
    return freedBytes
  }

  /** Copies what lives in a segment to the log's end; how many chunks. */
  async #copyFrom(segment: number, log: SegmentLog): Promise<number> {
    const { files, storeId, pending } = this.#store
    const scanner = await SegmentScanner.open(await files.get(segment), storeId, segment)
    let count = 0
    let rest: Chunk[] = []
    let restBytes = 0
    const logRest = (): void => {
      const chunks = rest
      if (chunks.length === 0) return
      const [payload] = this.#options.packer.pack([chunks])
      log.add({
        type: 'block',
        chunks,
        rawBytes: restBytes,
        payload: payload!,
        onWritten: (written) => pending.chunksMoved(chunks, written),
      })
      rest = []
      restBytes = 0
    }
    for (let at = SEGMENT_HEADER_BYTES; at < scanner.size; ) {
      const record = (await scanner.record(at, true)) ?? (await scanner.nextRecord(at + 1))
      if (record === undefined) break
      at = record.end
      if (record.header.type !== 'block') continue
      const alive = await this.#aliveIn(segment, record)
      if (alive.length === 0) continue
      await log.ready()
      if (alive.length === record.directory.length && record.isWhole) {
        logAsItIs(log, record, (chunks, written) => pending.chunksMoved(chunks, written))
        count += alive.length
        continue
      }
      const parts = await verifiedParts(record)
      for (const slot of alive) {
        const bytes = parts[slot]
        // What is damaged stays where it is, and the segment with it.
        if (bytes === undefined) continue
        rest.push({ ref: record.directory[slot]!.ref, bytes: new Uint8Array(bytes) })
        restBytes += bytes.length
        count++
      }
      if (restBytes >= BLOCK_BYTES) logRest()
    }
    logRest()
    return count
  }

  /** Slots of the block's chunks that are read here and live. */
  async #aliveIn(segment: number, { directory, start }: ScannedRecord): Promise<number[]> {
    const places = await this.#store.index.getMany(directory.map(({ ref }) => ref))
    return directory.flatMap(({ ref, offset }: DirectoryEntry, slot) => {
      const place = places[slot]
      const isHere = place?.segment === segment && place.record === start && place.offset === offset
      return isHere && !this.isDead(ref, place) ? [slot] : []
    })
  }

  /** Removes files, once nobody reads them any more. */
  async #remove(segments: readonly number[]): Promise<void> {
    const { fs, path, files } = this.#store
    if (segments.length === 0) return
    await this.#options.callsEnded()
    for (const segment of segments) {
      await files.remove(segment)
      await fs.remove(segmentFile(path, segment))
    }
    await fs.syncDir(segmentsDir(path))
  }

  async *#deadRefs(): AsyncGenerator<Ref[]> {
    for await (const [refs, places] of this.#lookedUp(this.#deadEntries())) {
      yield refs.filter((ref, slot) => {
        const place = places[slot]
        return place !== undefined && this.isDead(ref, place)
      })
    }
  }

  *#deadEntries(): Generator<readonly [Ref, boolean]> {
    for (const ref of this.#refs.dead()) yield [ref, false]
  }

  /** Refs by batches, with where they lie, and whether each lives. */
  async *#lookedUp(
    entries: Iterable<readonly [Ref, boolean]>,
  ): AsyncGenerator<readonly [Ref[], (ChunkPlace | undefined)[], boolean[]]> {
    let refs: Ref[] = []
    let lives: boolean[] = []
    for (const [ref, isLive] of entries) {
      refs.push(ref)
      lives.push(isLive)
      if (refs.length < BATCH_REFS) continue
      yield [refs, await this.#store.index.getMany(refs), lives]
      refs = []
      lives = []
    }
    if (refs.length > 0) yield [refs, await this.#store.index.getMany(refs), lives]
  }
}

function isSparse({ liveBytes, deadBytes, liveChunks }: Tally): boolean {
  return liveChunks === 0 || deadBytes >= DEAD_SHARE * (liveBytes + deadBytes)
}

/** Takes the first of `segments`: at least one, as many as have no more than `liveBytes`; none beyond `room`. */
function takeSome(segments: ToEmpty[], liveBytes: number, room: number): number[] {
  let count = 0
  let sum = 0
  for (const each of segments) {
    sum += each.liveBytes
    if ((count > 0 && sum > liveBytes) || (sum > 0 && sum > room)) break
    count++
  }
  return segments.splice(0, count).map(({ segment }) => segment)
}

/** Adds a block of another segment to the log, as it lies there. */
function logAsItIs(
  log: SegmentLog,
  { directory, header, payload }: ScannedRecord,
  moved: (...args: Parameters<OpenedStore['pending']['chunksMoved']>) => void,
): void {
  const chunks = directory.map(({ ref, length }) => ({ ref, bytes: { length } }))
  log.add({
    type: 'block',
    chunks,
    rawBytes: header.rawBytes,
    // The scanner's window goes on to be used.
    payload: { codec: header.codec, pieces: [new Uint8Array(payload!)], crc: header.payloadCrc },
    onWritten: (written) => moved(chunks, written),
  })
}
