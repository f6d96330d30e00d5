/** Stores to put blobs in, with nothing in the cache. */

import type { BlobContext } from '../../src/blob/blob.js'
import { BLOB_PARAMS } from '../../src/blob/blob-format.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { WatchedStore } from '../sequence/watched-store.js'

export interface TestContext extends BlobContext {
  readonly store: WatchedStore
}

export function newContext(params: TreeParams = BLOB_PARAMS, store = new WatchedStore()): TestContext {
  return { store, cache: new NodeCache(), params }
}

/** The same store with another cache, nothing counted yet. */
export function coldContext(context: TestContext): TestContext {
  context.store.reads = context.store.puts = context.store.putBytes = 0
  return { ...context, cache: new NodeCache() }
}
