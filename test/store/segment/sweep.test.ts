/** What collections do to segments that they cannot empty, and to those that are written while they go on. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { open } from '../../../src/database/open.js'
import { Random } from '../../crash/random.js'

let path: string

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'nomsy-sweep-')), 'store')
})

afterEach(() => rm(join(path, '..'), { recursive: true, force: true }))

test('copies in a segment that damage keeps are gone with the chunk, whatever becomes of the index', async () => {
  const random = new Random(11)
  const contents = ['x', 't', 'junk'].map((name) => ({ name, bytes: random.bytes(200_000) }))
  let db = await open(path, { compression: 'none' })
  for (const { name, bytes } of contents) await db.setHead(name, (await db.putBlob(bytes)).ref)
  await db.close()
  const segment = join(path, 'segments', '00000001.seg')
  const damaged = await readFile(segment)
  for (const { name, bytes } of contents) {
    if (name !== 'junk') damaged[damaged.indexOf(bytes.subarray(100_000, 100_050))]! ^= 1
  }
  await writeFile(segment, damaged)

  db = await open(path)
  const root = (await db.head('t'))!
  for (const name of ['junk', 't']) {
    await db.remove(name)
    await db.gc()
  }
  expect(await db.store.has(root)).toBe(false)
  await db.close()
  await rm(join(path, 'index'), { recursive: true })
  db = await open(path)
  expect(await db.store.has(root), 'what was under it is gone').toBe(false)
  expect((await (await db.blob((await db.head('x'))!)).slice(150_000).bytes()).length).toBe(50_000)
  expect((await db.gc()).freedChunks, 'there is nothing left to free').toBe(0)
  await db.close()
})

test('a segment that is written while a collection goes on is emptied too', async () => {
  const random = new Random(12)
  let db = await open(path, { compression: 'none' })
  await db.setHead('live', (await db.putBlob(random.bytes(16_000_000))).ref)
  await db.putBlob(random.bytes(2_000_000))
  await db.close()
  db = await open(path)
  const { storedBytes: before } = await db.stats()
  const puts: Promise<unknown>[] = []
  const put = async (name: string): Promise<void> => {
    await db.setHead(name, (await db.putBlob(random.bytes(1000))).ref)
  }
  const { freedBytes } = await db.gc({ onProgress: () => puts.push(put(`during-${puts.length}`)) })
  await Promise.all(puts)
  await db.flush()
  expect(puts.length).toBeGreaterThan(0)
  expect(freedBytes).toBeGreaterThan(2_000_000)
  expect((await db.stats()).storedBytes).toBeLessThan(before! - 1_900_000)
  await db.close()
})
