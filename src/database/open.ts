/** From a location, as a person writes it, to a database: the one place that knows every store. */

import type { ChunkStore } from '../store/chunk-store.js'
import { type Compression, checkCompression, DEFAULT_COMPRESSION } from '../store/segment/compression.js'
import { DURABILITIES, type Durability } from '../store/segment/durability.js'
import { Database, type DatabaseOptions } from './database.js'
import { childrenIn } from './gc.js'
import type { Repaired, RepairOptions } from './repair.js'

export interface OpenOptions extends DatabaseOptions {
  /** Whether to create the store where there is none; true where left out. */
  readonly create?: boolean | undefined
  /**
   * Opens for reading only: through the process that has the store open, if there is one; else it takes no lock, writes
   * nothing, and works on media that cannot be written.
   */
  readonly readOnly?: boolean | undefined
  /**
   * How chunks are packed that a store on disk is given: `none`, or `zstd:N` with a level N of -7 (fastest) to -1 or 1
   * to 19 (smallest); `zstd` is `zstd:1`. A store that this makes remembers it; one that is there packs so until it is
   * closed, and goes on remembering what it did. Left out: as the store remembers, else `zstd:1`. What is stored reads
   * the same whatever it says, and no ref depends on it. Without effect on `level:PATH` and `memory:`, and while another
   * process has the store open, which then packs in its own way.
   */
  readonly compression?: Compression | undefined
  /**
   * When a head's move, and so a commit, a pin or a name, is acknowledged. `commit`: once a loss of power cannot undo it.
   * `lazy`: once the end of the process cannot; a loss of power may undo what is younger than a second, and never leaves
   * the later of two without the earlier. `none`: the same, however old it is. {@link Database.flush} makes all durable
   * whatever this says, closing too. `commit` where left out. Without effect on `level:PATH`, which is always as
   * `commit`, and on `memory:`.
   */
  readonly durability?: Durability | undefined
  /**
   * Whether the store is opened to free room, by removing names or collecting: where the disk is full that takes the few
   * MiB which a store keeps for it.
   */
  readonly makesRoom?: boolean | undefined
}

/**
 * Opens the database at `location`: a directory's path (the default store, which any number of processes may have open
 * at once), `level:PATH` (all in one LevelDB), or `memory:`. Rejects with NOMSY_NO_STORE, NOMSY_FOREIGN_STORE,
 * NOMSY_NEWER_STORE, NOMSY_LOCKED, NOMSY_DAMAGED_STORE; with a RangeError for a location or a compression that cannot be.
 */
export async function open(location: string, options: OpenOptions = {}): Promise<Database> {
  const { compression, durability = 'commit' } = options
  if (compression !== undefined) checkCompression(compression)
  if (!DURABILITIES.includes(durability))
    throw new RangeError(`'${durability}' is no durability; write ${DURABILITIES.join(', ')}`)
  return new Database(await openStore(location, options), options)
}

export interface RepairStoreOptions extends Omit<RepairOptions, 'dryRun'> {
  /** Told of each thing that was mended in the store's files, in words. */
  readonly onMended?: ((message: string) => void) | undefined
}

/**
 * Repairs the store at `location`, which nobody may have open: first its files, so that it opens for writing with all
 * in it that can still be read, then its chunks, as {@link Database.repair} does. Nothing is written over without a copy
 * in the store's directory `damaged`. Rejects as {@link open}, with `create` false.
 */
export async function repair(location: string, options: RepairStoreOptions = {}): Promise<Repaired> {
  await mend(location, options.onMended)
  const db = await open(location, { create: false })
  try {
    return await db.repair(options)
  } finally {
    await db.close()
  }
}

/** Mends a store's files. Kinds other than segment stores have none that could be. */
export async function mend(location: string, onMended?: (message: string) => void): Promise<void> {
  if (!isSegmentStore(location)) return
  const { mendStore } = await import('../store/segment/mend-store.js')
  await mendStore(location, { onMended })
}

function isSegmentStore(location: string): boolean {
  return location !== 'memory:' && !location.startsWith('level:') && !OTHER_KIND.test(location)
}

/** What looks like a kind of store that is not known. */
const OTHER_KIND = /^[a-z][a-z0-9+.-]+:\/\//i

/** Whether a store at `location` is of the kind that packs as told. */
export function takesCompression(location: string): boolean {
  return location !== 'memory:' && !location.startsWith('level:')
}

/** How what is put into the store in the directory `path` is packed where the put does not say. */
export async function compressionAt(path: string): Promise<Compression> {
  const { readFormat } = await import('../store/segment/store-format.js')
  const { nodeFileSystem } = await import('../store/segment/node-file-system.js')
  return (await readFormat(nodeFileSystem, path))?.compression ?? DEFAULT_COMPRESSION
}

/** Each kind of store is loaded when one of it is opened. */
async function openStore(location: string, options: OpenOptions): Promise<ChunkStore> {
  if (location === '' || location === 'level:')
    throw new RangeError(`${location}: there is no path; write a path, level:PATH or memory:`)
  if (location === 'memory:') {
    const { MemoryStore } = await import('../store/memory-store.js')
    return new MemoryStore()
  }
  if (location.startsWith('level:')) {
    const { LevelStore } = await import('../store/level-store.js')
    return LevelStore.open(location.slice('level:'.length), { create: options.create ?? true })
  }
  if (OTHER_KIND.test(location)) {
    throw new RangeError(
      `${location}: not a kind of store that this version knows; write a path, level:PATH or memory:`,
    )
  }
  const { SharedStore } = await import('../store/shared/shared-store.js')
  return SharedStore.open(location, { ...options, childrenOf: childrenIn })
}
