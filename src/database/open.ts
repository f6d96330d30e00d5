/** From a location, as a person writes it, to a database: the one place that knows every store. */

import type { ChunkStore } from '../store/chunk-store.js'
import type { Compression } from '../store/segment/open-segment-store.js'
import { Database, type DatabaseOptions } from './database.js'

export interface OpenOptions extends DatabaseOptions {
  /** Whether to create the store where there is none; true where left out. */
  readonly create?: boolean | undefined
  /** Opens for reading only: takes no lock, writes nothing, works on media that cannot be written. */
  readonly readOnly?: boolean | undefined
  /** How new blocks of a store on disk are packed; `zstd:1` where left out. */
  readonly compression?: Compression | undefined
}

/**
 * Opens the database at `location`: a directory's path (the default store), `level:PATH` (all in one LevelDB), or
 * `memory:`. Rejects with NOMSY_NO_STORE, NOMSY_FOREIGN_STORE, NOMSY_NEWER_STORE, NOMSY_LOCKED,
 * NOMSY_DAMAGED_STORE.
 */
export async function open(location: string, options: OpenOptions = {}): Promise<Database> {
  return new Database(await openStore(location, options), options)
}

/** Each kind of store is loaded when one of it is opened. */
async function openStore(location: string, options: OpenOptions): Promise<ChunkStore> {
  if (location === 'memory:') {
    const { MemoryStore } = await import('../store/memory-store.js')
    return new MemoryStore()
  }
  if (location.startsWith('level:')) {
    const { LevelStore } = await import('../store/level-store.js')
    return LevelStore.open(location.slice('level:'.length), { create: options.create ?? true })
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) {
    throw new RangeError(
      `${location}: not a kind of store that this version knows; write a path, level:PATH or memory:`,
    )
  }
  const { SegmentStore } = await import('../store/segment/segment-store.js')
  return SegmentStore.open(location, options)
}
