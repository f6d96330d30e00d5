/** Puts chunks that are made by hand, one at a time, where the trees' writers are not at work. */

import { MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { childrenOf } from '../sequence/walk.js'
import { type ChunkStore, chunkOf, MAX_CHUNK_BYTES } from '../store/chunk-store.js'

/**
 * Puts the chunk `bytes`, which it keeps, once everything that it refers to is there; gives its ref. Rejects with
 * NOMSY_MISSING_CHUNK if something is not, with a RangeError where `what` is too large for a chunk.
 */
export async function putClosed(
  store: Pick<ChunkStore, 'hasMany' | 'put' | 'writing'>,
  bytes: Uint8Array,
  what: string,
): Promise<Ref> {
  if (bytes.length > MAX_CHUNK_BYTES) {
    throw new RangeError(
      `${what} is ${bytes.length} bytes encoded, above ${MAX_CHUNK_BYTES}; store what is large as a blob or collection and refer to that`,
    )
  }
  const chunk = chunkOf(bytes)
  const children = childrenOf(chunk.ref, bytes)
  return store.writing(async () => {
    const absent = (await store.hasMany(children)).indexOf(false)
    if (absent >= 0) throw new MissingChunkError(children[absent]!.toString())
    await store.put([chunk])
    return chunk.ref
  })
}
