/** D7: a disk that is full. Needs root, to mount one: where that is not to be had the test says so and is skipped. */

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open as openFile, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.js'
import { type OpenOptions, open } from '../../src/database/open.js'
import { NomsyError } from '../../src/errors.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { seed } from '../seed.js'
import { Ledger } from './ledger.js'
import { Random } from './random.js'
import { contentsOf } from './scene.js'

const { NOMSY_TORTURE } = process.env
const SIZES = NOMSY_TORTURE === '1' ? 400 : 20
const SMALLEST_KIB = 256

let directory: string
let refusal: string | undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-full-'))
  refusal = mountRefusal('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory)
  if (refusal === undefined) execFileSync('umount', [directory])
})

afterAll(() => rm(directory, { recursive: true, force: true }))

test('a full disk loses nothing that was acknowledged, and can be read', async ({ skip }) => {
  if (refusal !== undefined) {
    console.log(`full disks: ${SIZES} skipped, since no file system can be mounted: ${refusal}`)
    skip(refusal)
  }
  const random = new Random(seed)
  const codes = new Map<string, number>()
  let acknowledgedCount = 0
  for (let index = 0; index < SIZES; index++) {
    const kib = SMALLEST_KIB + 4 * index * (index < 20 ? 7 : 1)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', directory])
    try {
      const { code, calls } = await fill(join(directory, 'store'), random, kib)
      codes.set(code, (codes.get(code) ?? 0) + 1)
      acknowledgedCount += calls
    } finally {
      execFileSync('umount', [directory])
    }
  }
  const refused = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
  console.log(
    `full disks: ${SIZES} sizes from ${SMALLEST_KIB} KiB, refused with ${refused}; ${acknowledgedCount} calls acknowledged, 0 lost (seed ${seed})`,
  )
  expect(acknowledgedCount).toBeGreaterThan(SIZES)
})

test('on a full disk names are removed, histories made shorter and garbage collected', async ({ skip }) => {
  if (refusal !== undefined) {
    console.log(`a full disk made room on: skipped, since no file system can be mounted: ${refusal}`)
    skip(refusal)
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', directory])
  try {
    const path = join(directory, 'store')
    await fillWithCommits(path)
    await fillUp(join(directory, 'filler'))
    const free = async (): Promise<number> => (await statfs(directory)).bfree
    expect(await free()).toBe(0)

    await usingDatabase(path, { readOnly: true }, async (db) => {
      expect(await wholeHeads(db)).toEqual(['all', 'gone', 'kept'])
      expect((await db.gc({ dryRun: true })).freedChunks).toBeGreaterThan(0)
    })
    expect(await free()).toBe(0)
    // Who does not free room is refused, and takes nothing of what is kept for others.
    await expect(open(path, { create: false })).rejects.toMatchObject({ code: 'NOMSY_READ_ONLY' })
    expect((await stat(join(path, 'ballast'))).size).toBe(8 * MIB)

    await usingDatabase(path, MAKES_ROOM, (db) => db.remove('gone'))
    await usingDatabase(path, MAKES_ROOM, (db) => db.expire('all', { last: 1 }))
    const { storedBytes } = await usingDatabase(path, MAKES_ROOM, (db) => db.gc())
    expect(storedBytes).toBeGreaterThan(10 * MIB)

    await usingDatabase(path, {}, async (db) => {
      expect(await wholeHeads(db)).toEqual(['all', 'kept'])
      await db.setHead('new', (await db.putBlob(randomBytes(MIB))).ref)
      for await (const { message } of db.check({ data: true })) expect(message).toBeUndefined()
    })
    expect((await stat(join(path, 'ballast'))).size).toBe(8 * MIB)
  } finally {
    execFileSync('umount', [directory])
  }
})

const MIB = 1024 * 1024
const MAKES_ROOM = { create: false, makesRoom: true }

/** Makes a store of two names and a history, and puts more until there is no room for it. */
async function fillWithCommits(path: string): Promise<void> {
  const db = await open(path)
  await db.setHead('kept', (await db.putBlob(randomBytes(3 * MIB))).ref)
  await db.setHead('gone', (await db.putBlob(randomBytes(12 * MIB))).ref)
  for (let count = 0; count < 3; count++) await db.commit('all', await db.putBlob(randomBytes(2 * MIB)))
  await expect(db.putBlob(randomBytes(40 * MIB))).rejects.toThrow(NomsyError)
  await db.close().catch((error: unknown) => expect(error).toBeInstanceOf(NomsyError))
}

async function usingDatabase<T>(
  path: string,
  options: OpenOptions,
  use: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await open(path, options)
  try {
    return await use(db)
  } finally {
    await db.close()
  }
}

/** Names of which everything can be read. */
async function wholeHeads(db: Database): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of db.heads.list()) {
    const blob = await db.blob(await db.at(name))
    expect((await blob.bytes()).length).toBe(blob.size)
    names.push(name)
  }
  return names
}

/** Fills the disk, frees it and goes on. The code of the refusal, and how many calls had been acknowledged. */
async function fill(path: string, random: Random, kib: number): Promise<{ code: string; calls: number }> {
  const where = `${kib} KiB, NOMSY_SEED=${seed}`
  const ledger = new Ledger()
  const store = await SegmentStore.open(path, { segmentBytes: 64 * 1024 })
  let calls = 0
  const work = async (on: SegmentStore, steps: number): Promise<void> => {
    for (let step = 0; step < steps; step++) {
      const chunks = [1, 2, 3].map(() => chunkOf(random.bytes(500 + random.below(3000))))
      await on.put(chunks)
      ledger.take({ kind: 'put', refs: chunks.map(({ ref }) => ref.toString()) })
      const call = calls
      const name = `head/${step % 3}`
      const next = chunks[0]!.ref
      ledger.take({ kind: 'asked', call, head: [name, next.toString()] })
      await on.heads.compareAndSet(name, await on.heads.get(name), next)
      ledger.take({ kind: 'acknowledged', call })
      calls++
    }
  }

  const error = await work(store, Number.POSITIVE_INFINITY).catch((error: unknown) => error)
  expect(error, where).toBeInstanceOf(NomsyError)
  // Reads go on, and nothing is acknowledged any more.
  expect(ledger.problems(await contentsOf(store)), where).toEqual([])
  await expect(
    store.put([chunkOf(random.bytes(10))]).then(() => store.flush()),
    where,
  ).rejects.toThrow(NomsyError)
  await store.close().catch((error: unknown) => expect(error, where).toBeInstanceOf(NomsyError))

  const filler = join(path, '..', 'filler')
  await fillUp(filler)
  expect((await statfs(path)).bfree, where).toBe(0)
  const reader = await SegmentStore.open(path, { readOnly: true })
  expect(ledger.problems(await contentsOf(reader)), where).toEqual([])
  await reader.close()
  // With nothing free it may open or refuse, in so many words.
  const writer = await SegmentStore.open(path).catch((error: unknown) => error)
  if (writer instanceof SegmentStore) {
    expect(ledger.problems(await contentsOf(writer)), where).toEqual([])
    await writer.close()
  } else {
    expect(writer, where).toMatchObject({ code: 'NOMSY_READ_ONLY' })
  }

  await rm(filler)
  execFileSync('mount', ['-o', `remount,size=${2 * kib}k`, join(path, '..')])
  const again = await SegmentStore.open(path)
  const seen = await contentsOf(again)
  expect(ledger.problems(seen), where).toEqual([])
  ledger.take({ kind: 'opened', seen })
  await work(again, 5)
  await again.close()
  const last = await SegmentStore.open(path)
  expect(ledger.problems(await contentsOf(last)), where).toEqual([])
  for await (const finding of last.check()) expect(finding, where).toBeUndefined()
  await last.close()
  return { code: (error as NomsyError).code, calls }
}

/** Takes all the room that is left. */
async function fillUp(path: string): Promise<void> {
  const file = await openFile(path, 'w')
  try {
    for (let bytes = 64 * 1024; bytes >= 512; bytes = bytes > 4096 ? 4096 : bytes / 8)
      while (
        await file.write(new Uint8Array(bytes)).then(
          ({ bytesWritten }) => bytesWritten > 0,
          () => false,
        )
      );
  } finally {
    await file.close()
  }
}

/** Why nothing can be mounted; undefined where it could be. */
function mountRefusal(...args: readonly string[]): string | undefined {
  try {
    execFileSync('mount', args, { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim()
  }
}
