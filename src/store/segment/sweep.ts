/**
 * Frees what a collection has found dead. SPEC "Collecting".
 *
 * Dead chunks count as absent from the moment in which a sweep is made. Segments of which much is dead are emptied:
 * what lives in them is copied to the log's end, whole blocks as they are. Then a segment begins whose checkpoint names
 * neither them nor, of the segments that stay, the dead chunks; that is the moment in which all of it is gone, whatever
 * happens next. The index is told, and only then are files removed.
 */

import type { Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
import type { Chunk, Collected } from '../chunk-store.js'
import type { LiveRefs } from '../live-refs.js'
import type { BlockPacker } from './block-packer.js'
import { readCheckpoint } from './checkpoint.js'
import type { OpenedStore } from './open-segment-store.js'
import { type ChunkPlace, comparePositions, type LogPosition } from './place.js'
import { type DirectoryEntry, SEGMENT_HEADER_BYTES } from './record.js'
import type { CollectionEnd } from './segment-catalog.js'
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
      // What was put since the marking began, and lies before it, is to be found where it lies.
      await this.#tellIndex(log)
      const emptied = this.#toEmpty(tallies)
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
   * Whether there are copies of chunks in the segment that are not the ones in use. They would come back, if the index
   * were made anew when those are gone, where nothing said that they do not count.
   */
  #hasOtherCopies(segment: number, tallies: ReadonlyMap<number, Tally>): boolean {
    const { liveChunks = 0, deadChunks = 0 } = tallies.get(segment) ?? {}
    return this.#store.catalog.sizes.get(segment)!.chunks !== liveChunks + deadChunks
  }

  /** The segments that are to be emptied, those with the least in them first. */
  #toEmpty(tallies: ReadonlyMap<number, Tally>): ToEmpty[] {
    const smallBytes = this.#options.segmentBytes * SMALL_SHARE
    const emptied = [...this.#store.catalog.sizes].flatMap(([segment, { bytes }]): ToEmpty[] => {
      const tally = tallies.get(segment)
      if (tally === undefined) return [{ segment, liveBytes: 0 }]
      if (bytes >= smallBytes && !isSparse(tally) && !this.#hasOtherCopies(segment, tallies)) return []
      const share = tally.liveBytes / (tally.liveBytes + tally.deadBytes)
      return [{ segment, liveBytes: Math.ceil(bytes * share) }]
    })
    return emptied.sort((a, b) => a.liveBytes - b.liveBytes)
  }

  /** Bytes that can be copied. */
  async #roomBytes(): Promise<number> {
    const { fs, path } = this.#store
    return (await fs.freeBytes(path)) - SPARE_BYTES
  }

  /** Empties some segments; the bytes that this frees. `first`: where it is the first round, the segment that it began. */
  async #round(
    log: SegmentLog,
    segments: readonly number[],
    tallies: ReadonlyMap<number, Tally>,
    first: number | undefined,
  ): Promise<number> {
    const { pending, catalog } = this.#store
    const start = log.position
    const emptied: number[] = []
    /** Those of which something cannot be copied, as it is damaged. */
    const stuck: number[] = []
    for (const segment of segments) {
      const isCopied = await this.#copyFrom(segment, log, tallies.get(segment)?.liveChunks ?? 0)
      ;(isCopied ? emptied : stuck).push(segment)
    }
    await log.barrier()
    await this.#tellIndex(log)
    const copiedBytes = log.position.offset - (log.position.segment === start.segment ? start.offset : 0)
    const isFirst = first !== undefined
    // Those that are emptied later must say the same, for whoever goes on from here after a crash. The index may not know
    // yet what was put into others since.
    const withCopies = isFirst
      ? [...catalog.sizes.keys()].filter((each) => each < first && this.#hasOtherCopies(each, tallies))
      : []
    const end = await this.#endOf(emptied, [...withCopies, ...stuck], isFirst)
    let freedBytes = -copiedBytes
    for (const segment of emptied) freedBytes += catalog.sizes.get(segment)!.bytes
    const dead = isFirst ? () => this.#deadRefs() : async function* () {}
    await pending
      .endCollection(() => log.beginSegment(end), dead)
      .catch((error: unknown) => {
        throw log.fail(error)
      })
    await this.#remove(emptied)
    return freedBytes
  }

  /** Tells the index of all that is durable. */
  #tellIndex(log: SegmentLog): Promise<void> {
    return this.#store.pending.advance(log.durable).catch((error: unknown) => {
      throw log.fail(error)
    })
  }

  /** What the checkpoint says that ends a round. In segments `withOthers` there are copies that the index does not know. */
  async #endOf(
    emptied: readonly number[],
    withOthers: readonly number[],
    isFirst: boolean,
  ): Promise<CollectionEnd> {
    const { catalog, storeId, files } = this.#store
    const isKept = (segment: number): boolean => catalog.sizes.has(segment) && !emptied.includes(segment)
    const mixed = new Set(withOthers.filter(isKept))
    const dropped = new Map<number, Ref[]>()
    const chunks = new Map<number, number>()
    const drop = (segment: number, refs: Iterable<Ref>): void => {
      const others = dropped.get(segment) ?? []
      for (const ref of refs) others.push(ref)
      dropped.set(segment, others)
    }
    for (const segment of emptied) {
      // What it says of others goes on to be said.
      const checkpoint = await readCheckpoint(files, storeId, segment)
      for (const [other, refs] of checkpoint?.dropped ?? []) if (isKept(other)) drop(other, refs)
    }
    if (isFirst) {
      for await (const [refs, places] of this.#lookedUp(this.#deadEntries())) {
        for (const [slot, ref] of refs.entries()) {
          const place = places[slot]
          if (place === undefined || !this.isDead(ref, place)) continue
          if (!isKept(place.segment) || mixed.has(place.segment)) continue
          drop(place.segment, [ref])
          const before = chunks.get(place.segment) ?? catalog.sizes.get(place.segment)!.chunks
          chunks.set(place.segment, before - 1)
        }
      }
    }
    for (const segment of mixed) {
      const { used, unused } = await this.#copiesIn(segment)
      drop(segment, unused)
      chunks.set(segment, used)
    }
    const lists = [...dropped].map(([segment, refs]) => [segment, RefList.of(refs)] as const)
    return { segments: emptied, dropped: new Map(lists), chunks }
  }

  /** How many chunks are read from a segment, and which are only left lying in it. */
  async #copiesIn(segment: number): Promise<{ used: number; unused: Iterable<Ref> }> {
    const used = new Set<string>()
    const unused = new Map<string, Ref>()
    for await (const record of this.#blocksOf(segment, false)) {
      if (record === undefined) continue
      const alive = new Set(await this.#aliveIn(segment, record))
      for (const [slot, { ref }] of record.directory.entries()) {
        if (alive.has(slot)) used.add(ref.toString())
        else unused.set(ref.toString(), ref)
      }
    }
    for (const text of used) unused.delete(text)
    return { used: used.size, unused: unused.values() }
  }

  /**
   * Copies what lives in a segment to the log's end. Whether that is all: what is damaged stays where it is, and the
   * segment with it. `liveCount`: how many of the chunks that were there live in it.
   */
  async #copyFrom(segment: number, log: SegmentLog, liveCount: number): Promise<boolean> {
    const { pending } = this.#store
    let leftCount = liveCount
    let isWhole = true
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
    for await (const record of this.#blocksOf(segment, true)) {
      if (record === undefined) {
        // What was put since the marking began is not counted: it may lie there.
        if (segment >= this.#boundary.segment) isWhole = false
        continue
      }
      const alive = await this.#aliveIn(segment, record)
      if (alive.length === 0) continue
      await log.ready()
      const isAsItIs = alive.length === record.directory.length && record.isWhole
      const parts = isAsItIs ? undefined : await verifiedParts(record)
      if (isAsItIs) logAsItIs(log, record, (chunks, written) => pending.chunksMoved(chunks, written))
      for (const slot of alive) {
        const { ref } = record.directory[slot]!
        if (!isAsItIs) {
          const bytes = parts?.[slot]
          if (bytes === undefined) {
            isWhole = false
            continue
          }
          rest.push({ ref, bytes: new Uint8Array(bytes) })
          restBytes += bytes.length
        }
        if (this.#refs.indexOf(ref) !== undefined) leftCount--
      }
      if (restBytes >= BLOCK_BYTES) logRest()
    }
    logRest()
    return isWhole && leftCount <= 0
  }

  /** The blocks of a segment, one after the other; undefined for bytes between two that are no record. */
  async *#blocksOf(segment: number, withPayload: boolean): AsyncGenerator<ScannedRecord | undefined> {
    const { files, storeId } = this.#store
    const scanner = await SegmentScanner.open(await files.get(segment), storeId, segment)
    for (let at: number | undefined = SEGMENT_HEADER_BYTES; at !== undefined && at < scanner.size; ) {
      const record: ScannedRecord | undefined = await scanner.record(at, withPayload)
      if (record?.header.type === 'block' || record === undefined) yield record
      at = record === undefined ? (await scanner.nextRecord(at + 1))?.start : record.end
    }
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
