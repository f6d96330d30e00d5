/** Stores to put collections in, with nothing in the cache. */

import type { CollectionContext } from '../../src/collection/collection.js'
import { COLLECTION_PARAMS } from '../../src/collection/collection-format.js'
import { encode } from '../../src/encoding/encode.js'
import type { Ref } from '../../src/hash/ref.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { WatchedStore } from '../sequence/watched-store.js'

export interface TestContext extends CollectionContext {
  readonly store: WatchedStore
}

/** Chunks that every store of tests has, so that items may refer to them. */
const CHUNKS: readonly Chunk[] = Array.from({ length: 8 }, (_, index) => chunkOf(encode(['value', index])))
export const KNOWN_REFS: readonly Ref[] = CHUNKS.map(({ ref }) => ref)

export function newContext(params: TreeParams = COLLECTION_PARAMS, store = new WatchedStore()): TestContext {
  void store.put(CHUNKS)
  store.puts = store.putBytes = 0
  return { store, cache: new NodeCache(), params }
}

/** The same store with another cache, nothing counted yet. */
export function coldContext(context: TestContext): TestContext {
  context.store.reads = context.store.puts = context.store.putBytes = 0
  return { ...context, cache: new NodeCache() }
}

/** All that comes. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
