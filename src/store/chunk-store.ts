/**
 * What a store of chunks is. Every store, wrapper and client passes the one suite of test/contract/.
 *
 * Many at a time is the normal case. All methods may be called at any time and any number of them may run at
 * once; after `close` they reject with NOMSY_CLOSED. A store keeps four promises:
 *
 * 1. Closed: writers put children before parents, and a collection leaves nothing without what is under it, so that a
 *    ref's presence means the presence of all under it.
 * 2. Verified: bytes from a disk or a wire are hashed before anyone sees them. There is no switch for it.
 * 3. Durable: once `flush` or a head's update resolves, a crash or power cut loses nothing put before it.
 * 4. Healing: a put believes that a chunk is there only if what is there checks out.
 */

import { EncodingError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import type { StoredRun } from '../parallel/jobs.js'
import type { LostChunks } from './lost-chunks.js'

/** Largest chunk in bytes. SPEC "Chunks". */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024

/** Bytes and their ref. Both are kept by whoever is handed them and are not written again until released. */
export interface Chunk {
  readonly ref: Ref
  readonly bytes: Uint8Array
  /**
   * Where it is given, the bytes are lent: they lie in memory that other threads may share, and are to be copied
   * before anybody else is handed them. Called once, when the store needs them no longer, it lets whoever made the
   * chunk use their memory for the next ones.
   */
  readonly release?: (() => void) | undefined
}

/** The chunk's bytes, to be kept for good. */
export function keptBytes({ bytes, release }: Chunk): Uint8Array {
  if (release === undefined) return bytes
  const copy = new Uint8Array(bytes)
  release()
  return copy
}

/** The chunk of `bytes`, which it keeps: computes the ref. */
export function chunkOf(bytes: Uint8Array): Chunk {
  if (bytes.length > MAX_CHUNK_BYTES)
    throw new EncodingError(`a chunk of ${bytes.length} bytes is too large`, 0)
  return { ref: Ref.of(bytes), bytes }
}

/** Chunks as they lie in files that are open: `slots` are those of the runs' parts, in order, among the refs asked for. */
export interface StoredChunks {
  readonly runs: readonly StoredRun[]
  readonly slots: readonly number[]
}

export interface ChunkStore {
  /** The store's place as a person would name it: `memory:`, a path. */
  readonly location: string

  /** Its own directory, of a store that keeps beside its chunks what makes later puts faster. */
  readonly directory?: string | undefined

  /** The chunk's bytes, verified; undefined where it is absent; rejects with NOMSY_DAMAGED_CHUNK. */
  get(ref: Ref): Promise<Uint8Array | undefined>

  /** As {@link get} for each ref, in the order of `refs`. Rejects if one of them is damaged. */
  getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]>

  /**
   * Where chunks lie, for a job that reads and verifies them on another thread; those that are absent, or in memory, are
   * left out. Stores that do not keep chunks in files lack it.
   */
  readonly locate?: (refs: readonly Ref[]) => Promise<StoredChunks | undefined>

  has(ref: Ref): Promise<boolean>

  /** As {@link has} for each ref, in the order of `refs`. Looks at the index only, not at the bytes. */
  hasMany(refs: readonly Ref[]): Promise<boolean[]>

  /**
   * Takes chunks, children before parents. Resolves when the store is ready for more, which is its
   * back-pressure, not when they are durable: that takes {@link flush} or a head's update.
   * They can be read at once. Chunks that are there already, and whole, cost no space; resolves to the bytes of
   * the others.
   */
  put(chunks: readonly Chunk[]): Promise<number>

  readonly heads: Heads

  /** All refs in the store, or those whose text begins with `prefix`, in the order of their text. */
  refs(prefix?: string): AsyncIterable<Ref>

  /** The sizes of all chunks in the store, in the order of their refs. */
  sizes(): AsyncIterable<ChunkSize>

  /** How much room the store takes up. */
  usage(): Promise<Usage>

  /**
   * Runs `body` as one write: no {@link collect} takes away what it finds here before it has ended. For whoever relies
   * on chunks that no head holds yet. `body` must not wait for a collection.
   */
  writing<T>(body: () => Promise<T>): Promise<T>

  /** Makes every {@link collect} keep what `holder` holds. Gives what ends that. */
  hold(holder: Holder): () => void

  /**
   * Frees what nothing needs. Kept are, each with everything under it: what heads name; what holders hold; what was put,
   * found by `has` or read since this began, and what writes that were under way then have found. Other calls go on
   * meanwhile; collections come one after the other. In one moment, and for good, all the rest becomes absent.
   * Whichever process asks for it, the same holds for all that share the store.
   *
   * Rejects with NOMSY_MISSING_CHUNK or NOMSY_DAMAGED_CHUNK, and frees nothing, where something that is needed is not
   * there to say what is under it.
   */
  collect(options: CollectOptions): Promise<Collected>

  /**
   * Reads everything stored, in the order in which it lies there, and gives what is not as it was written.
   * Gives nothing where all is well; goes on after each finding.
   */
  check(options?: CheckOptions): AsyncIterable<Finding>

  /** What is known to be lost, in stores that can remember it. */
  readonly lost?: LostChunks | undefined

  /** Resolves when everything put before is durable. */
  flush(): Promise<void>

  /** Flushes and lets go of the store. Twice is harmless. */
  close(): Promise<void>
}

/** Names for refs, moved by compare-and-set only. SPEC "Heads". */
export interface Heads {
  /** The head's ref; undefined where there is none of that name. */
  get(name: string): Promise<Ref | undefined>

  /** All heads whose name begins with `prefix`, in the order of their names. */
  list(prefix?: string): AsyncIterable<Head>

  /**
   * Makes the head `next` (undefined: removes it) if it is `expected` (undefined: absent), else rejects with
   * NOMSY_HEAD_CONFLICT; with NOMSY_MISSING_CHUNK where the store lacks `next`. Resolves when the head and all
   * chunks put before it are durable.
   */
  compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void>
}

export interface Head {
  readonly name: string
  readonly ref: Ref
}

export interface ChunkSize {
  readonly ref: Ref
  /** Bytes of the chunk, not packed. */
  readonly bytes: number
}

export interface Usage {
  /** Bytes that the store's files take up; undefined where it does not know. */
  readonly storedBytes: number | undefined
  /** Files that hold chunks; 0 where there are none. */
  readonly segmentCount: number
}

export interface CollectOptions {
  /** What is directly under a chunk. A store that is another process's asks that process instead. */
  readonly childrenOf: ChildrenOf
  /** Whether to find out only, and to free nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the chunks found to be needed so far, and all there are. */
  readonly onProgress?: ((chunks: number, totalChunks: number) => void) | undefined
}

/** Somebody who relies on chunks that no head holds, beyond a write: a program with objects open. */
export interface Holder {
  /** What is to stay. Called at once before everything is decided, and any time before. */
  held(): Iterable<Ref>
  /**
   * Called when a collection begins, which decides nothing before this resolves: for who has yet to find, while the
   * collection takes note of it, what is relied on elsewhere.
   */
  settle?(): Promise<void>
  /** Called when it has ended, however it did. */
  ended?(): void
}

export type ChildrenOf = (chunk: Chunk) => Children

/** What is directly under a chunk, and whether it is known that nothing is under that. */
export interface Children {
  readonly refs: Iterable<Ref>
  readonly areLeaves: boolean
}

/** What a collection did, or would do. */
export interface Collected {
  /** Chunks that stay, of those that were there when it began. */
  readonly keptChunks: number
  /** Chunks that go, and their bytes, not packed. */
  readonly freedChunks: number
  readonly freedBytes: number
  /** Bytes by which the store's files become smaller, about so many of a dry run; undefined where it does not know. */
  readonly storedBytes: number | undefined
}

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the stored bytes read since the last call, and all there are to read. */
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined
  /** Reads a random share of what is stored, and not all of it. */
  readonly sample?: Sample | undefined
  /** Goes on where a check of all was interrupted, if the store remembers where that was; else begins anew. */
  readonly resume?: boolean | undefined
}

/** A random share, the same for the same seed as long as nothing is stored. */
export interface Sample {
  /** Above 0, up to 1. */
  readonly share: number
  /** A whole number. */
  readonly seed: number
}

/** Says of one thing after the other whether it is in the sample. */
export function sampler({ share, seed }: Sample): () => boolean {
  // The generator "mulberry32".
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 < share
  }
}

/** Something stored that is not as it was written. */
export interface Finding {
  /** Where and what, in words. */
  readonly message: string
  /** The chunks that can no longer be read because of it. */
  readonly refs: readonly Ref[]
}

/** Heads' names: SPEC "Heads". */
const HEAD_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/

/** Throws a RangeError where `name` cannot be a head's. */
export function checkHeadName(name: string): void {
  if (!HEAD_NAME.test(name) || name.includes('..') || name.includes('//') || Ref.isRef(name)) {
    throw new RangeError(
      `'${name}' cannot name a head: 1 to 128 of A-Z a-z 0-9 . _ / -, the first a letter or digit, no '..' or '//', not the form of a ref`,
    )
  }
}
