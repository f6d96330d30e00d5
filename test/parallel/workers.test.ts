/**
 * The built library, in which jobs run on worker threads: the same refs as in place, and bytes that stay what they
 * were however many puts and reads go on at once, since buffers are handed back and forth and used again.
 */

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeBlob } from '../../src/blob/blob.js'
import { DISCARD } from '../../src/sequence/chunk-sink.js'
import { seed } from '../seed.js'
import { stream } from '../vectors/stream.js'

const { open }: typeof import('../../src/index.js') = await import(
  new URL('../../dist/index.js', import.meta.url).href
)

const MIB = 1024 * 1024

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-workers-'))
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

test.each(['zstd', 'none'] as const)(
  'puts and reads that go on at once keep every byte (%s)',
  async (compression) => {
    await using db = await open(join(directory, compression), { compression })
    // The first put is long enough for the workers to have been started.
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
    for await (const problem of db.check()) problems.push(problem)
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
