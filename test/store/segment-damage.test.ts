/** I1, I6: what happens to bytes of the log is found, told where it is, and mended by putting the same again. */

import { describe, expect, test } from 'vitest'
import { DamagedChunkError, DamagedStoreError } from '../../src/errors.js'
import type { Finding } from '../../src/store/chunk-store.js'
import type { SegmentStore } from '../../src/store/segment/segment-store.js'
import { Random } from '../crash/random.js'
import { seed } from '../seed.js'
import { flipped, openOn, type RecordSpan, type SmallStore, smallStore } from './small-store.js'

const { NOMSY_TORTURE } = process.env

/** Bits flipped in each store; all of them in a torture run. */
const FLIPS = NOMSY_TORTURE === '1' ? Number.POSITIVE_INFINITY : 2500

describe('a flipped bit', () => {
  test.each([
    ['one segment', undefined],
    ['several segments', 5000],
  ])('in %s is found where it is, and no read gives wrong bytes', async (title, segmentBytes) => {
    const random = new Random(seed)
    const store = await smallStore(random, 17, segmentBytes)
    const counts = { flips: 0, cut: 0, refused: 0, problems: [] as string[] }
    const bitCount = store.records.reduce((sum, { start, end }) => sum + 8 * (end - start), 0)
    const isSample = FLIPS < bitCount
    for (let index = 0; index < (isSample ? FLIPS : bitCount); index++) {
      await tryFlip(store, isSample ? random.below(bitCount) : index, counts)
    }
    const files = new Set(store.records.map(({ file }) => file)).size
    console.log(
      `flips in ${title}: ${counts.flips} of ${bitCount} bits in ${files} files, ${counts.refused} refused by a writer, ` +
        `${counts.cut} in the last mark and cut off with it, ${counts.problems.length} missed or misplaced (seed ${seed})`,
    )
    expect(counts.problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
    expect(bitCount / 8).toBeGreaterThan(12_000)
    expect(files).toBeGreaterThan(segmentBytes === undefined ? 0 : 2)
  })
})

interface FlipCounts {
  flips: number
  cut: number
  refused: number
  readonly problems: string[]
}

/** Flips one bit of the log, counted over all its segments. */
async function tryFlip(original: SmallStore, bitOfLog: number, counts: FlipCounts): Promise<void> {
  let bit = bitOfLog
  const record = original.records.find(({ start, end }) => {
    if (bit < 8 * (end - start)) return true
    bit -= 8 * (end - start)
    return false
  })!
  bit += 8 * record.start
  counts.flips++
  const disk = flipped(original.disk, record.file, bit)
  const bytesBefore = disk.read(record.file)
  let store: SegmentStore
  try {
    store = await openOn(disk, original.steps)
  } catch (error) {
    counts.refused++
    const isPlaced =
      error instanceof DamagedStoreError && error.file === record.file && error.offset === record.start
    if (!isPlaced) counts.problems.push(`bit ${bit} of ${record.file}: ${error}`)
    store = await openOn(disk, original.steps, { readOnly: true })
  }
  const problem = (what: string): void => {
    counts.problems.push(`bit ${bit} of ${record.file}, in a ${record.type} at ${record.start}: ${what}`)
  }
  const findings: Finding[] = []
  for await (const finding of store.check()) findings.push(finding)
  const isLastMark = record === original.records[original.records.length - 1]
  if (isLastMark) {
    // Nothing says that it was durable, and nothing is lost with it.
    counts.cut++
    if (disk.read(record.file).length !== record.start) problem('the mark was not cut off')
  } else {
    if (Buffer.compare(disk.read(record.file), bytesBefore) !== 0) problem('the file was changed')
    for (const missing of missed(record, bit >> 3, findings)) problem(missing)
  }
  for (const { ref, bytes } of original.chunks) {
    const read = await store.get(ref).catch((error: unknown) => error)
    const isNamed = findings.some(({ refs }) => refs.some((damaged) => damaged.equals(ref)))
    if (read instanceof DamagedChunkError ? !isNamed : isNamed) problem(`check is wrong about chunk ${ref}`)
    if (!(read instanceof DamagedChunkError) && Buffer.compare(read as Uint8Array, bytes) !== 0)
      problem(`chunk ${ref} reads wrong`)
  }
  await store.close()
}

/** What the findings do not say of damage at `byte` of the record. */
function missed(record: RecordSpan, byte: number, findings: readonly Finding[]): string[] {
  const isPlaced = findings.some(
    ({ message }) => message.includes(record.file) && message.includes(`at byte ${record.start}:`),
  )
  if (!isPlaced) return [`not found at ${record.start}: ${findings.map(({ message }) => message).join('; ')}`]
  if (record.type !== 'block' || byte < record.payloadStart || record.isPacked) return []
  const hit = record.chunks.filter(({ start, end }) => start <= byte && byte < end).map(({ ref }) => ref)
  const named = findings.flatMap(({ refs }) => refs.map(String))
  return String(hit) === String(named) ? [] : [`named ${named} and not ${hit}`]
}

test('a damaged chunk is mended by putting the same bytes, whichever it is', async () => {
  const random = new Random(seed)
  let healed = 0
  let tried = 0
  for (const segmentBytes of [undefined, 5000]) {
    const original = await smallStore(random, 17, segmentBytes)
    for (const { file, chunks } of original.records) {
      for (const { ref, start, end } of chunks) {
        const chunk = original.chunks.find((each) => each.ref.toString() === ref)!
        const disk = flipped(original.disk, file, 8 * start + random.below(8 * (end - start)))
        const store = await openOn(disk, original.steps)
        const read = await store.get(chunk.ref).catch((error: unknown) => error)
        // Of a packed block some bits do not count.
        if (read instanceof Uint8Array) {
          await store.close()
          continue
        }
        tried++
        expect(read).toBeInstanceOf(DamagedChunkError)
        await store.put([chunk])
        await store.flush()
        const first = await store.get(chunk.ref)
        await store.close()
        // With an index that knows only the damaged copy, and with none.
        const again = await openOn(disk, original.steps)
        const second = await again.get(chunk.ref)
        await again.close()
        const rebuilt = await openOn(disk, [])
        const third = await rebuilt.get(chunk.ref)
        await rebuilt.close()
        const isHealed = [first, second, third].every(
          (bytes) => bytes && Buffer.compare(bytes, chunk.bytes) === 0,
        )
        healed += isHealed ? 1 : 0
      }
    }
  }
  console.log(`healing: ${healed} of ${tried} damaged chunks (seed ${seed})`)
  expect(healed, `NOMSY_SEED=${seed}`).toBe(tried)
  expect(tried).toBeGreaterThan(100)
})
