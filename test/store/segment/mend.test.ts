/** A log that is damaged anywhere opens for writing once it is mended, with all that can still be read. */

import { describe, expect, test } from 'vitest'
import { mendStore } from '../../../src/store/segment/mend-store.js'
import type { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { readFormat, segmentFile } from '../../../src/store/segment/store-format.js'
import { CrashFs } from '../../crash/crash-fs.js'
import { CrashIndex, type IndexStep } from '../../crash/crash-index.js'
import type { Disk } from '../../crash/disk.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'
import {
  namesIn,
  openOn,
  overwritten,
  PATH,
  type RecordSpan,
  type SmallStore,
  smallStore,
} from '../small-store.js'

const { NOMSY_TORTURE } = process.env
const TRIALS = NOMSY_TORTURE === '1' ? 4000 : 150

/** A disk, and the index that goes with it as it changes. */
interface Machine {
  readonly disk: Disk
  readonly steps: IndexStep[]
}

function optionsFor({ disk, steps }: Machine): Parameters<typeof mendStore>[1] {
  return {
    fileSystem: new CrashFs({ disk }),
    openIndex: () => CrashIndex.open({ steps: [...steps], onStep: (step) => steps.push(step) }),
  }
}

/** Ways to damage bytes of a file; each gives the file's bytes. */
const DAMAGES: readonly (readonly [
  string,
  (bytes: Uint8Array, record: RecordSpan, random: Random) => Uint8Array,
])[] = [
  [
    'a bit of the header',
    (bytes, { start, type }, random) => flip(bytes, start, type === 'header' ? 36 : 32, random),
  ],
  [
    'a bit of the payload',
    (bytes, { payloadStart, end }, random) => flip(bytes, payloadStart, end - payloadStart, random),
  ],
  ['zeros', (bytes, { start, end }) => bytes.fill(0, start, end)],
  [
    'noise from here to the end',
    (bytes, { start }, random) => bytes.map((byte, at) => (at < start ? byte : random.below(256))),
  ],
  ['cut off', (bytes, { start }, random) => bytes.slice(0, start + random.below(9))],
  [
    'bytes put in',
    (bytes, { start }) => Uint8Array.of(...bytes.slice(0, start), 1, 2, 3, ...bytes.slice(start)),
  ],
  [
    'garbage at the end',
    (bytes, _, random) => Uint8Array.of(...bytes, ...Array.from({ length: random.below(60) }, () => 7)),
  ],
]

function flip(bytes: Uint8Array, start: number, length: number, random: Random): Uint8Array {
  const bit = random.below(8 * Math.max(length, 1))
  if (start + (bit >> 3) < bytes.length) bytes[start + (bit >> 3)]! ^= 1 << (bit & 7)
  return bytes
}

describe.each([
  ['with its index', true],
  ['without an index', false],
])('a store that is mended %s', (title, hasIndex) => {
  test.each([
    ['one segment', undefined],
    ['several segments', 4000],
  ])('of %s can be written, and has all that was not hit', async (segments, segmentBytes) => {
    const random = new Random(seed)
    const original = await smallStore(random, 12, segmentBytes)
    const expected = await namesIn(await openOn(original.disk, original.steps))
    const problems: string[] = []
    let mendedCount = 0
    let lostCount = 0
    for (let trial = 0; trial < TRIALS; trial++) {
      const [what, damage] = random.pick(DAMAGES)
      const record = random.pick(original.records)
      const whole = original.disk.read(record.file)
      const bytes = damage(Uint8Array.from(whole), record, random)
      const disk = overwritten(original.disk, record.file, bytes)
      const machine = { disk, steps: hasIndex ? [...original.steps] : [] }
      const where = `${what} at ${record.start} of ${record.file}, a ${record.type}`
      try {
        await mendStore(PATH, { ...optionsFor(machine), onMended: () => mendedCount++ })
        const store = await openOn(disk, machine.steps)
        for (const problem of await problemsIn(store, original, bytes, record.file))
          problems.push(`${where}: ${problem}`)
        const heads = (await namesIn(store)).heads
        if (hasIndex && String([...heads].sort()) !== String([...expected.heads].sort()))
          problems.push(`${where}: heads are ${[...heads]} and not ${[...expected.heads]}`)
        lostCount += expected.refs.size - (await namesIn(store)).refs.size
        await store.put([original.chunks[0]!])
        await store.close()
      } catch (error) {
        problems.push(`${where}: ${(error as Error).stack}`)
      }
    }
    console.log(
      `mended ${title}, ${segments}: ${TRIALS} damages, ${mendedCount} things mended, ${lostCount} chunks gone (seed ${seed})`,
    )
    expect(problems.slice(0, 5), `NOMSY_SEED=${seed}`).toEqual([])
    expect(mendedCount).toBeGreaterThan(TRIALS / 4)
  })
})

/** What is not as it should be after a repair: the log is whole, and chunks whose bytes are still there can be read. */
async function problemsIn(
  store: SegmentStore,
  original: SmallStore,
  damaged: Uint8Array,
  file: string,
): Promise<string[]> {
  const problems: string[] = []
  for await (const { message, refs } of store.check()) if (refs.length === 0) problems.push(message)
  const spans = new Map(
    original.records.flatMap((record) => record.chunks.map((chunk) => [chunk.ref, { record, chunk }])),
  )
  const whole = original.disk.read(file)
  for (const { ref, bytes } of original.chunks) {
    const { record, chunk } = spans.get(ref.toString())!
    // Its record was not touched at all.
    const isSame =
      record.file !== file ||
      Buffer.compare(damaged.subarray(record.start, record.end), whole.subarray(record.start, record.end)) ===
        0
    const isBytesSame =
      record.file !== file ||
      Buffer.compare(damaged.subarray(chunk.start, chunk.end), whole.subarray(chunk.start, chunk.end)) === 0
    const read = await store.get(ref).catch((error: unknown) => error)
    if (read instanceof Uint8Array) {
      if (Buffer.compare(read, bytes) !== 0) problems.push(`chunk ${ref} reads wrong`)
    } else if (isSame) problems.push(`chunk ${ref} is gone, and was not hit`)
    else if (isBytesSame && !record.isPacked && isHeadNearlySame(damaged, whole, record))
      problems.push(`chunk ${ref} of a raw block is gone, and its bytes are there`)
  }
  return problems
}

/** Whether one bit of a record's header and directory is wrong at most. */
function isHeadNearlySame(
  damaged: Uint8Array,
  whole: Uint8Array,
  { start, payloadStart }: RecordSpan,
): boolean {
  let bits = 0
  for (let at = start; at < payloadStart; at++) {
    for (let x = (damaged[at] ?? 255) ^ whole[at]!; x > 0; x >>= 1) bits += x & 1
  }
  return bits <= 1
}

test('a segment that is missing costs what was in it', async () => {
  const random = new Random(seed)
  const original = await smallStore(random, 12, 4000)
  const expected = await namesIn(await openOn(original.disk, original.steps))
  const files = [...new Set(original.records.map(({ file }) => file))]
  for (const file of files) {
    for (const hasIndex of [true, false]) {
      const disk = original.disk.fork()
      const machine = { disk, steps: hasIndex ? [...original.steps] : [] }
      await new CrashFs({ disk }).remove(file)
      await mendStore(PATH, optionsFor(machine))
      const store = await openOn(disk, machine.steps)
      const { heads } = await namesIn(store)
      if (hasIndex) expect([...heads].sort(), file).toEqual([...expected.heads].sort())
      for (const { ref, bytes } of original.chunks) {
        const span = original.records.find(({ chunks }) =>
          chunks.some((chunk) => chunk.ref === ref.toString()),
        )!
        const read = await store.get(ref)
        if (span.file !== file) expect(read && Buffer.compare(read, bytes), `${file} ${ref}`).toBe(0)
      }
      for await (const { message } of store.check()) expect.unreachable(message)
      await store.close()
    }
  }
})

test.each([
  ['lost', undefined],
  ['a bit flipped', (bytes: Uint8Array, random: Random) => flip(bytes, 0, bytes.length, random)],
  ['zeros', (bytes: Uint8Array) => bytes.fill(0)],
  ['cut short', (bytes: Uint8Array, random: Random) => bytes.slice(0, random.below(bytes.length))],
])('a store whose FORMAT is %s opens once it is mended, or is refused as a newer one', async (_, damage) => {
  const random = new Random(seed)
  const original = await smallStore(random, 3)
  const expected = await namesIn(await openOn(original.disk, original.steps))
  const { storeId } = (await readFormat(new CrashFs({ disk: original.disk }), PATH))!
  for (let trial = 0; trial < (damage === undefined ? 1 : 100); trial++) {
    const bytes = Uint8Array.from(original.disk.read(`${PATH}/FORMAT`))
    const disk = original.disk.fork()
    if (damage === undefined) await new CrashFs({ disk }).remove(`${PATH}/FORMAT`)
    else disk.overwrite(`${PATH}/FORMAT`, damage(bytes, random))
    const machine = { disk, steps: [...original.steps] }
    const error = await mendStore(PATH, optionsFor(machine)).catch((error: unknown) => error)
    if (error !== undefined) {
      expect(error, `NOMSY_SEED=${seed}`).toMatchObject({ code: 'NOMSY_NEWER_STORE' })
      continue
    }
    expect((await readFormat(new CrashFs({ disk }), PATH))!.storeId).toEqual(storeId)
    const store = await openOn(disk, machine.steps)
    expect(await namesIn(store)).toEqual(expected)
    await store.close()
  }
})

test('a store that is interrupted while it is mended, wherever that is, is mended by doing it again', async () => {
  const random = new Random(seed)
  const original = await smallStore(random, 10, 4000)
  const blocks = original.records.filter(({ type, segment }) => type === 'block' && segment === 1)
  const heads = original.records.filter(({ type }) => type === 'head')
  let disk = original.disk.fork()
  for (const { file, start } of [
    blocks[0]!,
    blocks[blocks.length - 1]!,
    heads[1]!,
    heads[heads.length - 1]!,
  ]) {
    const bytes = Uint8Array.from(disk.read(file))
    bytes[start + 28]! ^= 16
    disk = overwritten(disk, file, bytes)
  }
  const expected = await namesIn(await openOn(original.disk, original.steps))
  let points = 0
  for (let limit = 0; ; limit++) {
    const machine = { disk: disk.fork(), steps: [...original.steps] }
    const { fileSystem, openIndex } = optionsFor(machine)!
    let count = 0
    const failing = new Proxy(fileSystem!, {
      get(target, name, receiver) {
        const value = Reflect.get(target, name, receiver)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (count++ >= limit) return Promise.reject(Object.assign(new Error('stopped'), { code: 'EIO' }))
          return value.apply(target, args)
        }
      },
    })
    const failure = await mendStore(PATH, { fileSystem: failing, openIndex }).catch((error: unknown) => error)
    if (failure === undefined) break
    points++
    await mendStore(PATH, optionsFor(machine))
    const store = await openOn(machine.disk, machine.steps)
    for await (const { message } of store.check()) expect.unreachable(`stopped at ${limit}: ${message}`)
    expect(await namesIn(store), `stopped at ${limit}, NOMSY_SEED=${seed}`).toEqual(expected)
    await store.close()
  }
  console.log(`mending stopped at ${points} operations`)
  expect(points).toBeGreaterThan(30)
})

test('a directory that is no store is left alone', async () => {
  const original = await smallStore(new Random(seed), 2)
  const fs = new CrashFs({ disk: original.disk.fork() })
  await fs.makeDir('/other')
  const options = { fileSystem: fs, openIndex: () => expect.unreachable('an index was opened') }
  await expect(mendStore('/other', options)).rejects.toMatchObject({ code: 'NOMSY_NO_STORE' })
  await expect(mendStore('/absent', options)).rejects.toMatchObject({ code: 'NOMSY_NO_STORE' })
  await (await fs.create('/other/notes.txt')).close()
  await expect(mendStore('/other', options)).rejects.toMatchObject({ code: 'NOMSY_FOREIGN_STORE' })
  expect(await fs.readDir('/other')).toEqual(['notes.txt'])
  expect(segmentFile(PATH, 1)).toContain(PATH)
})
