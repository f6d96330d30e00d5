/**
 * D5: the power fails while a process works on a store, on real file systems. Their disk is served by this process and
 * keeps a journal; what a cut leaves of it is mounted, and the store there must open, be whole and have all that had been
 * acknowledged. A process that does not sync, or syncs late, must be caught.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { StoreChild } from '../crash/child.js'
import { Ledger, type Note } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'
import {
  EXT4,
  EXT4_WRITEBACK,
  emptyFileSystem,
  type FileSystemKind,
  ServedDisk,
  withMounted,
  XFS,
} from './block-device.js'
import type { JournalEntry } from './nbd-server.js'
import { FATES, PowerCuts } from './power-cut.js'
import { requireRoot, share } from './requirements.js'

/** Entries of the journal that one recording goes on for. */
const JOURNAL_ENTRIES = 1500
const CUTS_PER_RECORDING = 100

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-cuts-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

describe('a loss of power', () => {
  test.for([
    { kind: EXT4, full: 1000 },
    { kind: EXT4_WRITEBACK, full: 1000 },
    { kind: XFS, full: 500 },
  ])(
    'on $kind.title loses nothing that was acknowledged',

    async ({ kind, full }, context) => {
      const cutCount = share(full)
      requireRoot(context, `${cutCount} cuts on ${kind.title}`, 'nbdfuse', kind.make[0])
      const result = await cutOften(kind, 'synced', cutCount)
      console.log(
        `power cuts on ${kind.title}: ${result.cuts}, ${result.acknowledged} calls acknowledged before them, ${result.problems.length} violations (seed ${seed})`,
      )
      expect(result.problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
      expect(result.acknowledged).toBeGreaterThan(cutCount)
    },
  )

  test.each(['unsynced', 'late'] as const)(
    'is noticed by a process that is %s',
    { timeout: 600_000 },
    async (mode) => {
      const result = await cutOften(EXT4, mode, share(200))
      console.log(
        `power cuts under a process that is ${mode}: ${result.problems.length} violations in ${result.cuts}`,
      )
      expect(result.problems.length).toBeGreaterThan(0)
    },
  )
})

interface Recording {
  readonly before: Buffer
  readonly journal: readonly JournalEntry[]
  /** What the process said, each with the number of entries there were when it was heard. */
  readonly notes: readonly { readonly note: Note; readonly entryCount: number }[]
}

async function cutOften(kind: FileSystemKind, mode: 'synced' | 'unsynced' | 'late', cutCount: number) {
  const random = new Random(seed)
  const result = { cuts: 0, acknowledged: 0, problems: [] as string[] }
  const image = join('/dev/shm', `nomsy-cut-${process.pid}`)
  try {
    while (result.cuts < cutCount) {
      const recording = await record(kind, mode)
      const power = new PowerCuts(recording.before, recording.journal)
      for (const count of placesOf(recording, random)) {
        const fate = random.pick(FATES)
        power.write(image, count, fate, random)
        const where = `${kind.title}, cut after ${count} of ${recording.journal.length} entries, ${fate}`
        const { ledger, acknowledged } = knownAt(recording, count)
        result.cuts++
        result.acknowledged += acknowledged
        const problems = await withMounted(kind, image, directory, () => problemsOf(ledger)).catch(
          (error) => [String(error)],
        )
        result.problems.push(...problems.map((problem) => `${where}: ${problem}`))
      }
    }
  } finally {
    await rm(image, { force: true })
  }
  return result
}

/** Has a process work on a store on a new disk, and kills it. */
async function record(kind: FileSystemKind, mode: string): Promise<Recording> {
  const bytes = await emptyFileSystem(kind)
  const before = Buffer.from(bytes)
  const disk = await ServedDisk.mount(kind, bytes)
  const { journal } = disk.server
  const notes: { note: Note; entryCount: number }[] = []
  try {
    const child = new StoreChild(built.path, join(disk.path, 'store'), mode)
    child.onLine = (line) => {
      if (line.startsWith('{')) notes.push({ note: JSON.parse(line), entryCount: journal.length })
    }
    await child.go()
    await child.says('open')
    for (let waits = 0; journal.length < JOURNAL_ENTRIES && waits < 500; waits++) await sleep(20)
    await child.kill()
  } finally {
    await disk.unmount()
  }
  return { before, journal: journal.slice(), notes }
}

/** Where to cut: half of the places right after something was acknowledged. Rising. */
function placesOf({ journal, notes }: Recording, random: Random): number[] {
  const acknowledged = notes.filter(({ note }) => note.kind === 'acknowledged')
  return Array.from({ length: CUTS_PER_RECORDING }, (_, index) =>
    index % 2 === 0 && acknowledged.length > 0
      ? random.pick(acknowledged).entryCount
      : random.below(journal.length + 1),
  ).sort((a, b) => a - b)
}

/**
 * What had been acknowledged after `count` entries. All that was asked for in the whole recording may be there: what the
 * process says is heard a little later than the disk hears of it.
 */
function knownAt({ notes }: Recording, count: number): { ledger: Ledger; acknowledged: number } {
  const ledger = new Ledger()
  let acknowledged = 0
  for (const { note, entryCount } of notes) {
    if (note.kind === 'acknowledged' && entryCount > count) continue
    ledger.take(note)
    if (note.kind === 'acknowledged') acknowledged++
  }
  return { ledger, acknowledged }
}

async function problemsOf(ledger: Ledger): Promise<string[]> {
  const store = await SegmentStore.open(join(directory, 'store'), { segmentBytes: 64 * 1024 })
  try {
    const problems = ledger.problems(await contentsOf(store))
    for await (const { message } of store.check()) problems.push(message)
    return problems
  } finally {
    await store.close()
  }
}
