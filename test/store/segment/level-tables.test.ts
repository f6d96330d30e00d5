/** The tables of an index tell whether they are as LevelDB wrote them. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chunkOf } from '../../../src/store/chunk-store.js'
import { damagedTable, isTable } from '../../../src/store/segment/level-tables.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'

const CHUNKS = 20_000

let directory: string
let index: string
let tables: { readonly name: string; readonly bytes: Buffer }[]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-tables-'))
  const path = join(directory, 'store')
  const text = (number: number) => new TextEncoder().encode(`chunk ${number}`)
  let store = await SegmentStore.open(path)
  await store.put(Array.from({ length: CHUNKS }, (_, number) => chunkOf(text(number))))
  await store.close()
  // Opening makes a table of what was in LevelDB's log.
  store = await SegmentStore.open(path)
  await store.close()
  index = join(directory, 'store', 'index')
  const names = (await readdir(index)).filter((name) => name.endsWith('.ldb'))
  tables = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(index, name)) })))
}, 60_000)

afterAll(() => rm(directory, { recursive: true }))

test('as they were written they are whole', async () => {
  expect(tables.length).toBeGreaterThan(0)
  expect(await damagedTable(index)).toBeUndefined()
  expect(await damagedTable(join(directory, 'absent'))).toBeUndefined()
})

test('with any bit flipped that counts, cut short or longer they are not', () => {
  const random = new Random(seed)
  let unseen = 0
  for (let trial = 0; trial < 150; trial++) {
    const { bytes } = random.pick(tables)
    const other = Buffer.from(bytes)
    const bit = random.below(8 * bytes.length)
    other[bit >> 3]! ^= 1 << (bit & 7)
    // The footer has bytes that nobody reads.
    if (isTable(other)) unseen += bit >> 3 < bytes.length - 48 ? 1000 : 1
    expect(isTable(bytes.subarray(0, random.below(bytes.length)))).toBe(false)
  }
  expect(unseen, `NOMSY_SEED=${seed}`).toBeLessThan(20)
  expect(isTable(Buffer.concat([tables[0]!.bytes, Buffer.alloc(9)]))).toBe(false)
  expect(isTable(Buffer.alloc(100))).toBe(false)
})

test('an index is made anew where one is damaged and its last owner did not close it', async () => {
  const { name, bytes } = tables[0]!
  const other = Buffer.from(bytes)
  other[bytes.length >> 1]! ^= 4
  await writeFile(join(index, name), other)
  expect(await damagedTable(index)).toBe(join(index, name))
  await writeFile(join(directory, 'store', 'owner'), '{}')
  const store = await SegmentStore.open(join(directory, 'store'))
  for await (const { message } of store.check()) expect.unreachable(message)
  let count = 0
  for await (const _ of store.refs()) count++
  expect(count).toBe(CHUNKS)
  await store.close()
})
