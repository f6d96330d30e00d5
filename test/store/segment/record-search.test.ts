/** The search for records goes at the same speed through bytes that are made to look like their headers. */

import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Ref } from '../../../src/hash/ref.js'
import { CrcRanges, crcState } from '../../../src/store/segment/crc-ranges.js'
import { CODEC_NONE, encodeRecordHead } from '../../../src/store/segment/record.js'
import { RecordSearch } from '../../../src/store/segment/record-search.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'

const STORE_ID = new Uint8Array(16).fill(7)
const MIB = 1024 * 1024

test('the CRC of a range is that of its bytes', () => {
  const random = new Random(seed)
  const bytes = Uint8Array.from({ length: 120_000 }, () => random.below(256))
  const ranges = new CrcRanges(bytes)
  for (let trial = 0; trial < 200; trial++) {
    const count = trial < 10 ? trial : random.below(4097)
    const start = random.below(bytes.length - 24 * count)
    const first = [bytes.slice(0, random.below(50)), bytes.slice(7, 7 + random.below(9))]
    const all = [...first, bytes.subarray(start, start + 24 * count)]
    const expected = all.reduce((crc, part) => crc32(part, crc), 0)
    expect(ranges.withDirectory(crcState(first), start, count), `NOMSY_SEED=${seed}`).toBe(expected)
  }
})

describe('a record', () => {
  const header = {
    type: 'block' as const,
    codec: CODEC_NONE,
    chunkCount: 1,
    storedBytes: 9,
    rawBytes: 9,
    syncedBytes: 0,
    payloadCrc: 0,
  }

  function record(offset: number): Uint8Array {
    const directory = [{ ref: Ref.of(new Uint8Array(9)), offset: 0, length: 9 }]
    return encodeRecordHead({ storeId: STORE_ID, segment: 3, offset }, header, directory)
  }

  test('is found behind a MiB of headers that overlap, in well under what one second would be for each', () => {
    const bytes = new Uint8Array(MIB + 200_000)
    const view = new DataView(bytes.buffer)
    // Each has a directory of 4,096 chunks without bytes, in which the next ones lie.
    for (let at = 0; at + 32 < MIB; at += 24) {
      view.setUint32(at, 0x6e6d7372)
      view.setUint8(at + 4, 1)
      view.setUint32(at + 8, 4096)
    }
    bytes.set(record(5000 + MIB), MIB)
    const search = new RecordSearch(STORE_ID, 3, bytes, 5000)
    const start = performance.now()
    expect(search.next(5000)).toBe(5000 + MIB)
    const ms = performance.now() - start
    console.log(`search through a MiB of false headers: ${ms.toFixed(0)} ms`)
    expect(ms).toBeLessThan(700)
  })

  test('is not found where it was not written', () => {
    const bytes = new Uint8Array(4000)
    bytes.set(record(100), 100)
    expect(new RecordSearch(STORE_ID, 3, bytes, 0).next(0)).toBe(100)
    expect(new RecordSearch(STORE_ID, 4, bytes, 0).next(0)).toBeUndefined()
    expect(new RecordSearch(STORE_ID, 3, bytes, 1).next(0)).toBeUndefined()
  })
})
