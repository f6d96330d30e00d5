import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { BUZHASH_TABLE } from '../../src/hash/buzhash.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { nodesPerLevel } from '../sequence/trees.js'
import { stream } from '../vectors/stream.js'

interface Vectors {
  readonly buzhashTable: string[]
  readonly blobs: { kind: string; seed: string; length: number; ref: string; nodesPerLevel: number[] }[]
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../vectors/blob.json', import.meta.url), 'utf8'))

test('the buzhash table is the one of the vectors', () => {
  const table = [...BUZHASH_TABLE].map((entry) => entry.toString(16).padStart(8, '0'))
  expect(table).toEqual(vectors.buzhashTable)
})

test.each(vectors.blobs)('$kind "$seed" of $length bytes has the ref $ref', async (vector) => {
  const context = { store: new MemoryStore(), cache: new NodeCache() }
  const blob = await Blob.put(context, stream(vector.kind, vector.seed, vector.length))
  expect(blob.ref.toString()).toBe(vector.ref)
  expect(blob.size).toBe(vector.length)
  expect(await nodesPerLevel(blob.tree)).toEqual(vector.nodesPerLevel)
})
