/**
 * D8, D9: a disk that refuses a write, or cannot read some of what it holds. Of what could not be written nothing is
 * acknowledged, then or later; what cannot be read is a typed error, and all the rest is read.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { Ledger, type Note } from '../crash/ledger.js'
import { Random } from '../crash/random.js'
import { contentsOf } from '../crash/scene.js'
import { seed } from '../seed.js'
import { EXT4, emptyFileSystem, ServedDisk, withMounted } from './block-device.js'
import { requireRoot, share } from './requirements.js'

const run = promisify(execFile)

const CHILD = fileURLToPath(new URL('bad-disk-child.mjs', import.meta.url))
const PAGE_BYTES = 4096

/** What a record of a segment begins with. */
const RECORD_MAGIC = 'nmsr'

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-bad-disk-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

test('of what the disk did not take nothing is acknowledged', async (context) => {
  const runs = share(100)
  requireRoot(context, `${runs} disks that refuse a write`, 'nbdfuse', 'mkfs.ext4')
  const random = new Random(seed)
  const problems: string[] = []
  const codes = new Map<string, number>()
  for (let index = 0; index < runs; index++) {
    const { bytes, ledger, failed, later } = await refuseOneWrite(1 + random.below(20))
    codes.set(failed, (codes.get(failed) ?? 0) + 1)
    const found = await problemsOf(bytes, ledger)
    if (!/^NOMSY_/.test(failed)) found.push(failed)
    if (!/^NOMSY_/.test(later)) found.push(`after the error, the disk being well again: ${later}`)
    problems.push(...found.map((problem) => `run ${index}: ${problem}`))
  }
  const refusals = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
  console.log(`writes refused by the disk: ${refusals}, ${problems.length} violations (seed ${seed})`)
  expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
})

test('sectors that cannot be read cost the chunks in them and nothing else, and are repaired around', async (context) => {
  const rounds = share(8)
  requireRoot(context, `${rounds} disks with bad sectors`, 'nbdfuse', 'mkfs.ext4', 'debugfs')
  const random = new Random(seed)
  const counts = { sectors: 0, right: 0, lost: 0, mended: 0 }
  const problems: string[] = []
  for (let round = 0; round < rounds; round++) {
    const { bytes, ledger } = await fill()
    const bad = new Set((await pagesOfSegments(bytes)).filter(() => random.chance(0.1)))
    counts.sectors += bad.size
    const disk = await ServedDisk.mount(EXT4, bytes)
    disk.server.faults = {
      failsRead: (offset, length) => {
        for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < offset + length; page++)
          if (bad.has(page)) return true
        return false
      },
    }
    try {
      const { said } = await runChild(join(disk.path, 'store'), 'read')
      const results = said.map((line) => JSON.parse(line) as { ref: string; is: string })
      for (const { ref, is } of results) {
        if (is === 'right') counts.right++
        else if (is === 'NOMSY_DAMAGED_CHUNK' || is === 'NOMSY_STORE_FAILED') counts.lost++
        else problems.push(`chunk ${ref} is ${is}`)
      }
      const { said: mended } = await runChild(join(disk.path, 'store'), 'mend')
      counts.mended += mended.filter((line) => line.includes('cannot be read')).length
      const { said: again } = await runChild(join(disk.path, 'store'), 'read')
      const after = new Map(again.map((line) => JSON.parse(line)).map(({ ref, is }) => [ref, is]))
      for (const { ref, is } of results) {
        if (is === 'right' && after.get(ref) !== 'right')
          problems.push(`chunk ${ref} was there before it was repaired`)
      }
      for (const [ref, is] of after)
        if (is !== 'right' && is !== 'NOMSY_DAMAGED_CHUNK')
          problems.push(`once repaired chunk ${ref} is ${is}`)
      const seen = { heads: new Map<string, string>(), refs: new Set(results.map(({ ref }) => ref)) }
      problems.push(...ledger.problems(seen).filter((problem) => problem.startsWith('acknowledged')))
    } finally {
      await disk.unmount()
    }
  }
  const { sectors, right, lost, mended } = counts
  console.log(
    `bad sectors: ${sectors}; ${right} chunks read, ${lost} refused, ${mended} segments mended, ${problems.length} violations (seed ${seed})`,
  )
  expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
  expect(lost).toBeGreaterThan(0)
  expect(right).toBeGreaterThan(0)
  expect(mended).toBeGreaterThan(0)
})

interface Refusal {
  readonly bytes: Buffer
  readonly ledger: Ledger
  /** With which code the process met the refusal, and what came of its next try. */
  readonly failed: string
  readonly later: string
}

/** Has a process write to a new disk that refuses the `failing`th write of records. */
async function refuseOneWrite(failing: number): Promise<Refusal> {
  const bytes = await emptyFileSystem(EXT4)
  const disk = await ServedDisk.mount(EXT4, bytes)
  try {
    let writes = 0
    disk.server.faults = {
      failsWrite: (_, written) => Buffer.from(written).includes(RECORD_MAGIC) && ++writes === failing,
    }
    const { said } = await runChild(join(disk.path, 'store'), 'write', () => {
      disk.server.faults = {}
    })
    const ledger = new Ledger()
    const lines = said.map((line) => JSON.parse(line) as Note & { failed?: string; later?: string })
    for (const line of lines) if (line.kind !== undefined) ledger.take(line)
    const failed = lines.find((line) => line.failed !== undefined)?.failed ?? 'it ended'
    const later = lines.find((line) => line.later !== undefined)?.later ?? 'it ended'
    return { bytes, ledger, failed, later }
  } finally {
    await disk.unmount()
  }
}

/** Has a process write to a new disk and close its store. */
async function fill(): Promise<{ readonly bytes: Buffer; readonly ledger: Ledger }> {
  const bytes = await emptyFileSystem(EXT4)
  const disk = await ServedDisk.mount(EXT4, bytes)
  const ledger = new Ledger()
  try {
    const { said } = await runChild(join(disk.path, 'store'), 'fill')
    for (const line of said) ledger.take(JSON.parse(line) as Note)
  } finally {
    await disk.unmount()
  }
  return { bytes, ledger }
}

/** Runs the child to its end; `onFailure` is called when it says that it failed, before it goes on. */
async function runChild(
  path: string,
  mode: 'write' | 'fill' | 'read' | 'mend',
  onFailure = () => {},
): Promise<{ readonly said: readonly string[] }> {
  const child = spawn(process.execPath, [CHILD, built.path, path, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line)
    if (!line.startsWith('{"failed"')) continue
    onFailure()
    child.stdin.write('\n')
  }
  await ended
  return { said }
}

/** The disk's pages that hold the store's segments, but for the first and last of each, which opening reads. */
async function pagesOfSegments(bytes: Buffer): Promise<number[]> {
  const image = join('/dev/shm', `nomsy-pages-${process.pid}`)
  const pages: number[] = []
  try {
    await writeFile(image, bytes)
    for (let segment = 1; ; segment++) {
      const file = `/store/segments/${String(segment).padStart(8, '0')}.seg`
      const { stdout } = await run('debugfs', ['-R', `blocks ${file}`, image])
      if (stdout.trim() === '') return pages
      pages.push(...stdout.trim().split(/\s+/).map(Number).slice(1, -1))
    }
  } finally {
    await rm(image, { force: true })
  }
}

/** What is wrong with the store on the disk, once that is mounted anew. */
async function problemsOf(bytes: Buffer, ledger: Ledger): Promise<string[]> {
  const image = join('/dev/shm', `nomsy-again-${process.pid}`)
  try {
    await writeFile(image, bytes)
    return await withMounted(EXT4, image, directory, async () => {
      const store = await SegmentStore.open(join(directory, 'store'))
      try {
        const problems = ledger.problems(await contentsOf(store))
        for await (const { message } of store.check()) problems.push(message)
        return problems
      } finally {
        await store.close()
      }
    })
  } catch (error) {
    return [String(error)]
  } finally {
    await rm(image, { force: true })
  }
}
