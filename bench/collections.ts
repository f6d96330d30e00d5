/** What do a map's builds, reads, scans, edits and differences cost? */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Database, open, type SortedMap } from '../src/index.js'
import {
  type Bench,
  type BenchContext,
  type Figure,
  peakMemory,
  randomNumbers,
  seconds,
  storedBytes,
} from './bench.js'

const ENTRIES = 1_000_000
const GETS = 300_000
const BATCH_KEYS = 1000
const COMMITS = 2000
const BATCH_EDITS = 10_000

/** So much that all nodes of the map stay in memory once they have been read. */
const CACHE_BYTES = 256 * 1024 * 1024

/** Text to cut values from. */
const NOISE = createHash('shake256', { outputLength: 48 * 1024 })
  .update('nomsy')
  .digest('base64')

type TestMap = SortedMap<string, string>

export const collections: Bench = {
  question: `What does a map of ${ENTRIES} entries (key of 11 bytes, value of 16 to 32) cost?`,
  async run(context) {
    const figures: Figure[] = []
    const note = (name: string, value: number, unit: string): void => void figures.push({ name, value, unit })
    let db = await openMaps(context)
    let map!: TestMap
    const built = await seconds(async () => {
      map = await db.map<string, string>(entries())
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
        edited = await edited.edit().set(keyAt(random), `new ${turn}`).done()
    })
    note('commits of one key, not synced', COMMITS / commits, '/s')
    await db.flush()
    note('written for each', ((await storedBytes(context.directory)) - before) / COMMITS / 1000, 'kB')

    const random = randomNumbers(5)
    const some = map.edit()
    for (let count = 0; count < 10; count++) some.set(keyAt(random), 'changed')
    const other = await some.done()
    note('diff of 10 keys', (await seconds(() => diff(map, other, 10))) * 1000, 'ms')

    const many = map.edit()
    for (let count = 0; count < BATCH_EDITS; count++) many.set(keyAt(random), `batch ${count}`)
    note(`${BATCH_EDITS} edits at once`, await seconds(() => many.done()), 's')
    await db.close()
    return [...figures, peakMemory()]
  },
}

function openMaps({ directory }: BenchContext): Promise<Database> {
  return open(join(directory, 'store'), { cacheBytes: CACHE_BYTES })
}

async function* entries(): AsyncGenerator<[string, string]> {
  for (let index = 0; index < ENTRIES; index++) yield [key(index), value(index)]
}

function key(index: number): string {
  return `key${String(index).padStart(8, '0')}`
}

/** 16 to 32 characters that zstd cannot make much of, at next to no cost. */
function value(index: number): string {
  const at = (index * 7919) % (NOISE.length - 32)
  return NOISE.slice(at, at + 16 + (index % 17))
}

function keyAt(random: () => number): string {
  return key(Math.floor(random() * ENTRIES))
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
    if ((await map.get(keyAt(random))) === undefined) throw new Error('a key is missing')
}

async function getBatches(map: TestMap, seed: number, batches: number): Promise<void> {
  const random = randomNumbers(seed)
  for (let batch = 0; batch < batches; batch++) {
    const values = await map.getMany(Array.from({ length: BATCH_KEYS }, () => keyAt(random)))
    if (values.includes(undefined)) throw new Error('a key is missing')
  }
}

async function diff(a: TestMap, b: TestMap, expected: number): Promise<void> {
  let count = 0
  for await (const _ of a.diff(b)) count++
  if (count !== expected) throw new Error(`${count} changes instead of ${expected}`)
}
