import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import { Random } from '../crash/random.js'
import { seed } from '../seed.js'

const directories: string[] = []

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

async function place(kind: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-gc-'))
  directories.push(directory)
  return kind + join(directory, 'store')
}

/** Files of a directory, some 11 MB: so many that a collection could end before they are put. */
const FILES = 700

/** What has been put of them when the collection begins. */
const BYTES_BEFORE = 2_000_000

/** An archive that rests then, for long enough to collect. */
async function* slowly(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const restAt = 2 * BYTES_BEFORE
  let byteCount = 0
  for await (const piece of pieces) {
    const isBefore = byteCount < restAt
    byteCount += piece.length
    if (isBefore && byteCount >= restAt) await new Promise((resolve) => setTimeout(resolve, 500))
    yield piece
  }
}

async function sound(db: Database): Promise<void> {
  for await (const problem of db.check()) expect(problem).toBeUndefined()
  await db.close()
}

describe.each(['', 'level:'])('a store at %jPATH', (kind) => {
  test('frees blobs and collections that nothing names, and keeps those that something does', async () => {
    const random = new Random(seed)
    const location = await place(kind)
    const before = await open(location)
    const bytes = random.bytes(300_000)
    const kept = await before.putBlob(bytes)
    const pinned = await before.list([kept, 'and', await before.map([['x', 1]])])
    await before.pin(pinned.ref)
    const freed = (await before.putBlob(random.bytes(400_000))).ref
    const map = (await before.map(Array.from({ length: 5000 }, (_, index) => [index, `value ${index}`]))).ref
    await before.commit('gone', map)
    await before.remove('gone')
    await before.close()

    const db = await open(location)
    const stats = await db.stats()
    const would = await db.gc({ dryRun: true })
    expect(would).toMatchObject({ freedChunks: stats.dead.chunks, freedBytes: stats.dead.bytes })
    expect(await db.gc()).toMatchObject({ freedChunks: would.freedChunks, freedBytes: would.freedBytes })
    expect(await db.store.hasMany([freed, map])).toEqual([false, false])
    expect(await (await db.blob(kept.ref)).bytes()).toHaveLength(bytes.length)
    expect((await db.stats()).dead).toEqual({ chunks: 0, bytes: 0 })
    expect(Buffer.compare(await (await db.blob(kept.ref)).bytes(), bytes)).toBe(0)
    await sound(db)
    const again = await open(location)
    expect(await again.store.hasMany([freed, map])).toEqual([false, false])
    expect(Buffer.compare(await (await again.blob(kept.ref)).bytes(), bytes)).toBe(0)
    await sound(again)
  })

  test('keeps what the program has open, and what is made of it', async () => {
    const random = new Random(seed)
    const db = await open(await place(kind))
    const blob = await db.putBlob(random.bytes(500_000))
    const map = await db.map(Array.from({ length: 5000 }, (_, index) => [index, index]))
    await db.gc()
    const [, edited] = await Promise.all([db.gc(), map.edit().set(7, 8).done(), blob.splice(1000, 10)])
    await db.commit('edited', edited)
    await db.gc()
    expect(await edited.get(7)).toBe(8)
    expect(await edited.get(4999)).toBe(4999)
    expect((await blob.bytes()).length).toBe(500_000)
    await sound(db)
  })

  test.each(['of a directory', 'of an archive'])('a put %s that is under way is whole, too', async (what) => {
    const random = new Random(seed)
    const db = await open(await place(kind))
    const directory = await mkdtemp(join(tmpdir(), 'nomsy-gc-'))
    directories.push(directory)
    for (let file = 0; file < FILES; file++)
      await writeFile(join(directory, `file ${file}`), random.bytes(1000 + random.below(30_000)))
    const other = await open('memory:')
    const archive = slowly(other.tar((await other.putTree(directory)).tree))
    const ended: string[] = []
    let collecting: Promise<unknown> | undefined
    let putBytes = 0
    const onProgress = (bytes: number): void => {
      putBytes += bytes
      if (putBytes >= BYTES_BEFORE) collecting ??= db.gc().then(() => ended.push('collection'))
    }
    const tree =
      what === 'of a directory'
        ? (await db.putTree(directory, { onProgress })).tree
        : await db.putTar(archive, { onProgress })
    ended.push('put')
    await collecting
    expect(ended).toEqual(['put', 'collection'])
    await db.setHead('tree', tree.ref)
    let files = 0
    for await (const { path, entry } of tree.walk()) {
      if (entry.type === 'file') files += (await (await tree.blob(path)).bytes()).length > 0 ? 1 : 0
    }
    expect(files, `NOMSY_SEED=${seed}`).toBe(FILES)
    await other.close()
    await sound(db)
  })

  test('a put that is under way is whole, however many collections there are', async () => {
    const random = new Random(seed)
    const location = await place(kind)
    const first = await open(location)
    const bytes = random.bytes(2_000_000)
    // Dead, and found by the put.
    await first.putBlob(bytes)
    await first.close()
    const db = await open(location)
    const collections: Promise<unknown>[] = []
    const put = db.putBlob(
      (async function* () {
        for (let at = 0; at < bytes.length; at += 100_000) {
          if (at % 400_000 === 0) collections.push(db.gc())
          await new Promise((resolve) => setTimeout(resolve, 2))
          yield bytes.subarray(at, at + 100_000)
        }
      })(),
    )
    await db.setHead('put', (await put).ref)
    await Promise.all(collections)
    await db.gc()
    expect(Buffer.compare(await (await db.blob((await db.head('put'))!)).bytes(), bytes)).toBe(0)
    await sound(db)
  })
})

test('stats tell what each head holds alone, and what several do', async () => {
  const random = new Random(seed)
  const db = await open('memory:')
  const bytes = random.bytes(400_000)
  const blob = await db.putBlob(bytes)
  await db.setHead('a', blob.ref)
  await db.setHead('b', (await blob.splice(0, 5)).ref)
  await db.setHead('c', (await db.list([1, 2, 3])).ref)
  await db.putValue('dead')
  const stats = await db.stats()
  const sum = [stats.shared, stats.dead, ...stats.heads.map(({ own }) => own)]
  expect(sum.reduce((total, amount) => total + amount.chunks, 0)).toBe(stats.chunks)
  expect(sum.reduce((total, amount) => total + amount.bytes, 0)).toBe(stats.bytes)
  expect(stats.heads.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(stats.dead.chunks).toBe(1)
  expect(stats.shared.bytes).toBeGreaterThan(300_000)
  for (const name of ['a', 'b']) {
    const { own } = stats.heads.find((head) => head.name === name)!
    await db.remove(name)
    expect((await db.stats()).dead.bytes).toBe(own.bytes + stats.dead.bytes)
    await db.setHead(name, stats.heads.find((head) => head.name === name)!.ref)
  }
  await sound(db)
})
