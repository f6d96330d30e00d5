/**
 * Reads the whole log and holds every byte of it against what was written: headers, directories, payloads, the hash
 * of every chunk, and that the index finds each. SPEC "Segment store".
 */

import { NomsyError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import type { CheckOptions, Finding } from '../chunk-store.js'
import type { OpenedStore } from './open-segment-store.js'
import { SEGMENT_HEADER_BYTES } from './record.js'
import { type ScannedRecord, SegmentScanner } from './segment-scanner.js'
import { listSegments } from './store-format.js'

export async function* checkLog(store: OpenedStore, options: CheckOptions): AsyncGenerator<Finding> {
  yield* store.findings
  const scanners: SegmentScanner[] = []
  for (const segment of await listSegments(store.fs, store.path)) {
    scanners.push(await SegmentScanner.open(await store.files.get(segment), store.storeId, segment))
  }
  const totalBytes = scanners.reduce((sum, { size }) => sum + size, 0)
  const last = scanners[scanners.length - 1]
  for (const scanner of scanners) yield* checkSegment(store, scanner, scanner === last, totalBytes, options)
}

async function* checkSegment(
  store: OpenedStore,
  scanner: SegmentScanner,
  isLast: boolean,
  totalBytes: number,
  { signal, onProgress }: CheckOptions,
): AsyncGenerator<Finding> {
  const where = (offset: number): string => `${store.files.name(scanner.segment)} at byte ${offset}`
  const { durable } = store.log ?? {}
  const end = isLast && durable?.segment === scanner.segment ? durable.offset : scanner.size
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
    yield* checkRecord(store, record, where(record.start))
    onProgress?.(record.end - at, totalBytes)
    at = record.end
  }
}

async function* checkRecord(
  store: OpenedStore,
  record: ScannedRecord,
  where: string,
): AsyncGenerator<Finding> {
  if (record.header.type !== 'block') {
    if (!record.isWhole)
      yield { message: `${where}: the payload of a ${record.header.type} record is damaged`, refs: [] }
    return
  }
  const places = await store.index.getMany(record.directory.map(({ ref }) => ref))
  for (const [slot, { ref, offset, length }] of record.directory.entries()) {
    const place = places[slot]
    const bytes = record.payload?.subarray(offset, offset + length)
    const isGood = bytes?.length === length && Ref.of(bytes).equals(ref)
    if (place === undefined) {
      const mend = "remove the store's directory 'index', it is made anew from the log"
      yield { message: `${where}: the index does not know chunk ${ref}; ${mend}`, refs: [ref] }
    } else if (!isGood && !(await isReadable(store, ref))) {
      yield {
        message: `${where}: chunk ${ref} is damaged at byte ${record.payloadStart + offset}`,
        refs: [ref],
      }
    }
  }
  if (!record.isWhole && record.payload?.length === record.header.storedBytes) {
    const chunks = record.directory.map(({ ref, offset, length }) =>
      Ref.of(record.payload!.subarray(offset, offset + length)).equals(ref),
    )
    if (chunks.every(Boolean)) yield { message: `${where}: the checksum of a block does not hold`, refs: [] }
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
