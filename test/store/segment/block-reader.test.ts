import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeBlob } from '../../../src/blob/blob.js'
import { type Chunk, chunkOf } from '../../../src/store/chunk-store.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { segmentsDir } from '../../../src/store/segment/store-format.js'
import { check } from '../../seed.js'
import { stream } from '../../vectors/stream.js'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-blocks-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

describe('many chunks at once', () => {
  /** Chunks of noise and of text, small and large, some of them larger than a block. */
  const chunks = Array.from({ length: 400 }, (_, index): Chunk => {
    const size = index % 50 === 0 ? 100_000 + index : 20 + (((index - 1) * 613) % 5000)
    return chunkOf(Uint8Array.from(stream(index % 80 < 40 ? 'text' : 'sha', `chunk ${index}`, size)))
  })
  let store: SegmentStore

  beforeAll(async () => {
    store = await SegmentStore.open(join(directory, 'many'))
    await store.put(chunks)
    await store.flush()
  })

  afterAll(() => store.close())

  test('come in the order in which they are asked for, however they lie', async () => {
    const indexes = fc.array(fc.nat(chunks.length - 1), { maxLength: 150 })
    await check(
      fc.asyncProperty(indexes, async (indexes) => {
        const found = await store.getMany(indexes.map((index) => chunks[index]!.ref))
        for (const [at, index] of indexes.entries())
          expect(Buffer.compare(found[at]!, chunks[index]!.bytes)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('may be one of a packed block a great many times', async () => {
    const { ref, bytes } = chunks[1]!
    const found = await store.getMany(Array(130_000).fill(ref))
    expect(found).toHaveLength(130_000)
    expect(found.every((each) => each !== undefined && Buffer.compare(each, bytes) === 0)).toBe(true)
  })
})

// The first batch of a put decides by its first block.
test.each([300_000, 1_000_000, 4_000_000])('%i bytes of text take up less than half', async (size) => {
  const path = join(directory, `text-${size}`)
  const store = await SegmentStore.open(path)
  await writeBlob(store, stream('text', 'a page', size))
  await store.close()
  const files = await readdir(segmentsDir(path))
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(segmentsDir(path), file))).size))
  expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThan(size * 0.4)
})
