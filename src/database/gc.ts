/**
 * Frees what no head, pin or open object needs. The stores find out what that is (src/store/collector.ts); here is what
 * they do not know: what is under a chunk, and which objects the program has open.
 */

import { Reader } from '../encoding/decode.js'
import { EncodingError } from '../errors.js'
import { kindOf } from '../sequence/kind.js'
import type { NodeCache } from '../sequence/node-reader.js'
import { childrenOf } from '../sequence/walk.js'
import type { Children, Chunk, ChunkStore, Collected, CollectOptions } from '../store/chunk-store.js'

export type GcOptions = Pick<CollectOptions, 'dryRun' | 'signal' | 'onProgress'>

export function collectGarbage(store: ChunkStore, cache: NodeCache, options: GcOptions): Promise<Collected> {
  return store.collect({
    ...options,
    childrenOf: childrenIn,
    // With nodes of what goes in it, trees could be opened that are no longer there.
    held: () => cache.clear(),
  })
}

const NONE: Children = { refs: [], areLeaves: true }

/** What is under a chunk. A chunk that is not canonical has nothing under it; heads can name any. */
export function childrenIn({ ref, bytes }: Chunk): Children {
  try {
    const refs = childrenOf(ref, bytes)
    return refs.length === 0 ? NONE : { refs, areLeaves: isAboveBytes(bytes) }
  } catch (error) {
    if (error instanceof Error && error.cause instanceof EncodingError) return NONE
    throw error
  }
}

/** Whether the chunk is a blob's meta node whose children are leaves, and have nothing under them. */
function isAboveBytes(bytes: Uint8Array): boolean {
  if (kindOf(bytes) !== 'blob') return false
  const reader = new Reader(bytes)
  reader.arrayHeader()
  reader.string()
  return reader.uint() === 1
}
