/**
 * What objects take up in a store, and how much of that nothing else needs. Follows chunks by their refs, each once
 * for each object, and reads no leaf of which a meta node says how long it is.
 */

import { BLOB_FORMAT, BLOB_PARAMS } from '../blob/blob-format.js'
import { InvalidNodeError, MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { RefNumbers } from '../hash/ref-numbers.js'
import { RefSet } from '../hash/ref-set.js'
import { Leaf } from '../sequence/node.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { type Edge, edgeTo, isBlobLeaf, lookAt } from './check/edge.js'

/** Chunks read at once. */
const BATCH_CHUNKS = 64

/** In place of the number of an object: needed by another one too. */
const SEVERAL = 2 ** 32 - 1

/** In bytes of chunks, each counted once, before they are packed. */
export interface Usage {
  /** Of what no name would hold any more without this object, wherever it is, and none of the others compared needs. */
  readonly unique: number
  /** Of all else in it. */
  readonly shared: number
}

export interface UsageOptions {
  /** What else there is to share with. */
  readonly roots: AsyncIterable<{ readonly ref: Ref }>
  readonly signal?: AbortSignal | undefined
}

export interface Usages {
  /** Of each object, in their order. */
  readonly usages: readonly Usage[]
  /** Bytes of the chunks that more than one of them needs. */
  readonly common: number
}

/** Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where what is to be followed is not as it should be. */
export async function usageOf(
  store: ChunkStore,
  objects: readonly Ref[],
  { roots, signal }: UsageOptions,
): Promise<Usages> {
  /** Of each chunk the one object that needs it, counted from 1, or SEVERAL. */
  const owners = new RefNumbers()
  const totals = objects.map(() => ({ all: 0, unique: 0 }))
  let common = 0
  for (const [index, object] of objects.entries()) {
    const own = totals[index]!
    await follow(store, [object], new RefSet(), signal, (ref, bytes) => {
      own.all += bytes
      const owner = owners.get(ref)
      owners.set(ref, owner === 0 ? index + 1 : SEVERAL)
      if (owner === 0) {
        own.unique += bytes
      } else if (owner !== SEVERAL) {
        totals[owner - 1]!.unique -= bytes
        common += bytes
      }
    })
  }
  const seen = new RefSet()
  // So they are not entered.
  for (const object of objects) seen.add(object)
  for await (const { ref } of roots) {
    await follow(store, [ref], seen, signal, (found, bytes) => {
      const owner = owners.get(found)
      if (owner === 0 || owner === SEVERAL) return
      totals[owner - 1]!.unique -= bytes
      owners.set(found, SEVERAL)
    })
  }
  return { usages: totals.map(({ all, unique }) => ({ unique, shared: all - unique })), common }
}

/** Tells of each chunk under `refs` that is not in `seen`, which gains them, and how long it is. */
async function follow(
  store: ChunkStore,
  refs: readonly Ref[],
  seen: RefSet,
  signal: AbortSignal | undefined,
  onChunk: (ref: Ref, bytes: number) => void,
): Promise<void> {
  // A stack, so that what waits is one path with its siblings and not whole levels.
  const waiting = refs.map(edgeTo)
  while (waiting.length > 0) {
    signal?.throwIfAborted()
    const batch: Edge[] = []
    while (batch.length < BATCH_CHUNKS && waiting.length > 0) {
      const edge = waiting.pop()!
      if (!seen.add(edge.ref)) continue
      const bytes = knownBytes(edge)
      if (bytes === undefined) batch.push(edge)
      else onChunk(edge.ref, bytes)
    }
    const chunks = await store.getMany(batch.map(({ ref }) => ref))
    for (const [slot, chunk] of chunks.entries()) {
      const edge = batch[slot]!
      if (chunk === undefined) throw new MissingChunkError(edge.ref.toString())
      const found = lookAt(edge, chunk)
      if (typeof found === 'string') throw new InvalidNodeError(edge.ref.toString(), found)
      const { format, node, edges } = found
      onChunk(edge.ref, format === BLOB_FORMAT && node instanceof Leaf ? node.length : chunk.length)
      for (const next of edges) waiting.push(next)
    }
  }
}

/** The bytes of a blob's leaf that need not be read for that; undefined for all else. */
function knownBytes(edge: Edge): number | undefined {
  const { parent, said } = edge
  if (isBlobLeaf(edge)) return parent!.node.childLength(parent!.index)
  // So short a blob is one leaf.
  const isShort = said?.kind === 'blob' && said.size! <= BLOB_PARAMS.leaf.minUnits
  return isShort ? said.size : undefined
}
