/**
 * The index of a segment store: where each chunk lies and what each head is, so that neither needs the log read.
 * It is a cache: it says how far into the log it reaches, and whatever it lacks is found again by reading the log
 * from there on. Lost or damaged it costs time only.
 */

import type { Ref } from '../../hash/ref.js'
import type { Head } from '../chunk-store.js'
import type { ChunkPlace, LogPosition } from './place.js'

/** What part of the log adds to the index; taken whole or not at all. */
export interface IndexBatch {
  /** The store whose log it is. */
  readonly storeId: Uint8Array
  /** Chunks that no longer count; those in `chunks` do. */
  readonly removed: readonly Ref[]
  readonly chunks: readonly (readonly [Ref, ChunkPlace])[]
  /** Heads by name; undefined where one was removed. */
  readonly heads: ReadonlyMap<string, Ref | undefined>
  /** How far the index reaches with this. */
  readonly position: LogPosition
}

export interface ChunkIndex {
  /** How far into the log of the store `storeId` it reaches; undefined where it is empty or another store's. */
  position(storeId: Uint8Array): Promise<LogPosition | undefined>
  /** Empties it. */
  clear(): Promise<void>
  get(ref: Ref): Promise<ChunkPlace | undefined>
  getMany(refs: readonly Ref[]): Promise<(ChunkPlace | undefined)[]>
  /** Refs whose text begins with `prefix`, in order. */
  refs(prefix: string): AsyncIterable<Ref>
  head(name: string): Promise<Ref | undefined>
  /** Heads whose name begins with `prefix`, in order. */
  heads(prefix: string): AsyncIterable<Head>
  /** What is removed is durable when it resolves; the rest need not be. */
  write(batch: IndexBatch): Promise<void>
  /** Whether something in its files could not be read: whoever opens it next looks at all of them first. */
  readonly isDamaged?: boolean
  /** What is wrong with its own files, in words, where it has some and can tell. */
  damage?(): Promise<string | undefined>
  close(): Promise<void>
}
