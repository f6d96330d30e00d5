/**
 * Brings damaged and missing chunks back: from another store, or from files that hold the same bytes. What stays away is
 * marked as lost. SPEC "Repair".
 */

import { writeBlob } from '../blob/blob.js'
import type { BlobSource } from '../blob/blob-source.js'
import { isNomsyError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { RefSet } from '../hash/ref-set.js'
import { childrenOf } from '../sequence/walk.js'
import { type Chunk, type ChunkStore, keptBytes } from '../store/chunk-store.js'
import { Closure } from './check/closure.js'

/** Chunks asked for at once. */
const BATCH_CHUNKS = 64

export interface RepairOptions {
  /** A store to take chunks from. */
  readonly from?: Pick<ChunkStore, 'get' | 'getMany'> | undefined
  /**
   * What gives the bytes of files, anew each time that it is called: they are cut as blobs are, and the chunks taken
   * that are needed. They may be gone through several times.
   */
  readonly seeds?: (() => AsyncIterable<BlobSource> | Iterable<BlobSource>) | undefined
  /** Finds out what could be brought back, and changes nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the stored bytes read since the last call, and all there are to read. */
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined
}

/** What a repair came to. */
export interface Repaired {
  /** Chunks that were brought back, or could be. */
  readonly found: number
  /** Chunks that are still damaged or missing. */
  readonly lost: readonly Ref[]
}

export async function repairChunks(store: ChunkStore, options: RepairOptions = {}): Promise<Repaired> {
  const { from, seeds, signal, dryRun } = options
  const wanted = new Wanted(store, dryRun === true)
  for (const ref of await lackingIn(store, options)) wanted.add(ref)
  if (from !== undefined) await takeFrom(from, wanted, signal)
  if (seeds !== undefined) await takeFromSeeds(seeds, wanted, signal)
  const lost = wanted.left
  if (dryRun !== true) {
    await store.flush()
    await store.lost?.replace(lost)
  }
  return { found: wanted.foundCount, lost }
}

/** All chunks that are damaged, and those that heads need and that are missing. */
async function lackingIn(store: ChunkStore, { signal, onProgress }: RepairOptions): Promise<RefSet> {
  const damaged = new RefSet()
  for await (const { refs } of store.check({ signal, onProgress })) for (const ref of refs) damaged.add(ref)
  const closure = new Closure(store, { readsLeaf: () => false, damaged, signal })
  for await (const { ref } of store.heads.list()) await closure.follow(ref)
  for (const ref of closure.lacking) damaged.add(ref)
  return damaged
}

/** The chunks that are looked for. */
class Wanted {
  readonly #store: ChunkStore
  readonly #isDryRun: boolean
  readonly #refs = new Map<string, Ref>()
  readonly #found = new RefSet()

  constructor(store: ChunkStore, isDryRun: boolean) {
    this.#store = store
    this.#isDryRun = isDryRun
  }

  get left(): Ref[] {
    return [...this.#refs.values()]
  }

  get foundCount(): number {
    return this.#found.size
  }

  add(ref: Ref): void {
    if (!this.#found.has(ref)) this.#refs.set(ref.toString(), ref)
  }

  has(ref: Ref): boolean {
    return this.#refs.has(ref.toString())
  }

  /** Stores a chunk that is wanted. What it needs in turn, and is not there, is wanted then. */
  async take(chunk: Chunk): Promise<void> {
    const children = childrenOf(chunk.ref, chunk.bytes)
    if (!this.#isDryRun) await this.#store.put([chunk])
    this.#refs.delete(chunk.ref.toString())
    this.#found.add(chunk.ref)
    const isThere = await this.#store.hasMany(children)
    for (const [slot, child] of children.entries()) if (!isThere[slot]) this.add(child)
  }
}

async function takeFrom(
  from: NonNullable<RepairOptions['from']>,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Promise<void> {
  const asked = new RefSet()
  for (;;) {
    // Those that the ones before need come in on the way.
    const refs = wanted.left.filter((ref) => !asked.has(ref))
    if (refs.length === 0) return
    for (let at = 0; at < refs.length; at += BATCH_CHUNKS) {
      signal?.throwIfAborted()
      const batch = refs.slice(at, at + BATCH_CHUNKS)
      for (const ref of batch) asked.add(ref)
      const chunks = await getMany(from, batch)
      for (const [slot, bytes] of chunks.entries()) {
        const ref = batch[slot]!
        if (bytes !== undefined && Ref.of(bytes).equals(ref)) await wanted.take({ ref, bytes })
      }
    }
  }
}

/** Chunks of another store, which may be damaged too. */
async function getMany(
  from: NonNullable<RepairOptions['from']>,
  refs: readonly Ref[],
): Promise<(Uint8Array | undefined)[]> {
  try {
    return await from.getMany(refs)
  } catch (error) {
    if (!isNomsyError(error, 'NOMSY_DAMAGED_CHUNK')) throw error
    return Promise.all(
      refs.map((ref) =>
        from.get(ref).catch((error: unknown) => {
          if (isNomsyError(error, 'NOMSY_DAMAGED_CHUNK')) return undefined
          throw error
        }),
      ),
    )
  }
}

/** A chunk's children come before it; where it was needed to know of them, the next time through finds them. */
async function takeFromSeeds(
  seeds: NonNullable<RepairOptions['seeds']>,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let foundBefore = -1; foundBefore < wanted.foundCount && wanted.left.length > 0; ) {
    foundBefore = wanted.foundCount
    for await (const source of seeds()) {
      if (wanted.left.length === 0) return
      await writeBlob({ put: (chunks) => takeWanted(chunks, wanted) }, source, { signal })
    }
  }
}

async function takeWanted(chunks: readonly Chunk[], wanted: Wanted): Promise<number> {
  for (const chunk of chunks) {
    if (wanted.has(chunk.ref)) await wanted.take({ ref: chunk.ref, bytes: keptBytes(chunk) })
    else chunk.release?.()
  }
  return 0
}
