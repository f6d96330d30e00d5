import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Collection } from '../../src/collection/collection.js'
import { Database } from '../../src/database/database.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { countChunks, nodesPerLevel } from '../sequence/trees.js'

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

test.each(
  vectors.collections.map(
    (vector) => [vector.collection, vector.count, vector.of ?? 'strings', vector] as const,
  ),
)('a %s of %i %s has its ref', async (_collection, count, _of, vector) => {
  const db = new Database(new MemoryStore())
  const collection = await build(db, vector)
  expect(collection.ref.toString()).toBe(vector.ref)
  expect(collection.tree.root.length).toBe(count)
  expect(await nodesPerLevel(collection.tree)).toEqual(vector.nodesPerLevel)
  await countChunks(db.store, collection)
})

function build(db: Database, { collection, seed, of, count }: Vector): Promise<Collection> {
  const keyAt = (index: number): string => `${seed}/${String(index).padStart(8, '0')}`
  const valueAt = (index: number): string =>
    createHash('sha256')
      .update(`${seed}:${index}`)
      .digest('hex')
      .slice(0, 8 + (index % 40))
  const times = <T>(make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index))
  if (collection === 'set') return db.set(times(keyAt))
  if (collection === 'list') return of === undefined ? db.list(times(valueAt)) : db.list(times(() => 0))
  if (of === undefined) return db.map(times((index) => [keyAt(index), valueAt(index)] as const))
  return db.map(times((n) => [n, { n, sq: n * n, tags: ['a', 'b'] }] as const))
}
