/** Garbage collection in a store that several have open: what each of them relies on stays. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import { Random } from '../crash/random.js'

const NOISE = new Random(1).bytes(300_000)

let directory: string
let databases: Database[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-shared-gc-'))
  databases = []
})

afterEach(async () => {
  for (const db of databases) await db.close().catch(() => {})
  await expectSound(await open(directory))
  await rm(directory, { recursive: true, force: true })
})

async function opened(): Promise<Database> {
  const db = await open(directory)
  databases.push(db)
  return db
}

async function expectSound(db: Database): Promise<void> {
  for await (const problem of db.check({ data: true })) expect(problem).toBeUndefined()
  await db.close()
}

test('a client asks for it, and it frees what nobody needs', async () => {
  const owner = await opened()
  const client = await opened()
  const { ref } = await owner.putBlob(new Uint8Array(NOISE.length))
  await owner.heads.compareAndSet('kept', undefined, ref)
  const map = await client.map([['key', 1]])
  const expected = await client.gc({ dryRun: true })
  expect(await client.gc()).toMatchObject({ freedChunks: expected.freedChunks })
  expect(await owner.store.has(ref)).toBe(true)
  expect(await map.get('key')).toBe(1)
})

test('what a client has open stays, whoever asks', async () => {
  const owner = await opened()
  const client = await opened()
  const blob = await client.putBlob(NOISE)
  const map = await client.map(
    Array.from({ length: 20_000 }, (_, index) => [index, `value ${index}` as string] as const),
  )
  for (const db of [owner, client]) await db.gc()
  expect(Buffer.compare(await blob.bytes(), NOISE)).toBe(0)
  const edited = await map.edit().set(-1, 'first').done()
  await client.heads.compareAndSet('edited', undefined, edited.ref)
  await client.pin(blob.ref)
})

test('who missed a collection that took what it had open is told so, and writes nothing more', async () => {
  const first = await opened()
  const client = await opened()
  const blob = await client.putBlob(NOISE)
  await client.flush()
  await first.close()
  const second = await opened()
  expect((await second.gc()).freedChunks).toBeGreaterThan(0)
  const again = /garbage was collected .* open the store again/
  await expect(client.putBlob(NOISE)).rejects.toThrow(again)
  await expect(blob.bytes()).rejects.toThrow(again)
})

test('who missed a collection that took nothing of its own goes on', async () => {
  const first = await opened()
  const client = await opened()
  const blob = await client.putBlob(NOISE)
  await client.pin(blob.ref)
  await first.putBlob(NOISE.subarray(1000))
  await first.close()
  const second = await opened()
  expect((await second.gc()).freedChunks).toBeGreaterThan(0)
  expect(Buffer.compare(await blob.bytes(), NOISE)).toBe(0)
})
