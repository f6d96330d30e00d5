/** A small segment store in memory, of which every byte is known, to be damaged and opened. */

import { decode } from '../../src/encoding/decode.js'
import type { Ref } from '../../src/hash/ref.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { SegmentScanner } from '../../src/store/segment/segment-scanner.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { readFormat, segmentFile } from '../../src/store/segment/store-format.js'
import { CrashFs } from '../crash/crash-fs.js'
import { CrashIndex, type IndexStep } from '../crash/crash-index.js'
import type { Disk } from '../crash/disk.js'
import type { Contents } from '../crash/ledger.js'
import type { Random } from '../crash/random.js'
import { Scene } from '../crash/scene.js'
import { lastPoint } from '../crash/sweep.js'

export const PATH = '/store'

export interface SmallStore {
  /** Not to be written to: {@link Disk.fork} it. */
  readonly disk: Disk
  /** What the index was told. */
  readonly steps: readonly IndexStep[]
  readonly chunks: readonly Chunk[]
  readonly records: readonly RecordSpan[]
}

/** A record of the log, or a segment's header. */
export interface RecordSpan {
  readonly segment: number
  readonly file: string
  readonly type: 'header' | 'block' | 'head' | 'checkpoint' | 'mark'
  readonly start: number
  readonly payloadStart: number
  readonly end: number
  readonly isPacked: boolean
  /** The chunks of a block and where their bytes lie; in a packed block all of it is each one's. */
  readonly chunks: readonly { readonly ref: string; readonly start: number; readonly end: number }[]
  /** The head of a head's record and its ref; undefined where it is removed. */
  readonly head: readonly [string, string | undefined] | undefined
}

/** A store that was closed: chunks of noise and of text, and heads, some moved and removed. */
export async function smallStore(random: Random, rounds: number, segmentBytes?: number): Promise<SmallStore> {
  const scene = new Scene({ random, maxTurns: 0, segmentBytes })
  const chunks: Chunk[] = []
  await scene.open()
  for (let round = 0; round < rounds; round++) {
    const put = [
      ...scene.chunks(3, 60 + random.below(500)),
      ...scene.chunks(round % 3, 10),
      ...texts(random, (round + 1) % 3),
    ]
    chunks.push(...put)
    await scene.put(...put)
    if (round % 3 === 1) await scene.flush()
    await scene.set(`head/${round % 4}`, put[0])
    if (round % 5 === 4) await scene.remove(`head/${round % 4}`)
  }
  await scene.close()
  const { disk, steps } = lastPoint(scene.journal)
  return { disk, steps, chunks, records: await recordsOf(disk) }
}

export interface OpenOptions {
  readonly readOnly?: boolean
  readonly segmentBytes?: number
}

/** Opens what is on `disk`, with an index that was told `steps`. */
export function openOn(
  disk: Disk,
  steps: readonly IndexStep[],
  options: OpenOptions = {},
): Promise<SegmentStore> {
  return SegmentStore.open(PATH, {
    ...options,
    create: false,
    ballastBytes: 0,
    fileSystem: new CrashFs({ disk }),
    openIndex: () => CrashIndex.open({ steps }),
  })
}

/** Heads and refs as the index has them; no chunk is read. */
export async function namesIn(store: SegmentStore): Promise<Contents> {
  const heads = new Map<string, string>()
  const refs = new Set<string>()
  for await (const { name, ref } of store.heads.list()) heads.set(name, ref.toString())
  for await (const ref of store.refs()) refs.add(ref.toString())
  return { heads, refs }
}

/** All records of the log, in order. */
export async function recordsOf(disk: Disk): Promise<RecordSpan[]> {
  const fs = new CrashFs({ disk })
  const { storeId } = (await readFormat(fs, PATH))!
  const records: RecordSpan[] = []
  for (let segment = 1; disk.find(segmentFile(PATH, segment)) !== undefined; segment++) {
    const file = segmentFile(PATH, segment)
    const scanner = await SegmentScanner.open(await fs.open(file, 'read'), storeId, segment)
    const place = { segment, file }
    let at = 36
    records.push({
      ...place,
      type: 'header',
      start: 0,
      payloadStart: at,
      end: at,
      isPacked: false,
      chunks: [],
      head: undefined,
    })
    for (
      let record = await scanner.record(at, true);
      record !== undefined;
      record = await scanner.record(at, true)
    ) {
      const { header, directory, start, payloadStart, end } = record
      const isPacked = header.codec !== 0
      const chunks = directory.map(({ ref, offset, length }) => ({
        ref: ref.toString(),
        start: isPacked ? payloadStart : payloadStart + offset,
        end: isPacked ? end : payloadStart + offset + length,
      }))
      const head = header.type === 'head' ? headIn(record.payload!) : undefined
      records.push({ ...place, type: header.type, start, payloadStart, end, isPacked, chunks, head })
      at = end
    }
    if (at !== scanner.size) throw new Error(`${file} does not end with a record`)
  }
  return records
}

function headIn(payload: Uint8Array): [string, string | undefined] {
  const [name, ref] = decode(Uint8Array.from(payload)) as [string, Ref | null]
  return [name, ref?.toString()]
}

/** What a log of these records says. */
export function contentsOfRecords(records: readonly RecordSpan[]): Contents {
  const heads = new Map<string, string>()
  const refs = new Set(records.flatMap(({ chunks }) => chunks.map(({ ref }) => ref)))
  for (const { head } of records) {
    if (head === undefined) continue
    const [name, ref] = head
    if (ref === undefined) heads.delete(name)
    else heads.set(name, ref)
  }
  return { heads, refs }
}

/** A disk on which one bit of a file is another. */
export function flipped(disk: Disk, file: string, bit: number): Disk {
  const bytes = Uint8Array.from(disk.read(file))
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  return overwritten(disk, file, bytes)
}

export function overwritten(disk: Disk, file: string, bytes: Uint8Array): Disk {
  const damaged = disk.fork()
  damaged.overwrite(file, bytes)
  return damaged
}

/** Chunks that shrink when they are packed. */
function texts(random: Random, count: number): Chunk[] {
  return Array.from({ length: count }, () => {
    const words = Array.from({ length: 60 }, () => `word ${random.below(9)}`)
    return chunkOf(new TextEncoder().encode(`${random.next()} ${words.join(' ')}`))
  })
}
