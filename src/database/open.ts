/** From a location, as a person writes it, to a database: the one place that knows every store. */

import { LevelStore } from '../store/level-store.js'
import { MemoryStore } from '../store/memory-store.js'
import { SegmentStore } from '../store/segment/segment-store.js'
import { Database, type DatabaseOptions } from './database.js'

export interface OpenOptions extends DatabaseOptions {
  /** Whether to create the store where there is none; true where left out. */
  readonly create?: boolean | undefined
  /** Opens for reading only: takes no lock, writes nothing, works on media that cannot be written. */
  readonly readOnly?: boolean | undefined
}

/**
 * Opens the database at `location`: a directory's path (the default store), `level:PATH` (all in one LevelDB), or
 * `memory:`. Rejects with NOMSY_NO_STORE, NOMSY_FOREIGN_STORE, NOMSY_NEWER_STORE, NOMSY_LOCKED,
 * NOMSY_DAMAGED_STORE.
 */
export async function open(location: string, options: OpenOptions = {}): Promise<Database> {
  const { create = true, readOnly = false } = options
  if (location === 'memory:') return new Database(new MemoryStore(), options)
  if (location.startsWith('level:')) {
    return new Database(await LevelStore.open(location.slice('level:'.length), { create }), options)
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) {
    throw new RangeError(
      `${location}: not a kind of store that this version knows; write a path, level:PATH or memory:`,
    )
  }
  return new Database(await SegmentStore.open(location, { create, readOnly }), options)
}
