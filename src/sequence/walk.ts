/**
 * Every chunk under a ref, of whatever kind: children are found by the refs in a chunk's bytes alone (SPEC
 * "Refs"). A chunk comes after a parent of its own, and is passed over when it is met again.
 */

import { refsIn } from '../encoding/decode.js'
import { EncodingError, InvalidNodeError, MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { Chunk, ChunkStore } from '../store/chunk-store.js'

/** Chunks fetched at once. */
const BATCH_CHUNKS = 64

/**
 * Walks the chunks under `ref`, itself included. `visited` holds the text of the refs that need no visit, and
 * gains those visited; hand the same set to several walks to see shared chunks once.
 */
export async function* walk(
  store: Pick<ChunkStore, 'getMany'>,
  ref: Ref,
  visited: Set<string> = new Set(),
): AsyncGenerator<Chunk> {
  // A stack, so that what is open at a time is one path with its siblings and not a level.
  const open: Ref[] = [ref]
  while (open.length > 0) {
    const batch = takeUnvisited(open, visited)
    const chunks = await store.getMany(batch)
    const children: Ref[] = []
    for (const [index, bytes] of chunks.entries()) {
      const ref = batch[index]!
      if (bytes === undefined) throw new MissingChunkError(ref.toString())
      // Not spread into arguments: a chunk can hold more refs than a call can take.
      for (const child of childrenOf(ref, bytes)) children.push(child)
      yield { ref, bytes }
    }
    while (children.length > 0) open.push(children.pop()!)
  }
}

/** The refs in a chunk. */
export function childrenOf(ref: Ref, bytes: Uint8Array): Ref[] {
  try {
    return refsIn(bytes).flatMap((refs) => [...refs])
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause
    throw new InvalidNodeError(ref.toString(), cause.message, { cause })
  }
}

function takeUnvisited(open: Ref[], visited: Set<string>): Ref[] {
  const batch: Ref[] = []
  while (batch.length < BATCH_CHUNKS && open.length > 0) {
    const ref = open.pop()!
    const text = ref.toString()
    if (visited.has(text)) continue
    visited.add(text)
    batch.push(ref)
  }
  return batch
}
