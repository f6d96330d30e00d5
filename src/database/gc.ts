/**
 * Frees what no head, pin or open object needs. The stores find out what that is (src/store/collector.ts); here is what
 * they do not know: what is under a chunk.
 */

import { Reader } from '../encoding/decode.js'
import { EncodingError } from '../errors.js'
import { kindOf } from '../sequence/kind.js'
import { childrenOf } from '../sequence/walk.js'
import type { Children, Chunk, CollectOptions } from '../store/chunk-store.js'

export type GcOptions = Omit<CollectOptions, 'childrenOf'>

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
