/** What do a map's builds, reads, scans, edits and differences cost? */

import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, open } from '../src/index.js'
import {
  type Bench,
  type BenchContext,
  type Figure,
  peakMemory,
  randomNumbers,
  seconds,
  storedBytes,
} from './bench.js'
import { diffOfTen, entries, keyAt, type TestMap } from './test-map.js'

const ENTRIES = 1_000_000
const GETS = 300_000
const BATCH_KEYS = 1000
const COMMITS = 2000
const BATCH_EDITS = 10_000
const SYNCED_COMMITS = 300

/** So much that all nodes of the map stay in memory once they have been read. */
const CACHE_BYTES = 256 * 1024 * 1024

export const collections: Bench = {
  question: `What does a map of ${ENTRIES} entries (key of 11 bytes, value of 16 to 32) cost?`,
  async run(context) {
    const figures: Figure[] = []
    const note = (name: string, value: number, unit: string): void => void figures.push({ name, value, unit })
    let db = await openMaps(context)
    let map!: TestMap
    const built = await seconds(async () => {
      map = await db.map<string, string>(entries(ENTRIES))
      await db.flush()
    })
    note('build and flush', built, 's')
    note('peak of it', peakMemory().value, 'MiB')
    note('stored', (await storedBytes(context.directory)) / 1e6, 'MB')
    await db.close()

    db = await openMaps(context)
    map = await db.map<string, string>(map.ref)
    const cold = await seconds(() => getBatches(map, 1, 10))
    note('getMany(1000), cold', (10 * BATCH_KEYS) / cold, '/s')
    await db.close()

    db = await openMaps(context)
    map = await db.map<string, string>(map.ref)
    note('scan, cold', ENTRIES / (await seconds(() => scan(map))), '/s')
    note('scan of keys, cold', ENTRIES / (await seconds(() => scanKeys(map))), '/s')
    await getBatches(map, 2, 200)
    note('get, warm', GETS / (await seconds(() => getOneByOne(map))), '/s')
    note('getMany(1000), warm', (300 * BATCH_KEYS) / (await seconds(() => getBatches(map, 3, 300))), '/s')
    note('scan, warm', ENTRIES / (await seconds(() => scan(map))), '/s')

    let edited = map
    const before = await storedBytes(context.directory)
    const commits = await seconds(async () => {
      const random = randomNumbers(4)
      for (let turn = 0; turn < COMMITS; turn++)
        edited = await edited.edit().set(keyAt(random, ENTRIES), `new ${turn}`).done()
    })
    note('commits of one key, not synced', COMMITS / commits, '/s')
    await db.flush()
    note('written for each', ((await storedBytes(context.directory)) - before) / COMMITS / 1000, 'kB')

    for (let turn = 1; turn <= 2; turn++)
      note(`diff of 10 keys, ${turn === 1 ? 'first' : 'again'}`, await diffOfTen(map, ENTRIES, turn), 'ms')

    const bytesBefore = await storedBytes(context.directory)
    const synced = SYNCED_COMMITS / (await seconds(() => commitOften(db, map)))
    const byteCount = Math.ceil(((await storedBytes(context.directory)) - bytesBefore) / SYNCED_COMMITS)
    const disk = SYNCED_COMMITS / (await seconds(() => syncOften(context, byteCount)))
    note('commits of one key, synced', synced, '/s')
    note('fdatasync of as many bytes', disk, '/s')
    note('commits by fdatasyncs', (100 * synced) / disk, '%')

    const random = randomNumbers(5)
    const many = map.edit()
    for (let count = 0; count < BATCH_EDITS; count++) many.set(keyAt(random, ENTRIES), `batch ${count}`)
    note(`${BATCH_EDITS} edits at once`, await seconds(() => many.done()), 's')
    await db.close()
    return [...figures, peakMemory()]
  },
}

function openMaps({ directory }: BenchContext): Promise<Database> {
  return open(join(directory, 'store'), { cacheBytes: CACHE_BYTES })
}

async function scan(map: TestMap): Promise<void> {
  let characters = 0
  for await (const [key, value] of map) characters += key.length + value.length
  if (characters < ENTRIES * 27) throw new Error('entries are missing')
}

async function scanKeys(map: TestMap): Promise<void> {
  let characters = 0
  for await (const key of map.keys()) characters += key.length
  if (characters !== ENTRIES * 11) throw new Error('keys are missing')
}

async function getOneByOne(map: TestMap): Promise<void> {
  const random = randomNumbers(1)
  for (let count = 0; count < GETS; count++)
    if ((await map.get(keyAt(random, ENTRIES))) === undefined) throw new Error('a key is missing')
}

async function getBatches(map: TestMap, seed: number, batches: number): Promise<void> {
  const random = randomNumbers(seed)
  for (let batch = 0; batch < batches; batch++) {
    const values = await map.getMany(Array.from({ length: BATCH_KEYS }, () => keyAt(random, ENTRIES)))
    if (values.includes(undefined)) throw new Error('a key is missing')
  }
}

/** Commits a change of one key, again and again. */
async function commitOften(db: Database, map: TestMap): Promise<void> {
  const random = randomNumbers(6)
  let edited = map
  for (let turn = 0; turn < SYNCED_COMMITS; turn++) {
    edited = await edited.edit().set(keyAt(random, ENTRIES), `commit ${turn}`).done()
    await db.commit('main', edited)
  }
}

/** What such commits ask of the disk, and nothing else: bytes at the end of a file, made durable. */
async function syncOften({ directory }: BenchContext, byteCount: number): Promise<void> {
  const file = await openFile(join(directory, 'synced'), 'w')
  const bytes = Buffer.alloc(byteCount, 'nomsy')
  for (let turn = 0; turn < SYNCED_COMMITS; turn++) {
    await file.write(bytes)
    await file.datasync()
  }
  await file.close()
}
