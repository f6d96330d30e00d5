import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SequenceFormat } from '../../src/sequence/format.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { COLLECTION_PARAMS, itemOf, LIST_FORMAT, MAP_FORMAT, SET_FORMAT } from './item-formats.js'
import { build, countChunks, nodesPerLevel, openTree } from './trees.js'

interface Vector {
  readonly collection: 'list' | 'set' | 'map'
  readonly seed?: string
  /** What the items are, where there is no seed. */
  readonly of?: string
  readonly count: number
  readonly ref: string
  readonly nodesPerLevel: number[]
}

const vectors: { collections: Vector[] } = JSON.parse(
  readFileSync(new URL('../vectors/collection.json', import.meta.url), 'utf8'),
)

const formats: Record<Vector['collection'], SequenceFormat> = {
  list: LIST_FORMAT,
  set: SET_FORMAT,
  map: MAP_FORMAT,
}

test.each(
  vectors.collections.map(
    (vector) => [vector.collection, vector.count, vector.of ?? 'strings', vector] as const,
  ),
)('a %s of %i %s', async (collection, count, _, vector) => {
  const store = new MemoryStore()
  const items = Array.from({ length: count }, (_, index) => itemAt(vector, index))
  const root = await build(store, formats[collection], COLLECTION_PARAMS, items)
  expect(root.ref.toString()).toBe(vector.ref)
  expect(root.length).toBe(count)
  expect(await nodesPerLevel(await openTree(store, formats[collection], root))).toEqual(vector.nodesPerLevel)
  await countChunks(store, root)
})

function itemAt(vector: Vector, index: number): Uint8Array {
  if (vector.of !== undefined) {
    if (vector.collection === 'list') return itemOf(0)
    return itemOf(index, { n: index, sq: index * index, tags: ['a', 'b'] })
  }
  const { collection, seed } = vector
  const key = `${seed}/${String(index).padStart(8, '0')}`
  const digest = createHash('sha256').update(`${seed}:${index}`).digest('hex')
  const value = digest.slice(0, 8 + (index % 40))
  if (collection === 'list') return itemOf(value)
  return collection === 'set' ? itemOf(key) : itemOf(key, value)
}
