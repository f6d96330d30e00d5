/**
 * Reads the whole log and holds every byte of it against what was written: headers, directories, payloads, the hash
 * of every chunk, and that the index finds each. SPEC "Segment store".
 */

import { NomsyError, StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { CheckOptions, Finding } from '../chunk-store.js'
import { readCheckpoint } from './checkpoint.js'
import type { OpenedStore } from './open-segment-store.js'
import { CODEC_NONE, SEGMENT_HEADER_BYTES } from './record.js'
import { type ScannedRecord, SegmentScanner } from './segment-scanner.js'
import { isSystemError, listSegments } from './store-format.js'
import { verifiedParts } from './verified-parts.js'

export async function* checkLog(store: OpenedStore, options: CheckOptions): AsyncGenerator<Finding> {
  yield* store.findings
  const { catalog } = store
  const { sweeps } = catalog
  const end = store.log?.durable ?? store.end
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
      if (!catalog.isGone(segment)) yield await unreadable(store, segment, error)
    }
  }
  const dropped = await droppedIn(store, scanners)
  /** Whether the index, which has no place for a chunk of that segment, should have one. */
  const isMissing = (ref: Ref, segment: number): boolean =>
    catalog.sweeps === sweeps && dropped.get(segment)?.has(ref.toString()) !== true
  for (const scanner of scanners) {
    const endOffset = scanner.segment === end.segment ? end.offset : scanner.size
    try {
      yield* checkSegment({ ...store, isMissing }, scanner, endOffset, totalBytes, options)
    } catch (error) {
      if (!catalog.isGone(scanner.segment)) yield await unreadable(store, scanner.segment, error)
    }
  }
}

/** The store, and what a collection has to do with its log. */
interface CheckedStore extends OpenedStore {
  readonly isMissing: (ref: Ref, segment: number) => boolean
}

/** Chunks that checkpoints say are dropped, by the segment in which their copies are. */
async function droppedIn(
  { files, storeId }: OpenedStore,
  scanners: readonly SegmentScanner[],
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const dropped = new Map<number, Set<string>>()
  for (const { segment } of scanners) {
    // One that cannot be read is met again.
    const checkpoint = await readCheckpoint(files, storeId, segment).catch(() => undefined)
    for (const [other, refs] of checkpoint?.dropped ?? []) {
      const texts = dropped.get(other) ?? new Set()
      for (const ref of refs) texts.add(ref.toString())
      dropped.set(other, texts)
    }
  }
  return dropped
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
async function unreadable(store: OpenedStore, segment: number, error: unknown): Promise<Finding> {
  if (!isSystemError(error)) throw error
  const refs = await unreadableIn(store, segment, 0, Number.POSITIVE_INFINITY)
  return { message: `${store.files.name(segment)} cannot be read to its end: ${error.message}`, refs }
}

async function* checkSegment(
  store: CheckedStore,
  scanner: SegmentScanner,
  end: number,
  totalBytes: number,
  { signal, onProgress }: CheckOptions,
): AsyncGenerator<Finding> {
  const where = (offset: number): string => `${store.files.name(scanner.segment)} at byte ${offset}`
  if (!(await scanner.hasHeader())) yield { message: `${where(0)}: not the header of the segment`, refs: [] }
  onProgress?.(SEGMENT_HEADER_BYTES, totalBytes)
  for (let at = SEGMENT_HEADER_BYTES; at < end; ) {
    signal?.throwIfAborted()
    const record = await scanner.record(at, true)
    if (record === undefined) {
      const next = (await scanner.nextRecord(at + 1))?.start ?? end
      const refs = await unreadableIn(store, scanner.segment, at, next)
      yield { message: `${where(at)}: ${next - at} bytes are no record`, refs }
      onProgress?.(next - at, totalBytes)
      at = next
      continue
    }
    yield* checkRecord(store, scanner.segment, record, where(record.start))
    onProgress?.(record.end - at, totalBytes)
    at = record.end
  }
  const missing = (store.catalog.sizes.get(scanner.segment)?.bytes ?? 0) - scanner.size
  if (missing > 0) {
    const refs = await unreadableIn(store, scanner.segment, scanner.size, Number.POSITIVE_INFINITY)
    yield { message: `${where(scanner.size)}: ${missing} bytes are missing at its end`, refs }
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

/** The chunks that the index places between two offsets of a segment and that can no longer be read. */
async function unreadableIn(store: OpenedStore, segment: number, start: number, end: number): Promise<Ref[]> {
  const unreadable: Ref[] = []
  for await (const ref of store.index.refs('')) {
    const place = await store.index.get(ref)
    if (place === undefined || place.segment !== segment || place.record < start || place.record >= end)
      continue
    if (!(await isReadable(store, ref))) unreadable.push(ref)
  }
  return unreadable
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
