/**
 * I2, I7: a log that was cut short gives what comes before the cut, unless more was known to be durable; and damage
 * in what was known to be durable is told of, with its place, and nothing is cut off.
 */

import { describe, expect, test } from 'vitest'
import { DamagedStoreError } from '../../src/errors.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import type { IndexStep } from '../crash/crash-index.js'
import type { Disk } from '../crash/disk.js'
import type { Contents } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { seed } from '../seed.js'
import {
  contentsOfRecords,
  flipped,
  namesIn,
  openOn,
  overwritten,
  type RecordSpan,
  smallStore,
} from './small-store.js'

describe('a log cut at any byte', () => {
  test('of one segment gives exactly what comes before, where no index says that there was more', async () => {
    const store = await smallStore(new Random(seed), 11)
    const { file } = store.records[0]!
    const whole = store.disk.read(file)
    const problems: string[] = []
    for (let length = 0; length < whole.length; length++) {
      const disk = overwritten(store.disk, file, whole.slice(0, length))
      const outcome = await namesOn(disk, [])
      const before = store.records.filter(({ end }) => end <= length)
      const isHeaderThere = before.length > 0
      const expected = isHeaderThere ? inWords(contentsOfRecords(before)) : damagedAt(file, 0)
      if (outcome !== expected) problems.push(`cut at ${length}: ${outcome}`)
      const end = isHeaderThere ? before[before.length - 1]!.end : length
      if (disk.read(file).length !== end) problems.push(`cut at ${length}: the log does not end at ${end}`)
    }
    report('one segment, no index', whole.length, problems)
    expect(whole.length).toBeGreaterThan(12_000)
  })

  test('in the last segment is damage where the index says that there was more', async () => {
    const problems: string[] = []
    let cutCount = 0
    for (const segmentBytes of [undefined, 5000]) {
      const store = await smallStore(new Random(seed), 11, segmentBytes)
      const { file } = store.records[store.records.length - 1]!
      const whole = store.disk.read(file)
      const { position } = store.steps[store.steps.length - 1] as Exclude<IndexStep, 'clear'>
      for (let length = 0; length < whole.length; length++) {
        cutCount++
        const disk = overwritten(store.disk, file, whole.slice(0, length))
        const outcome = await namesOn(disk, store.steps)
        // The last mark alone may go, about which the index knows nothing.
        const isKnown = length < position.offset
        const expected = isKnown ? damagedAt(file, length) : inWords(contentsOfRecords(store.records))
        if (outcome !== expected) problems.push(`${file} cut at ${length}: ${outcome}`)
        if (isKnown && disk.read(file).length !== length)
          problems.push(`${file} cut at ${length}: cut further`)
      }
    }
    report('the last segment cut, with an index', cutCount, problems)
  })

  test('in an earlier segment costs its chunks only, all of which a check names, also once more was written', async () => {
    const store = await smallStore(new Random(seed), 11, 5000)
    const last = store.records[store.records.length - 1]!.file
    const files = [...new Set(store.records.map(({ file }) => file))].filter((file) => file !== last)
    const problems: string[] = []
    let cutCount = 0
    for (const file of files) {
      const whole = store.disk.read(file)
      const starts = store.records.filter((record) => record.file === file).map(({ start }) => start)
      const lengths = [
        ...starts,
        ...Array.from({ length: 40 }, (_, index) => Math.floor((index * whole.length) / 40)),
      ]
      for (const [index, length] of lengths.entries()) {
        cutCount++
        const disk = overwritten(store.disk, file, whole.slice(0, length))
        const writer = await openOn(disk, store.steps, { segmentBytes: 1 })
        if (index % 2 === 1) {
          // A new segment, whose checkpoint repeats what the segments' sizes were.
          await writer.put([chunkOf(new Uint8Array(1)), chunkOf(new Uint8Array(2))])
          await writer.flush()
          await writer.put([chunkOf(new Uint8Array(3))])
          await writer.flush()
        }
        const named = new Set<string>()
        const messages: string[] = []
        for await (const { message, refs } of writer.check()) {
          messages.push(message)
          for (const ref of refs) named.add(ref.toString())
        }
        if (!messages.some((message) => message.includes(file)))
          problems.push(`${file} cut at ${length}: a check finds ${messages.join('; ')}`)
        for (const { ref } of store.chunks) {
          const isRead = await writer.get(ref).then(
            () => true,
            () => false,
          )
          if (isRead === named.has(ref.toString()))
            problems.push(`${file} cut at ${length}: wrong about ${ref}`)
        }
        await writer.close()
        if (index % 2 === 0) continue
        const rebuilt = await namesOn(disk, [])
        if (!rebuilt.startsWith(`NOMSY_DAMAGED_STORE ${file} `))
          problems.push(`${file} cut at ${length}, written to, without an index: ${rebuilt}`)
      }
    }
    report('an earlier segment cut, with an index', cutCount, problems)
    expect(files.length).toBeGreaterThan(1)
  })

  test('of several segments is damage before the last one, and a prefix there, where there is no index', async () => {
    const store = await smallStore(new Random(seed), 11, 5000)
    const files = [...new Set(store.records.map(({ file }) => file))]
    const last = files[files.length - 1]!
    const problems: string[] = []
    let cutCount = 0
    for (const file of files) {
      const whole = store.disk.read(file)
      for (let length = 0; length < whole.length; length += file === last ? 1 : 7) {
        cutCount++
        const disk = overwritten(store.disk, file, whole.slice(0, length))
        const outcome = await namesOn(disk, [])
        if (file === last) {
          // Cut before the end of its checkpoint, the segment was never begun; all before it is still there.
          const before = store.records.filter((record) => record.file !== last || record.end <= length)
          const expected = inWords(contentsOfRecords(before))
          if (outcome !== expected) problems.push(`${file} cut at ${length}: ${outcome}`)
        } else if (!outcome.startsWith(`NOMSY_DAMAGED_STORE ${file} `)) {
          problems.push(`${file} cut at ${length}: ${outcome}`)
        }
      }
    }
    report('several segments, no index', cutCount, problems)
  })
})

describe('damage before a durable record', () => {
  /** What is done to a record's bytes, in place. */
  const DAMAGES: readonly (readonly [
    string,
    (bytes: Uint8Array, record: RecordSpan, random: Random) => void,
  ])[] = [
    ['its magic gone', (bytes, { start }) => bytes.fill(0, start, start + 4)],
    [
      'a bit of its header flipped',
      (bytes, { start }, random) => {
        const bit = 8 * start + random.below(8 * 32)
        bytes[bit >> 3]! ^= 1 << (bit & 7)
      },
    ],
    ['zeros for all of it', (bytes, { start, end }) => bytes.fill(0, start, end)],
    ['noise for all of it', (bytes, { start, end }, random) => bytes.set(random.bytes(end - start), start)],
  ]

  test.each(DAMAGES)('is told of at every record: %s', async (title, damage) => {
    const random = new Random(seed)
    const problems: string[] = []
    let count = 0
    for (const segmentBytes of [undefined, 5000]) {
      const store = await smallStore(random, 11, segmentBytes)
      // The last mark is what says that all before it is durable; nothing says so of it.
      for (const record of store.records.slice(0, -1)) {
        const { file, start, type } = record
        const bytes = Uint8Array.from(store.disk.read(file))
        damage(bytes, record, random)
        const disk = overwritten(store.disk, file, bytes)
        const key = disk.key
        const outcome = await namesOn(disk, [])
        count++
        if (outcome !== damagedAt(file, start)) problems.push(`${type} at ${start} of ${file}: ${outcome}`)
        if (disk.key !== key) problems.push(`${type} at ${start} of ${file}: the log was changed`)
        // Who only reads is told of the same place, and of all records that are not hit.
        const reader = await openOn(disk, [], { readOnly: true })
        const messages: string[] = []
        for await (const { message } of reader.check()) messages.push(message)
        if (!messages.some((message) => message.includes(file) && message.includes(`at byte ${start}`)))
          problems.push(`${type} at ${start} of ${file}: a reader is told ${messages.join('; ')}`)
        const { refs } = await namesIn(reader)
        const lost = store.chunks.filter(({ ref }) => !refs.has(ref.toString())).map(({ ref }) => String(ref))
        if (lost.some((ref) => !record.chunks.some((chunk) => chunk.ref === ref)))
          problems.push(`${type} at ${start} of ${file}: a reader misses more than what was hit`)
        await reader.close()
      }
    }
    report(`damage, ${title}`, count, problems)
    expect(count).toBeGreaterThan(50)
  })

  test('in the payload of a head or a checkpoint is told of, in that of a block costs its chunks only', async () => {
    const random = new Random(seed)
    const problems: string[] = []
    let count = 0
    for (const segmentBytes of [undefined, 5000]) {
      const store = await smallStore(random, 11, segmentBytes)
      for (const { file, type, start, payloadStart, end } of store.records.slice(0, -1)) {
        if (payloadStart === end) continue
        const disk = flipped(store.disk, file, 8 * payloadStart + random.below(8 * (end - payloadStart)))
        const bytes = disk.read(file)
        const outcome = await namesOn(disk, [])
        const expected = type === 'block' ? inWords(contentsOfRecords(store.records)) : damagedAt(file, start)
        count++
        if (outcome !== expected) problems.push(`${type} at ${start} of ${file}: ${outcome}`)
        if (Buffer.compare(disk.read(file), bytes) !== 0)
          problems.push(`${type} at ${start} of ${file}: changed`)
      }
    }
    report('damage in payloads', count, problems)
    expect(count).toBeGreaterThan(50)
  })
})

/** Opens what is on `disk` and gives what it says; the code, place and file of the error where it is refused. */
async function namesOn(disk: Disk, steps: readonly IndexStep[]): Promise<string> {
  try {
    const store = await openOn(disk, steps)
    const names = await namesIn(store)
    await store.close()
    return inWords(names)
  } catch (error) {
    if (error instanceof DamagedStoreError) return `${error.code} ${error.file} ${error.offset}`
    return String(error)
  }
}

function damagedAt(file: string, offset: number): string {
  return `NOMSY_DAMAGED_STORE ${file} ${offset}`
}

function inWords({ heads, refs }: Contents): string {
  return `heads ${[...heads].sort().join(' ')} chunks ${[...refs].sort().join(' ')}`
}

function report(title: string, count: number, problems: readonly string[]): void {
  console.log(`${title}: ${count} tried, ${problems.length} wrong (seed ${seed})`)
  expect(
    problems.slice(0, 5).map((problem) => problem.slice(0, 400)),
    `NOMSY_SEED=${seed}`,
  ).toEqual([])
}
