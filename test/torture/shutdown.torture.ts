/**
 * D6: a file system that ends while a process works on a store, by its own ioctl: nothing that it has in memory reaches the
 * disk any more, its journal neither. Mounted anew, what is there must open, be whole and have all that was acknowledged.
 * A process that does not sync must be caught.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { StoreChild } from '../crash/child.js'
import { Ledger, type Note } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'
import { EXT4, emptyFileSystem, type FileSystemKind, withMounted, XFS } from './block-device.js'
import { requireRoot, share } from './requirements.js'

const run = promisify(execFile)

/** EXT4_IOC_SHUTDOWN, and XFS_IOC_GOINGDOWN, which has the same number. */
const SHUTDOWN = 0x8004587d

/** Whether the journal is written before: as after a crash that came later, or not. */
const FLUSHES_LOG = 1
const FLUSHES_NOTHING = 2

/** Until the file system ends, and how often that is done with one before a new one is made, which has room. */
const MAX_DELAY_MS = 150
const SHUTDOWNS_PER_DISK = 10

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-shutdown-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

describe('the end of a file system', () => {
  test.for([EXT4, XFS])('$title loses nothing that was acknowledged', async (kind, context) => {
    const count = share(300)
    requireRoot(context, `${count} shutdowns of ${kind.title}`, 'perl', kind.make[0])
    const { problems, acknowledged } = await shutDownOften(kind, count)
    console.log(
      `shutdowns of ${kind.title}: ${count}, ${acknowledged} calls acknowledged before them, ${problems.length} violations (seed ${seed})`,
    )
    expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
    expect(acknowledged).toBeGreaterThan(count)
  })

  test.for([EXT4, XFS])('$title is noticed by a process that is unsynced', async (kind, context) => {
    const count = share(50)
    requireRoot(context, `${count} shutdowns of ${kind.title}, unsynced`, 'perl', kind.make[0])
    const { problems } = await shutDownOften(kind, count, 'unsynced')
    console.log(
      `shutdowns of ${kind.title} under a process that is unsynced: ${problems.length} violations in ${count}`,
    )
    expect(problems.length).toBeGreaterThan(0)
  })
})

interface Outcome {
  readonly problems: readonly string[]
  readonly acknowledged: number
}

async function shutDownOften(kind: FileSystemKind, count: number, mode?: string): Promise<Outcome> {
  const random = new Random(seed)
  const problems: string[] = []
  let acknowledged = 0
  const image = join('/dev/shm', `nomsy-shutdown-${process.pid}`)
  const path = join(directory, 'store')
  let ledger = new Ledger()
  let usesLeft = 0
  try {
    for (let index = 0; index < count; index++) {
      if (usesLeft-- === 0) {
        await writeFile(image, await emptyFileSystem(kind))
        ledger = new Ledger()
        usesLeft = SHUTDOWNS_PER_DISK - 1
      }
      const flag = random.chance(0.75) ? FLUSHES_NOTHING : FLUSHES_LOG
      const where = `${kind.title}, shutdown ${index}, flag ${flag}`
      const { notes, errors } = await withMounted(kind, image, directory, () =>
        workUntilTheEnd(path, random, flag, mode),
      )
      if (errors !== '' && !errors.includes("code: 'NOMSY_")) problems.push(`${where}: ${errors}`)
      for (const note of notes) ledger.take(note)
      acknowledged += notes.filter((note) => note.kind === 'acknowledged').length
      const found = await withMounted(kind, image, directory, () => problemsOf(path, ledger)).catch(
        (error) => [String(error)],
      )
      problems.push(...found.map((problem) => `${where}: ${problem}`))
      // What goes on from there would be told again and again.
      if (found.length > 0) usesLeft = 0
    }
  } finally {
    await rm(image, { force: true })
  }
  return { problems, acknowledged }
}

interface Work {
  readonly notes: readonly Note[]
  /** What the process met, if it ended before it was killed. */
  readonly errors: string
}

/** Has a process work on the store until its file system has ended. */
async function workUntilTheEnd(path: string, random: Random, flag: number, mode?: string): Promise<Work> {
  const child = new StoreChild(built.path, path, mode)
  try {
    await child.go()
    // Some while they open the store, most while they work on it.
    if (random.chance(0.8)) await child.says('open')
    await sleep(random.below(MAX_DELAY_MS + 1))
  } finally {
    await shutDown(flag)
  }
  // What it is told by then it may still say.
  await sleep(20)
  const { lines, errors } = await child.kill()
  const notes = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Note)
  return { notes, errors }
}

async function shutDown(flag: number): Promise<void> {
  const program = 'open(my $d, "<", $ARGV[0]) or die $!; ioctl($d, $ARGV[1], pack("L", $ARGV[2])) or die $!'
  await run('perl', ['-e', program, directory, String(SHUTDOWN), String(flag)])
}

/** What is wrong with what is found; from then on that counts as acknowledged. */
async function problemsOf(path: string, ledger: Ledger): Promise<string[]> {
  const store = await SegmentStore.open(path, { segmentBytes: 64 * 1024 })
  try {
    const seen = await contentsOf(store)
    const problems = ledger.problems(seen)
    for await (const { message } of store.check()) problems.push(message)
    ledger.take({ kind: 'opened', seen })
    return problems
  } finally {
    await store.close()
  }
}
