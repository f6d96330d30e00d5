/**
 * Reads the whole log and holds every byte of it against what was written: headers, directories, payloads, the hash
 * of every chunk, and that the index finds each. SPEC "Segment store".
 */

import { NomsyError, StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { type CheckOptions, type Finding, type Sample, sampler } from '../chunk-store.js'
import { CheckPosition } from './check-position.js'
import type { ChunkIndex } from './chunk-index.js'
import { droppedIn } from './dropped.js'
import type { OpenedStore } from './open-segment-store.js'
import { CODEC_NONE, SEGMENT_HEADER_BYTES } from './record.js'
import { type ScannedRecord, SegmentScanner } from './segment-scanner.js'
import { isSystemError, listSegments } from './store-format.js'
import { verifiedParts } from './verified-parts.js'

/** Stretches that are no records gather up to this many before the index is walked for what it places in them. */
const MAX_STRETCHES = 10_000

/** Bytes that are read or passed over together where a sample is read. */
const SAMPLE_BYTES = 1024 * 1024

/** Bytes of a segment that are no record, or cannot be read. */
export interface Stretch {
  readonly segment: number
  readonly start: number
  readonly end: number
}

/** A finding; of a stretch the chunks are looked up later. */
type Found = Finding & { readonly stretch?: Stretch }

export async function* checkLog(store: OpenedStore, options: CheckOptions): AsyncGenerator<Finding> {
  const isWhole = options.sample === undefined
  // A reader leaves no trace.
  const position = isWhole && store.log !== undefined ? new CheckPosition(store.fs, store.path) : undefined
  let stretches: Found[] = []
  let isDone = false
  try {
    for await (const found of findingsOf(store, options, position)) {
      position?.found(found.refs)
      if (found.stretch === undefined) {
        yield found
        continue
      }
      if (stretches.push(found) === 1)
        position?.holdAt({ segment: found.stretch.segment, offset: found.stretch.start })
      if (stretches.length < MAX_STRETCHES) continue
      yield* withRefs(store, stretches, position)
      stretches = []
      position?.holdAt(undefined)
    }
    yield* withRefs(store, stretches, position)
    isDone = true
  } finally {
    // Also where whoever asked has heard enough. The cause is told, and no failure to remember the place.
    if (!isDone) await position?.write().catch(() => {})
  }
  await position?.end()
}

async function* findingsOf(
  store: OpenedStore,
  options: CheckOptions,
  position: CheckPosition | undefined,
): AsyncGenerator<Found> {
  yield* store.findings
  const indexDamage = await store.index.damage?.()
  if (indexDamage !== undefined) yield { message: indexDamage, refs: [] }
  const { catalog } = store
  const { sweeps } = catalog
  const end = store.log?.durable ?? store.end
  const from = options.resume === true ? await position?.resume() : undefined
  for (const ref of from?.damaged ?? []) {
    // A collection may have freed it since.
    const isFreed = catalog.collected > 0 && (await store.index.get(ref)) === undefined
    if (!isFreed && !(await isReadable(store, ref)))
      yield {
        message: `chunk ${ref} was found damaged before the check was interrupted, and is so still`,
        refs: [ref],
      }
  }
  let totalBytes = 0
  const scanners: SegmentScanner[] = []
  for (const segment of await segmentsOf(store)) {
    // A segment that is being made has nothing to check yet.
    if (segment > end.segment || catalog.isGone(segment)) continue
    try {
      const scanner = await SegmentScanner.open(await store.files.get(segment), store.storeId, segment)
      scanners.push(scanner)
      totalBytes += scanner.size
    } catch (error) {
      if (!catalog.isGone(segment)) yield unreadable(store, segment, error)
    }
  }
  const dropped = await droppedIn(
    store.files,
    store.storeId,
    scanners.map(({ segment }) => segment),
  )
  /** Whether the index, which has no place for a chunk of that segment, should have one. */
  const isMissing = (ref: Ref, segment: number): boolean =>
    catalog.sweeps === sweeps && dropped.get(segment)?.has(ref.toString()) !== true
  for (const scanner of scanners) {
    const { segment, size } = scanner
    const limit = segment === end.segment ? end.offset : size
    const check = new SegmentCheck({ ...store, isMissing }, scanner, limit, totalBytes, options, position)
    try {
      if (options.sample !== undefined) yield* check.sample(options.sample)
      else if (from === undefined || segment > from.position.segment) yield* check.from(0)
      else if (segment === from.position.segment) yield* check.from(from.position.offset)
      else options.onProgress?.(size, totalBytes)
    } catch (error) {
      if (!catalog.isGone(segment)) yield unreadable(store, segment, error)
    }
  }
}

/** The store, and what a collection has to do with its log. */
interface CheckedStore extends OpenedStore {
  readonly isMissing: (ref: Ref, segment: number) => boolean
}

async function segmentsOf({ fs, path }: OpenedStore): Promise<number[]> {
  try {
    return await listSegments(fs, path)
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    throw new StoreError('NOMSY_STORE_FAILED', `${path} cannot be read: ${cause.message}`, { cause })
  }
}

/** What a segment is that the system cannot read; other errors are thrown on. */
function unreadable(store: OpenedStore, segment: number, error: unknown): Found {
  if (!isSystemError(error)) throw error
  const message = `${store.files.name(segment)} cannot be read to its end: ${error.message}`
  return { message, refs: [], stretch: { segment, start: 0, end: Number.POSITIVE_INFINITY } }
}

/** Holds one segment against what was written. */
class SegmentCheck {
  readonly #store: CheckedStore
  readonly #scanner: SegmentScanner
  readonly #end: number
  readonly #totalBytes: number
  readonly #options: CheckOptions
  readonly #position: CheckPosition | undefined

  constructor(
    store: CheckedStore,
    scanner: SegmentScanner,
    end: number,
    totalBytes: number,
    options: CheckOptions,
    position: CheckPosition | undefined,
  ) {
    this.#store = store
    this.#scanner = scanner
    this.#end = end
    this.#totalBytes = totalBytes
    this.#options = options
    this.#position = position
  }

  /** All from `start` on, which is 0 or where a record begins. */
  async *from(start: number): AsyncGenerator<Found> {
    if (start <= SEGMENT_HEADER_BYTES) yield* this.#header()
    else this.#report(start)
    const from = Math.max(start, SEGMENT_HEADER_BYTES)
    yield* this.#records(from, this.#end)
    const { segment, size } = this.#scanner
    const missing = (this.#store.catalog.sizes.get(segment)?.bytes ?? 0) - size
    if (missing <= 0) return
    const stretch = { segment, start: size, end: Number.POSITIVE_INFINITY }
    yield { message: `${this.#where(size)}: ${missing} bytes are missing at its end`, refs: [], stretch }
  }

  /** A random share of the records. Those that begin in one stretch of the file are read together. */
  async *sample(sample: Sample): AsyncGenerator<Found> {
    const isChosen = sampler({ ...sample, seed: sample.seed + this.#scanner.segment })
    yield* this.#header()
    for (let at = SEGMENT_HEADER_BYTES; at < this.#end; at += SAMPLE_BYTES) {
      const end = Math.min(at + SAMPLE_BYTES, this.#end)
      if (!isChosen()) {
        this.#report(end - at)
        continue
      }
      const first = at === SEGMENT_HEADER_BYTES ? at : (await this.#scanner.nextRecord(at))?.start
      this.#report(Math.min(first ?? end, end) - at)
      if (first !== undefined) yield* this.#records(first, end)
    }
  }

  async *#header(): AsyncGenerator<Found> {
    if (!(await this.#scanner.hasHeader()))
      yield { message: `${this.#where(0)}: not the header of the segment`, refs: [] }
    this.#report(SEGMENT_HEADER_BYTES)
  }

  /** The records that begin from `start` to `end`. */
  async *#records(start: number, end: number): AsyncGenerator<Found> {
    const { segment } = this.#scanner
    for (let at = start; at < end; ) {
      this.#options.signal?.throwIfAborted()
      await this.#position?.reached({ segment, offset: at })
      const record = await this.#scanner.record(at, true)
      if (record === undefined) {
        const next = (await this.#scanner.nextRecord(at + 1))?.start ?? this.#end
        const message = `${this.#where(at)}: ${next - at} bytes are no record`
        yield { message, refs: [], stretch: { segment, start: at, end: next } }
        this.#report(next - at)
        at = next
        continue
      }
      yield* checkRecord(this.#store, segment, record, this.#where(record.start))
      this.#report(record.end - at)
      at = record.end
    }
  }

  #where(offset: number): string {
    return `${this.#store.files.name(this.#scanner.segment)} at byte ${offset}`
  }

  #report(bytes: number): void {
    this.#options.onProgress?.(bytes, this.#totalBytes)
  }
}

async function* checkRecord(
  store: CheckedStore,
  segment: number,
  record: ScannedRecord,
  where: string,
): AsyncGenerator<Finding> {
  if (record.header.type !== 'block') {
    if (!record.isWhole)
      yield { message: `${where}: the payload of a ${record.header.type} record is damaged`, refs: [] }
    return
  }
  const { directory, payload } = record
  const parts = await verifiedParts(record)
  const places = await store.index.getMany(directory.map(({ ref }) => ref))
  for (const [slot, { ref, offset }] of directory.entries()) {
    if (places[slot] === undefined) {
      if (!store.isMissing(ref, segment)) continue
      const mend = "remove the store's directory 'index', it is made anew from the log"
      yield { message: `${where}: the index does not know chunk ${ref}; ${mend}`, refs: [ref] }
    } else if (parts[slot] === undefined && !(await isReadable(store, ref))) {
      const inside = record.header.codec === CODEC_NONE ? offset : 0
      yield {
        message: `${where}: chunk ${ref} is damaged at byte ${record.payloadStart + inside}`,
        refs: [ref],
      }
    }
  }
  // Of a packed block some bits do not count.
  if (!record.isWhole && payload !== undefined && parts.every((part) => part !== undefined)) {
    yield { message: `${where}: the checksum of a block does not hold, its chunks are whole`, refs: [] }
  }
}

/** The findings, each with the chunks that the index places in its stretch and that can no longer be read. */
async function* withRefs(
  store: OpenedStore,
  findings: readonly Found[],
  position: CheckPosition | undefined,
): AsyncGenerator<Finding> {
  if (findings.length === 0) return
  const refs: Ref[][] = findings.map(() => [])
  for await (const { ref, stretch } of chunksIn(
    store.index,
    findings.map(({ stretch }) => stretch!),
  )) {
    if (!(await isReadable(store, ref))) refs[stretch]!.push(ref)
  }
  for (const [index, { message }] of findings.entries()) {
    const { length } = refs[index]!
    position?.found(refs[index]!)
    const chunks = length === 1 ? '1 chunk' : `${length} chunks`
    yield {
      message: length === 0 ? message : `${message}; ${chunks} there cannot be read`,
      refs: refs[index]!,
    }
  }
}

/** The chunks that the index places in some stretches, with the position of the stretch: one walk of the index. */
export async function* chunksIn(
  index: ChunkIndex,
  stretches: readonly Stretch[],
): AsyncGenerator<{ readonly ref: Ref; readonly stretch: number }> {
  const bySegment = new Map<number, number[]>()
  const order = stretches.map((_, at) => at).sort((a, b) => stretches[a]!.start - stretches[b]!.start)
  for (const at of order) {
    const { segment } = stretches[at]!
    bySegment.set(segment, [...(bySegment.get(segment) ?? []), at])
  }
  if (stretches.length === 0) return
  for await (const ref of index.refs('')) {
    const place = await index.get(ref)
    const there = place && bySegment.get(place.segment)
    if (there === undefined) continue
    const at = lastAtOrBefore(there, (each) => stretches[each]!.start, place!.record)
    if (at !== undefined && place!.record < stretches[at]!.end) yield { ref, stretch: at }
  }
}

/** The last of `items`, which are in order of `startOf`, that starts at `value` or before. */
function lastAtOrBefore(
  items: readonly number[],
  startOf: (item: number) => number,
  value: number,
): number | undefined {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (startOf(items[middle]!) <= value) low = middle + 1
    else high = middle
  }
  return items[low - 1]
}

async function isReadable(store: OpenedStore, ref: Ref): Promise<boolean> {
  try {
    const place = await store.index.get(ref)
    if (place !== undefined) await store.reader.read({ ref, place })
    return place !== undefined
  } catch (error) {
    if (error instanceof NomsyError) return false
    throw error
  }
}
