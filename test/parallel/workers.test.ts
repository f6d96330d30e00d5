/**
 * The built library, in which jobs run on worker threads: the same refs as in place, and bytes that stay what they
 * were however many puts and reads go on at once, since buffers are handed back and forth and used again.
 */

import { createHash } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { type FileHandle, mkdtemp, open as openFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeBlob } from '../../src/blob/blob.js'
import type { DamagedChunkError } from '../../src/errors.js'
import type { Ref } from '../../src/hash/ref.js'
import { DISCARD } from '../../src/sequence/chunk-sink.js'
import type { FileSystem } from '../../src/store/segment/file-system.js'
import { seed } from '../seed.js'
import { stream } from '../vectors/stream.js'

const { open }: typeof import('../../src/index.js') = await built('index.js')
const { runJob }: typeof import('../../src/parallel/pool.js') = await built('parallel/pool.js')
const { SegmentStore }: typeof import('../../src/store/segment/segment-store.js') = await built(
  'store/segment/segment-store.js',
)
const { nodeFileSystem }: typeof import('../../src/store/segment/node-file-system.js') = await built(
  'store/segment/node-file-system.js',
)

function built<T>(path: string): Promise<T> {
  return import(new URL(`../../dist/${path}`, import.meta.url).href)
}

const MIB = 1024 * 1024

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-workers-'))
  // Workers are started once so much has been done in place.
  await runJob('scan', 8 * MIB, new Uint8Array(64), 13)
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Bytes of which some shrink and some do not, in stretches, so that packing is taken up and given up again. */
function mixed(name: string, size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  for (let at = 0, part = 0; at < size; part++) {
    const kind = part % 2 === 0 ? 'text' : 'sha'
    at += Buffer.from(stream(kind, `${name} ${part}`, Math.min(3 * MIB, size - at))).copy(bytes, at)
  }
  return bytes
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('what a job is given goes to another thread whole, and comes back', async () => {
  const bytes = new Uint8Array(100).fill(7)
  const job = runJob('scan', 100, bytes, 13)
  expect(bytes.length).toBe(0)
  expect((await job).bytes).toEqual(new Uint8Array(100).fill(7))
})

test.each(['zstd', 'none'] as const)(
  'puts and reads that go on at once keep every byte (%s)',
  async (compression) => {
    await using db = await open(join(directory, compression), { compression })
    const warm = mixed(`warm ${seed}`, 12 * MIB)
    const first = await db.putBlob(warm)
    const inputs = Array.from({ length: 4 }, (_, index) => mixed(`${seed} ${index}`, 12 * MIB))
    const reading = (async () => {
      for (let turn = 0; turn < 4; turn++) expect(digest(await first.bytes())).toBe(digest(warm))
    })()
    const blobs = await Promise.all(
      inputs.map(async (bytes) => {
        const blob = await db.putBlob(bytes)
        // Some of it is still on its way to the disk.
        expect(digest(await blob.bytes())).toBe(digest(bytes))
        return blob
      }),
    )
    await reading
    await db.flush()
    for (const [index, blob] of blobs.entries()) {
      const bytes = inputs[index]!
      const inPlace = await writeBlob(DISCARD, bytes)
      expect(blob.ref.toString()).toBe(inPlace.ref.toString())
      const read = new Uint8Array(50_000)
      for (let position = 0; position < bytes.length; position += 1_234_567) {
        const count = await blob.read(read, { position })
        expect(Buffer.compare(read.subarray(0, count), bytes.subarray(position, position + count))).toBe(0)
      }
    }
    const problems = []
    for await (const problem of db.check({ data: true })) problems.push(problem)
    expect(problems).toEqual([])
  },
)

test('a splice by another blob of the store shares its chunks, workers or not', async () => {
  await using db = await open(join(directory, 'splice'))
  const [a, b] = [mixed('a', 20 * MIB), mixed('b', 20 * MIB)]
  const [blobA, blobB] = [await db.putBlob(a), await db.putBlob(b)]
  const spliced = await blobA.splice(7_000_001, 1_000_000, blobB.slice(3_000_000, 15_000_000))
  const expected = Buffer.concat([
    a.subarray(0, 7_000_001),
    b.subarray(3_000_000, 15_000_000),
    a.subarray(8_000_001),
  ])
  expect(spliced.ref.toString()).toBe((await writeBlob(DISCARD, expected)).ref.toString())
  expect(digest(await spliced.bytes())).toBe(digest(expected))
})

describe('an open file', () => {
  const bytes = mixed('file', 12 * MIB)

  /** What `use` makes of a file with `bytes`, open for reading. */
  async function withFile<T>(
    bytes: Uint8Array,
    use: (file: FileHandle, path: string) => Promise<T>,
  ): Promise<T> {
    const path = join(directory, 'file')
    await writeFile(path, bytes)
    const file = await openFile(path)
    try {
      return await use(file, path)
    } finally {
      await file.close()
    }
  }

  test('makes the blob of its bytes', async () => {
    await using db = await open(join(directory, 'files'))
    for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 7 * MIB + 4099]) {
      for (const content of [bytes.subarray(0, size), new Uint8Array(size)]) {
        const blob = await withFile(content, (file) => db.putBlob(file))
        expect(blob.ref.toString()).toBe((await writeBlob(DISCARD, content)).ref.toString())
        expect(digest(await blob.bytes())).toBe(digest(content))
      }
    }
  })

  test('goes into the middle of a blob, of many at once', async () => {
    await using db = await open(join(directory, 'file-splice'))
    const old = mixed('old', 3 * MIB)
    const blob = await db.putBlob(old)
    const inserted = bytes.subarray(100, 5 * MIB)
    const places = [0, 1_000_001, old.length]
    const spliced = await withFile(inserted, (file) =>
      Promise.all(places.map((at) => blob.splice(at, at === 0 ? 77 : 0, file))),
    )
    for (const [index, at] of places.entries()) {
      const expected = Buffer.concat([old.subarray(0, at), inserted, old.subarray(at === 0 ? 77 : at)])
      expect(spliced[index]!.ref.toString()).toBe((await writeBlob(DISCARD, expected)).ref.toString())
    }
  })

  test('that shrinks or cannot be read is no source, and the cause says why', async () => {
    await using db = await open('memory:')
    await withFile(bytes, async (file, path) => {
      const put = db.putBlob(file, { onProgress: () => truncateSync(path, MIB + 1) })
      await expect(put).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED' })
    })
    const place = await openFile(directory)
    for (const [fd, code] of [
      [place.fd, 'EISDIR'],
      [1_000_000, 'EBADF'],
    ] as const) {
      const put = db.putBlob({ fd, stat: async () => ({ size: 9 * MIB, isFile: () => true }) })
      await expect(put).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED', cause: { code } })
    }
    await place.close()
  })

  test('whose put was given up can be closed, and its descriptor be that of another', async () => {
    await using db = await open('memory:')
    const other = mixed('other', 3 * MIB)
    const { ref } = await writeBlob(DISCARD, other)
    for (let most = 0; most < 10; most += 3) {
      const controller = new AbortController()
      let parts = 0
      const onProgress = (): void => {
        if (++parts > most) controller.abort()
      }
      await withFile(bytes, async (file) => {
        const put = db.putBlob(file, { signal: controller.signal, onProgress })
        await expect(put).rejects.toMatchObject({ name: 'AbortError' })
      })
      const put = await withFile(other, (file) => db.putBlob(file))
      expect(put.ref.toString()).toBe(ref.toString())
    }
  })
})

describe.each(['zstd', 'none'] as const)('reads in bulk (%s)', (compression) => {
  const [noise, text] = [stream('sha', 'bulk', MIB), stream('text', 'bulk', 5 * MIB)]
  const bytes = Buffer.concat([noise, text, noise.subarray(77)])
  let path: string
  let blobRef: Ref
  const refs: Ref[] = []
  /** Those that cannot be read any more: one, or those of one packed block. */
  let damaged: Ref[] = []

  beforeAll(async () => {
    path = join(directory, `bulk-${compression}`)
    {
      await using db = await open(path, { compression })
      blobRef = (await db.putBlob(bytes)).ref
      await db.flush()
      for await (const ref of db.store.refs()) refs.push(ref)
    }
    const [segment] = await readdir(join(path, 'segments'))
    const file = await openFile(join(path, 'segments', segment!), 'r+')
    // In the middle of the text, unless no chunk lies there.
    for (let at = (await file.stat()).size >> 1; damaged.length === 0; at += 101) {
      const { buffer } = await file.read(new Uint8Array(1), 0, 1, at)
      await file.write(Uint8Array.of(buffer[0]! ^ 1), 0, 1, at)
      damaged = await unreadable()
      if (damaged.length === 0) await file.write(buffer, 0, 1, at)
    }
    await file.close()
    expect(damaged.length).toBeLessThan(20)
  })

  /** Found by reading the chunks one by one. */
  async function unreadable(): Promise<Ref[]> {
    await using db = await open(path)
    const found: Ref[] = []
    for (const ref of refs) {
      await db.store.get(ref).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK', ref: ref.toString() })
        found.push(ref)
      })
    }
    return found
  }

  /** As it is, and where workers have no way to read the files, so that what they fail to read is read in place. */
  const blindFileSystem: FileSystem = {
    ...nodeFileSystem,
    open: async (path, mode) => {
      const file = await nodeFileSystem.open(path, mode)
      return {
        fd: 1_000_000,
        read: (buffer, position) => file.read(buffer, position),
        write: (buffers, position) => file.write(buffers, position),
        truncate: (bytes) => file.truncate(bytes),
        sync: () => file.sync(),
        size: () => file.size(),
        close: () => file.close(),
      }
    },
  }

  test.each([
    ['', nodeFileSystem],
    [', where workers fail to read', blindFileSystem],
  ])('name the damaged chunk and give all others%s', async (_, fileSystem) => {
    const store = await SegmentStore.open(path, { fileSystem })
    try {
      const sound = refs.filter((ref) => !damaged.includes(ref))
      const [all, some, chunks] = await Promise.all([
        store.getMany(refs).catch((error: unknown) => error),
        store.getMany([...sound.slice(0, 50), ...damaged]).catch((error: unknown) => error),
        store.getMany(sound),
      ])
      for (const error of [all, some]) {
        expect(error).toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK' })
        expect(damaged.map(String)).toContain((error as DamagedChunkError).ref)
      }
      expect(chunks.map((chunk) => digest(chunk!).slice(0, 40))).toEqual(
        sound.map(({ bytes }) => Buffer.from(bytes).toString('hex')),
      )
    } finally {
      await store.close()
    }
  })

  test('of a blob fail where the damage is', async () => {
    await using db = await open(path)
    const blob = await db.blob(blobRef)
    await expect(blob.bytes()).rejects.toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK' })
    for (const [start, end] of [
      [0, MIB],
      [6 * MIB, bytes.length],
    ] as const) {
      expect(digest(await blob.slice(start, end).bytes())).toBe(digest(bytes.subarray(start, end)))
    }
  })

  // What fails once nobody asks for it any more would end the run if it were not handled.
  test('of a blob that are left off before the damage harm nobody', async () => {
    await using db = await open(path)
    const blob = await db.blob(blobRef)
    let failed = 0
    for (let start = MIB; start < 6 * MIB; start += 128 * 1024) {
      const iterator = blob.slice(start)[Symbol.asyncIterator]()
      try {
        const { value } = await iterator.next()
        expect(Buffer.compare(value, bytes.subarray(start, start + value.length))).toBe(0)
        await iterator.return?.(undefined)
      } catch (error) {
        expect(error).toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK' })
        failed++
      }
    }
    expect(failed).toBeLessThan(20)
  })

  test('are waited for by closing', async () => {
    const store = await SegmentStore.open(path)
    const reading = store.getMany(refs.slice(0, 100).filter((ref) => !damaged.includes(ref)))
    await store.close()
    expect((await reading).every((chunk) => chunk instanceof Uint8Array)).toBe(true)
  })
})
