/** A store on a disk that cannot read some of its sectors is repaired: what can be read around them is kept. */

import { expect, test } from 'vitest'
import type { FileSystem } from '../../../src/store/segment/file-system.js'
import { mendStore } from '../../../src/store/segment/mend-store.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { CrashFs, systemError } from '../../crash/crash-fs.js'
import { CrashIndex } from '../../crash/crash-index.js'
import type { Disk } from '../../crash/disk.js'
import { type BadPages, unreadablePages } from '../../crash/faulty-fs.js'
import { choices } from '../../crash/images.js'
import { Random } from '../../crash/random.js'
import { Scene } from '../../crash/scene.js'
import { lastPoint } from '../../crash/sweep.js'
import { seed } from '../../seed.js'
import { openOn, PATH, recordsOf, type SmallStore } from '../small-store.js'

const PAGE_BYTES = 4096
const TRIALS = 12

test('what lies around sectors that cannot be read is kept, and the rest is told as lost', async () => {
  const random = new Random(seed)
  const counts = { kept: 0, lost: 0, bytes: 0 }
  for (let trial = 0; trial < TRIALS; trial++) {
    const store = await largeStore(random, trial % 2 === 0 ? undefined : 20_000)
    const bad = somePages(store, random)
    const hit = new Map(bad)
    // The store's id is there and in the headers of segments.
    if ([...bad.values()].some((pages) => !pages.has(0))) bad.set(`${PATH}/FORMAT`, new Set([0]))
    const disk = store.disk.fork()
    const steps = trial % 3 === 0 ? [] : [...store.steps]
    const messages: string[] = []
    const fs = unreadablePages(new CrashFs({ disk }), bad)
    await mendStore(PATH, { ...on(fs, steps), onMended: (message) => messages.push(message) })
    const told = messages.flatMap((message) => /(\d+) bytes cannot be read/.exec(message)?.[1] ?? [])
    counts.bytes += told.reduce((sum, bytes) => sum + Number(bytes), 0)

    // Nothing of it is unreadable any more.
    const mended = await SegmentStore.open(PATH, { ...on(fs, []), create: false })
    const damaged = new Set<string>()
    for await (const { message, refs } of mended.check()) {
      expect(refs.length, message).toBeGreaterThan(0)
      for (const ref of refs) damaged.add(ref.toString())
    }
    for (const { file, start, end, chunks } of store.records) {
      const isHit = hits(hit.get(file), start, end)
      for (const { ref } of chunks) {
        const chunk = store.chunks.find((each) => each.ref.toString() === ref)!
        const read = await mended.get(chunk.ref).catch(() => undefined)
        const where = `NOMSY_SEED=${seed}, trial ${trial}: chunk ${ref} of ${file} at ${start}`
        if (read !== undefined) expect(Buffer.compare(read, chunk.bytes), where).toBe(0)
        else expect(isHit, where).toBe(true)
        expect(read === undefined && (await mended.has(chunk.ref)), where).toBe(damaged.has(ref))
        counts[read === undefined ? 'lost' : 'kept']++
      }
    }
    await mended.put([store.chunks[0]!])
    await mended.close()
  }
  console.log(
    `unreadable sectors: ${TRIALS} stores, ${counts.bytes} bytes; ${counts.kept} chunks kept, ${counts.lost} lost (seed ${seed})`,
  )
  expect(counts.lost).toBeGreaterThan(TRIALS)
  expect(counts.kept).toBeGreaterThan(10 * TRIALS)
})

test('a repair around sectors that cannot be read goes on where it was interrupted, wherever that is', async () => {
  const random = new Random(seed)
  const store = await largeStore(random, 20_000)
  const page = new Set([2])
  const [first] = store.records
  const bad = (): BadPages => new Map([[first!.file, page]])
  const whole = store.disk.fork()
  const wholeFs = new CrashFs({ disk: whole })
  await mendStore(PATH, on(unreadablePages(wholeFs, bad()), []))
  const expected = await readable(whole, store)
  expect(expected.length).toBeLessThan(store.chunks.length)
  const original = store.disk.find(first!.file)!
  const aside = first!.file.replace(/seg$/, 'bad')
  for (let stopAt = 0; stopAt < wholeFs.operationCount; stopAt += 1 + random.below(6)) {
    const disk = store.disk.fork()
    await mendStore(PATH, on(unreadablePages(new CrashFs({ disk, stopAt }), bad()), [])).catch(() => {})
    // The process ends, or the power goes, and with it any of what was not durable.
    const left = random.pick([...choices(disk, random, { subsets: 8, tears: 1 })])
    const found = random.chance(0.3) ? disk : disk.image(left)
    found.endChanges()
    const where = found.find(aside) === original ? aside : first!.file
    const again = found.find(where) === original ? new Map([[where, page]]) : new Map()
    await mendStore(PATH, on(unreadablePages(new CrashFs({ disk: found }), again), []))
    expect(await readable(found, store), `NOMSY_SEED=${seed}, stopped at ${stopAt}`).toEqual(expected)
    expect(found.find(aside), `NOMSY_SEED=${seed}, stopped at ${stopAt}`).toBe(original)
  }
})

test('an error that is not of reading ends a repair', async () => {
  const store = await largeStore(new Random(seed), undefined)
  const fs = new CrashFs({ disk: store.disk.fork() })
  fs.rename = async (from) => Promise.reject(systemError('ENOSPC', from))
  const bad: BadPages = new Map([[store.records[0]!.file, new Set([2])]])
  await expect(mendStore(PATH, on(unreadablePages(fs, bad), []))).rejects.toMatchObject({ code: 'ENOSPC' })
})

/** A store of some 60 KiB, with heads. */
async function largeStore(random: Random, segmentBytes: number | undefined): Promise<SmallStore> {
  const scene = new Scene({ random, maxTurns: 0, segmentBytes })
  await scene.open()
  const chunks = scene.chunks(60, 1000)
  for (let at = 0; at < chunks.length; at += 5) {
    await scene.put(...chunks.slice(at, at + 5))
    await scene.set(`head/${at % 3}`, chunks[at])
  }
  await scene.close()
  const { disk, steps } = lastPoint(scene.journal)
  return { disk, steps, chunks, records: await recordsOf(disk) }
}

/** Some pages of segments. */
function somePages({ records }: SmallStore, random: Random): BadPages {
  const bad: BadPages = new Map()
  for (const { file, end } of records) {
    const pages = bad.get(file) ?? new Set()
    if (random.chance(0.1)) pages.add(random.below(Math.ceil(end / PAGE_BYTES)))
    bad.set(file, pages)
  }
  return bad
}

function hits(pages: ReadonlySet<number> | undefined, start: number, end: number): boolean {
  for (let page = Math.floor(start / PAGE_BYTES); page * PAGE_BYTES < end; page++)
    if (pages?.has(page)) return true
  return false
}

async function readable(disk: Disk, { chunks }: SmallStore): Promise<string[]> {
  const store = await openOn(disk, [])
  const refs: string[] = []
  for (const { ref } of chunks) {
    if ((await store.get(ref).catch(() => undefined)) !== undefined) refs.push(ref.toString())
  }
  await store.close()
  return refs
}

function on(fileSystem: FileSystem, given: readonly Parameters<typeof openOn>[1][number][]) {
  const steps = [...given]
  const openIndex = () => CrashIndex.open({ steps: [...steps], onStep: (step) => steps.push(step) })
  return { fileSystem, openIndex, ballastBytes: 0 }
}
