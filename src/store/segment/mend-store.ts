/**
 * Brings a damaged segment store to where it opens, for writing too, with everything in it that can still be read. SPEC
 * "Repair". After it, what is missing is whole chunks; where to get them is the database's business.
 *
 * Nothing is written over that was not copied aside, and the index, which may know more than a damaged log, is given up
 * last. So a crash at any place leaves what repairing again mends.
 */

import { rm } from 'node:fs/promises'
import { StoreLockedError } from '../../errors.js'
import type { Chunk } from '../chunk-store.js'
import type { ChunkIndex } from './chunk-index.js'
import { DamagedFiles } from './damaged-files.js'
import { droppedIn } from './dropped.js'
import type { FileSystem } from './file-system.js'
import { chunksIn } from './log-check.js'
import { findFormat, mendFormat } from './mend-format.js'
import { mendLog } from './mend-log.js'
import { nodeFileSystem } from './node-file-system.js'
import { openIndex, openingError, openSegmentStore, type SegmentStoreOptions } from './open-segment-store.js'
import { describeOwner, removeOwner } from './owner.js'
import { isUnreadable, rescueSegments, takePlaces } from './rescue.js'
import { salvage } from './salvage.js'
import { plainRecord } from './segment-log.js'
import { SegmentStore } from './segment-store.js'
import { indexDir, listSegments } from './store-format.js'
import { lockStore } from './store-lock.js'

export interface MendStoreOptions extends Pick<SegmentStoreOptions, 'fileSystem' | 'openIndex'> {
  /** Told of each thing that was mended, in words. */
  readonly onMended?: ((message: string) => void) | undefined
}

/** Chunks that are put at once. */
const BATCH_BYTES = 1024 * 1024

/** Mends the store in the directory `path`. Rejects with NOMSY_NO_STORE, NOMSY_FOREIGN_STORE, NOMSY_LOCKED. */
export async function mendStore(path: string, options: MendStoreOptions = {}): Promise<void> {
  const fs = options.fileSystem ?? nodeFileSystem
  const damaged = new DamagedFiles(fs, path)
  await mendFiles(fs, path, damaged, options, options.onMended ?? (() => {}))
  await beginSegment(path, options)
  await putSalvaged(fs, path, damaged, options)
  // The next opening makes it anew from the log.
  await dropIndex(fs, path, options)
}

async function mendFiles(
  fs: FileSystem,
  path: string,
  damaged: DamagedFiles,
  options: MendStoreOptions,
  onMended: (message: string) => void,
): Promise<void> {
  // Before anything is made there, the lock included.
  await findFormat(fs, path)
  const { index, unlock } = await openIndex(fs, path, {
    openIndex: options.openIndex,
    isSuspect: true,
  }).catch((error: unknown) => {
    throw openingError(path, error, true, true)
  })
  try {
    await takePlaces(fs, path)
    const mend = (): Promise<void> => mendLogAndFormat(fs, path, damaged, index, onMended)
    await mend().catch(async (error: unknown) => {
      if (!isUnreadable(error)) throw error
      await rescueSegments(fs, path, onMended)
      await mend()
    })
  } finally {
    await removeOwner(fs, path).catch(() => {})
    await index.close()
    await unlock()
  }
}

async function mendLogAndFormat(
  fs: FileSystem,
  path: string,
  damaged: DamagedFiles,
  index: ChunkIndex,
  onMended: (message: string) => void,
): Promise<void> {
  const { format, isWritten } = await findFormat(fs, path)
  if (!isWritten) {
    await mendFormat(fs, path, format, damaged)
    onMended(`${path}: the file FORMAT was damaged; it is written anew, with the id that the segments have`)
  }
  const { storeId } = format
  const indexed = await index.position(storeId)
  await mendLog({ fs, path, storeId, indexed, damaged, onMended })
}

/**
 * Begins a new segment, whose checkpoint names all heads: the index may know of some whose records are gone, and that
 * others have been removed since. Also where nothing was mended: that may have been done by a repair that was
 * interrupted.
 */
async function beginSegment(path: string, options: MendStoreOptions): Promise<void> {
  const parts = await openSegmentStore(path, { ...openOptions(options), segmentBytes: 1 })
  try {
    parts.log!.add(plainRecord('mark', new Uint8Array(0)))
    await parts.log!.barrier()
  } finally {
    await parts.release()
  }
}

/** Puts again what of damaged stretches can be read: by the index, or by what their own bytes say. */
async function putSalvaged(
  fs: FileSystem,
  path: string,
  damaged: DamagedFiles,
  options: MendStoreOptions,
): Promise<void> {
  const files = await damaged.list()
  if (files.length === 0) return
  const parts = await openSegmentStore(path, openOptions(options))
  const store = SegmentStore.of(path, parts)
  try {
    const writer = new BatchWriter(store)
    const stretches = files.flatMap(({ stretch }) => stretch ?? [])
    for await (const { ref } of chunksIn(parts.index, stretches)) {
      const bytes = await store.get(ref).catch(() => undefined)
      if (bytes !== undefined) await writer.add({ ref, bytes })
    }
    const dropped = await droppedIn(parts.files, parts.storeId, await listSegments(fs, path))
    for (const { path, stretch } of files) {
      const file = await fs.open(path, 'read')
      const droppedHere = stretch && dropped.get(stretch.segment)
      try {
        for await (const chunk of salvage(file)) {
          if (droppedHere?.has(chunk.ref.toString()) !== true) await writer.add(chunk)
        }
      } finally {
        await file.close()
      }
    }
    await writer.end()
  } finally {
    await store.close()
  }
  await damaged.salvaged(files)
}

class BatchWriter {
  readonly #store: SegmentStore
  #batch: Chunk[] = []
  #bytes = 0

  constructor(store: SegmentStore) {
    this.#store = store
  }

  async add(chunk: Chunk): Promise<void> {
    this.#batch.push(chunk)
    this.#bytes += chunk.bytes.length
    if (this.#bytes >= BATCH_BYTES) await this.#put()
  }

  async end(): Promise<void> {
    await this.#put()
    await this.#store.flush()
  }

  async #put(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    await this.#store.put(batch)
  }
}

/** `index/` is removed under the lock only. */
async function dropIndex(fs: FileSystem, path: string, options: MendStoreOptions): Promise<void> {
  if (options.openIndex !== undefined) {
    const index = await options.openIndex(indexDir(path))
    await index.clear()
    await index.close()
    return
  }
  const unlock = await lockStore(path)
  if (unlock === undefined) throw new StoreLockedError(path, await describeOwner(fs, path))
  try {
    await rm(indexDir(path), { recursive: true, force: true })
  } finally {
    await unlock()
  }
}

function openOptions({ fileSystem, openIndex }: MendStoreOptions): SegmentStoreOptions {
  return { create: false, fileSystem, openIndex }
}
