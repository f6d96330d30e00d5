/** What a put relies on, and what a check finds, where the damage is not in the log alone. */

import { mkdtemp, open as openFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import type { Problem } from '../../src/database/check/check.js'
import { Database } from '../../src/database/database.js'
import { type Chunk, type ChunkStore, chunkOf } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { stream } from '../vectors/stream.js'

const directories: string[] = []

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

async function newStore(): Promise<SegmentStore> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-healing-'))
  directories.push(directory)
  return SegmentStore.open(join(directory, 'store'), { compression: 'none' })
}

/** A chunk of 3,000 bytes, of which the last 1,000 occur nowhere else. */
function newChunk(name: string): Chunk {
  return chunkOf(Uint8Array.of(0xc5, 3000 >> 8, 3000 & 255, ...stream('sha', name, 3000)))
}

/** Flips a bit of the chunk's bytes in the first segment. */
async function damage(store: ChunkStore, { bytes }: Chunk): Promise<void> {
  const file = await openFile(join(store.location, 'segments', '00000001.seg'), 'r+')
  const whole = await file.readFile()
  const at = whole.indexOf(bytes.subarray(100, 200))
  await file.write(Uint8Array.of(whole[at]! ^ 1), 0, 1, at)
  await file.close()
}

async function problemsOf(store: ChunkStore): Promise<Problem[]> {
  const problems: Problem[] = []
  for await (const problem of new Database(store).check({ data: true })) problems.push(problem)
  return problems
}

test('a chunk that was seen whole and is damaged later is healed by the next put', async () => {
  const store = await newStore()
  const chunk = newChunk('seen')
  await store.put([chunk])
  await store.flush()
  expect(await store.put([chunk])).toBe(0)
  await damage(store, chunk)
  await expect(store.get(chunk.ref)).rejects.toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK' })
  expect(await store.put([chunk])).toBe(chunk.bytes.length)
  expect(await store.get(chunk.ref)).toEqual(chunk.bytes)
  await store.close()
})

test('a flipped bit in the index is found by check, and healed by a put', async () => {
  let store = await newStore()
  const chunks = [newChunk('one'), newChunk('two')]
  await store.put(chunks)
  await store.flush()
  await store.close()
  const index = new Level<Uint8Array, Uint8Array>(join(store.location, 'index'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  const key = Uint8Array.of(0x63, ...chunks[0]!.ref.bytes)
  const place = Uint8Array.from((await index.get(key))!)
  place[18]! ^= 1
  await index.put(key, place)
  await index.close()

  store = await SegmentStore.open(store.location)
  expect((await problemsOf(store)).map(({ message }) => message)).toEqual([
    expect.stringContaining(`the index does not know chunk ${chunks[0]!.ref}`),
  ])
  expect(await store.put(chunks)).toBe(chunks[0]!.bytes.length)
  expect(await store.getMany(chunks.map(({ ref }) => ref))).toEqual(chunks.map(({ bytes }) => bytes))
  expect(await problemsOf(store)).toEqual([])
  await store.close()
})

test('an index deleted under its owner lets nobody else in', async () => {
  const store = await newStore()
  await rm(join(store.location, 'index'), { recursive: true })
  await expect(SegmentStore.open(store.location)).rejects.toMatchObject({ code: 'NOMSY_LOCKED' })
  await store.close().catch(() => {})
})

test('a damaged chunk that a huge blob repeats is told of once', async () => {
  const store = await newStore()
  const db = new Database(store)
  let blob = await db.putBlob(new Uint8Array(4 * 1024 * 1024))
  for (let doubling = 0; doubling < 20; doubling++) blob = await db.concat([blob, blob])
  expect(blob.size).toBe(4 * 1024 * 1024 * 2 ** 20)
  await db.setHead('zeros', blob.ref)
  const { reader, root } = blob.tree
  let node = root
  while ('childCount' in node && node.level > 1) node = await reader.child(node, 0)
  const leaf = 'childCount' in node ? node.childRef(0) : blob.ref
  await damage(store, { ref: leaf, bytes: (await store.get(leaf))! })
  const problems = await problemsOf(store)
  expect(problems.filter(({ object }) => object === 'zeros').length).toBeLessThan(3)
  expect(problems.length).toBeGreaterThan(0)
  await db.close()
})

test('a blob of more than 2^53-1 bytes is refused before anything is stored of it', async () => {
  await using db = new Database(await newStore())
  let blob = await db.putBlob(new Uint8Array(2 ** 20))
  while (blob.size < 2 ** 52) blob = await db.concat([blob, blob])
  await expect(db.concat([blob, blob])).rejects.toBeInstanceOf(RangeError)
})
