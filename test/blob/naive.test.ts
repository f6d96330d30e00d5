import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { check } from '../seed.js'
import { data } from '../sequence/data.js'
import { NAIVE_BLOB_LEAF, NAIVE_META, naiveBlob } from '../sequence/naive.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks, nodesPerLevel } from '../sequence/trees.js'
import { stream } from '../vectors/stream.js'
import { newContext } from './contexts.js'

const sizes = [
  0, 1, 31, 32, 127, 128, 255, 256, 2047, 2048, 2049, 4096, 16_383, 65_535, 65_536, 65_537, 131_072, 300_000,
]

test.each(sizes.flatMap((size) => ['sha', 'zero', 'cycle', 'text'].map((kind) => [size, kind] as const)))(
  '%i bytes of %s have the ref of the plain construction',
  async (size, kind) => {
    const bytes = stream(kind, '70', size)
    const blob = await Blob.put(newContext(), bytes)
    expect(blob.ref.toString()).toBe(naiveBlob(bytes).ref)
  },
)

test.each([
  ['usual', undefined, 200_000, 12, NAIVE_BLOB_LEAF, NAIVE_META],
  ['small', SMALL_PARAMS, 60_000, 40, SMALL_PARAMS.leaf, SMALL_PARAMS.meta],
] as const)('bytes of whatever kind in chunks of %s sizes have it too', async (...row) => {
  const [, params, maxBytes, numRuns, leafRule, metaRule] = row
  await check(
    fc.asyncProperty(data(maxBytes), async (bytes) => {
      const context = newContext(params)
      const blob = await Blob.put(context, bytes)
      const expected = naiveBlob(bytes, leafRule, metaRule)
      expect(blob.ref.toString()).toBe(expected.ref)
      expect(await nodesPerLevel(blob.tree)).toEqual(expected.nodesPerLevel)
      await countChunks(context.store, blob)
    }),
    { numRuns },
  )
})
