/**
 * Opens a segment store: makes it where there is none, takes its lock, brings the index up to the log's end, cuts
 * off a torn tail, and hands over the parts. SPEC "Recovery".
 */

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { DamagedStoreError, NomsyError, StoreError, StoreLockedError } from '../../errors.js'
import type { Finding } from '../chunk-store.js'
import { BALLAST_BYTES, Ballast } from './ballast.js'
import { BlockReader } from './block-reader.js'
import { type Checkpoint, EMPTY_CHECKPOINT, encodeCheckpoint, readCheckpoint } from './checkpoint.js'
import type { ChunkIndex } from './chunk-index.js'
import { type Compression, checkCompression, DEFAULT_COMPRESSION, levelOf } from './compression.js'
import type { Durability } from './durability.js'
import type { FileSystem } from './file-system.js'
import { LevelIndex, levelCode } from './level-index.js'
import { replayLog } from './log-replay.js'
import { MemoryIndex } from './memory-index.js'
import { nodeFileSystem } from './node-file-system.js'
import { describeOwner, endedOpening, removeOwner, writeOwner } from './owner.js'
import { Pending } from './pending.js'
import type { LogPosition } from './place.js'
import { SEGMENT_HEADER_BYTES, STORE_ID_BYTES } from './record.js'
import { SegmentCatalog } from './segment-catalog.js'
import { SegmentFiles } from './segment-files.js'
import { newSegment, SEGMENT_BYTES, SegmentLog } from './segment-log.js'
import { SegmentScanner } from './segment-scanner.js'
import {
  createStore,
  hasCode,
  indexDir,
  listSegments,
  makeDirs,
  readFormat,
  type StoreFormat,
  segmentFile,
  segmentsDir,
  syncNames,
} from './store-format.js'
import { lockStore } from './store-lock.js'

export interface SegmentStoreOptions {
  /** Whether to make the store where there is none; true where left out. */
  readonly create?: boolean | undefined
  /** Takes no lock and writes nothing: the index is made in memory, from the log, damage being passed over. */
  readonly readOnly?: boolean | undefined
  /**
   * How new blocks are packed. A store that is made remembers it; for one that is there it holds for this opening only.
   * Left out: what the store remembers, else `zstd:1`.
   */
  readonly compression?: Compression | undefined
  /** @internal Called once this process owns the store, before the log is read; what it gives, before it owns it no more. */
  readonly onOwned?: (() => () => Promise<void>) | undefined
  /** Whether it is to free room: on a full disk it takes what is kept for that. */
  readonly makesRoom?: boolean | undefined
  /** `commit` where left out. */
  readonly durability?: Durability | undefined
  /** @internal The file system, for tests. */
  readonly fileSystem?: FileSystem | undefined
  /** @internal The index, for tests. */
  readonly openIndex?: ((path: string) => Promise<ChunkIndex>) | undefined
  /** @internal Size from which on a segment is full, for tests. */
  readonly segmentBytes?: number | undefined
  /** @internal Bytes kept for when the disk is full, at most, for tests. */
  readonly ballastBytes?: number | undefined
}

/** The parts of an open store. Without a log it is read only. */
export interface OpenedStore {
  readonly fs: FileSystem
  readonly path: string
  readonly storeId: Uint8Array
  readonly index: ChunkIndex
  readonly pending: Pending
  readonly files: SegmentFiles
  readonly reader: BlockReader
  readonly log: SegmentLog | undefined
  /** Where the log ended when it was opened: what comes after it, a crash or another process left unfinished. */
  readonly end: LogPosition
  /** What is known of the segments before the last one. */
  readonly catalog: SegmentCatalog
  readonly ballast: Ballast
  /** Level of zstd for new blocks; undefined leaves them as they are. */
  readonly compressionLevel: number | undefined
  /** Damage met while opening. */
  readonly findings: readonly Finding[]
  /** Closes files and index and gives up the lock. */
  readonly release: () => Promise<void>
}

export async function openSegmentStore(path: string, options: SegmentStoreOptions): Promise<OpenedStore> {
  const fs = options.fileSystem ?? nodeFileSystem
  const findings: Finding[] = []
  let format: StoreFormat | undefined
  try {
    if (options.compression !== undefined) checkCompression(options.compression)
    const onDamage = (finding: Finding): void => {
      findings.push(finding)
    }
    format = await readFormat(fs, path, options.readOnly === true ? onDamage : undefined)
    if (format === undefined && (options.readOnly === true || options.create === false)) {
      throw new StoreError('NOMSY_NO_STORE', `there is no nomsy store at ${path}; 'nomsy init' makes one`)
    }
    if (options.readOnly === true) return await openForReading(fs, path, format!.storeId, findings)
    return await openForWriting(fs, path, options)
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) throw cause
    throw openingError(path, cause, options.readOnly !== true, format !== undefined)
  }
}

/** What kept the store at `path` from being opened, to be written to if `isForWriting`, as the error that says so. */
export function openingError(
  path: string,
  cause: unknown,
  isForWriting: boolean,
  isThere: boolean,
): NomsyError {
  if (cause instanceof NomsyError) return cause
  if (!isForWriting || !isUnwritable(cause))
    return new StoreError('NOMSY_STORE_FAILED', `${path} cannot be opened: ${rootMessage(cause)}`, { cause })
  const rest = isThere ? 'its store can only be read' : 'no store can be made there'
  return new StoreError('NOMSY_READ_ONLY', `${path} cannot be written to, ${rest}: ${rootMessage(cause)}`, {
    cause,
  })
}

async function openForWriting(
  fs: FileSystem,
  path: string,
  options: SegmentStoreOptions,
): Promise<OpenedStore> {
  await makeDirs(fs, path)
  const ballast = new Ballast({ fs, path, maxBytes: options.ballastBytes ?? BALLAST_BYTES })
  if (options.makesRoom === true) await ballast.giveUp()
  const { index, unlock } = await openIndex(fs, path, options)
  const files = new SegmentFiles(fs, path)
  let disown = async (): Promise<void> => {}
  const release = async (): Promise<void> => {
    await disown()
    await ballast.settled()
    await files.close()
    // Left there it says that the index is to be looked at.
    if (index.isDamaged !== true) await removeOwner(fs, path).catch(() => {})
    await index.close()
    await unlock()
  }
  try {
    const { storeId, compression } =
      (await readFormat(fs, path)) ?? (await create(fs, path, options.compression))
    await syncNames(fs, path)
    disown = options.onOwned?.() ?? disown
    const { segments, checkpoint, gone } = await segmentsOfLog(fs, path, files, index, storeId)
    const last = segments[segments.length - 1]!
    const file = await fs.open(segmentFile(path, last), 'write')
    await files.add(last, file)
    // A process that was killed may have left the checkpoint that says what is gone as it was written.
    if (gone.length > 0) await file.sync()
    await removeOthers(fs, path, files, segments)
    const end = await replayLog({ files, storeId, segments, checkpoint, index, file })
    const catalog = new SegmentCatalog(files, storeId, checkpoint, gone)
    const pending = new Pending(index, storeId)
    await ballast.keep(catalog.bytes + end.offset)
    const log = new SegmentLog({
      fs,
      path,
      storeId,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      file,
      position: end,
      checkpoint: async (ended, collection) => {
        const listed = await listSegments(fs, path)
        return catalog.checkpointAfter(ended, listed, await pending.writtenHeads(''), collection)
      },
      onSegment: (segment, opened) => files.add(segment, opened),
    })
    const reader = new BlockReader(files, storeId)
    const compressionLevel = levelOf(options.compression ?? compression ?? DEFAULT_COMPRESSION)
    return {
      fs,
      path,
      storeId,
      index,
      pending,
      files,
      reader,
      log,
      compressionLevel,
      end,
      catalog,
      ballast,
      findings: [],
      release,
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** `findings`: damage met before; what is met from here on is added to it. */
async function openForReading(
  fs: FileSystem,
  path: string,
  storeId: Uint8Array,
  findings: Finding[],
): Promise<OpenedStore> {
  const files = new SegmentFiles(fs, path)
  try {
    const index = new MemoryIndex()
    const onDamage = (finding: Finding): void => {
      findings.push(finding)
    }
    const { segments, checkpoint, gone } = await segmentsOfLog(fs, path, files, index, storeId, onDamage)
    const end = await replayLog({ files, storeId, segments, checkpoint, index, onDamage })
    const reader = new BlockReader(files, storeId)
    const pending = new Pending(index, storeId)
    return {
      fs,
      path,
      storeId,
      index,
      pending,
      files,
      reader,
      log: undefined,
      compressionLevel: undefined,
      end,
      catalog: new SegmentCatalog(files, storeId, checkpoint, gone),
      ballast: new Ballast({ fs, path, maxBytes: 0 }),
      findings,
      release: () => files.close(),
    }
  } catch (error) {
    await files.close()
    throw error
  }
}

/** Makes a store in a directory that this process has locked. */
async function create(
  fs: FileSystem,
  path: string,
  compression: Compression | undefined,
): Promise<StoreFormat> {
  const storeId = new Uint8Array(randomBytes(STORE_ID_BYTES))
  const format = { storeId, compression: compression && checkCompression(compression) }
  await createStore(fs, path, format, newSegment(storeId, 1, encodeCheckpoint(EMPTY_CHECKPOINT)))
  return format
}

/**
 * Locks the store, says who has it, and opens its index, which is looked at first if it `isSuspect` or was not closed.
 * Whoever closes it takes away what says who had it; else LevelDB may have ended the process.
 */
export async function openIndex(
  fs: FileSystem,
  path: string,
  options: Pick<SegmentStoreOptions, 'openIndex'> & { readonly isSuspect?: boolean },
): Promise<{ readonly index: ChunkIndex; readonly unlock: () => Promise<void> }> {
  if (options.openIndex !== undefined) {
    await writeOwner(fs, path)
    return { index: await options.openIndex(indexDir(path)), unlock: async () => {} }
  }
  const unlock = await lockStore(path)
  if (unlock === undefined) throw new StoreLockedError(path, await describeOwner(fs, path))
  try {
    const isSuspect = options.isSuspect === true || (await fs.readDir(path)).includes('owner')
    const isFatal = await endedOpening(fs, path)
    await writeOwner(fs, path, { opening: true })
    if (isFatal) await rm(indexDir(path), { recursive: true, force: true })
    const index = await LevelIndex.open(indexDir(path), { isSuspect })
    await writeOwner(fs, path)
    return { index, unlock }
  } catch (error) {
    await removeOwner(fs, path).catch(() => {})
    await unlock()
    throw error
  }
}

interface SegmentsOfLog {
  /** Their numbers, in order. */
  readonly segments: readonly number[]
  /** What that of the last one says. */
  readonly checkpoint: Checkpoint
  /** Segments whose files are there, and that have been collected. */
  readonly gone: readonly number[]
}

async function segmentsOfLog(
  fs: FileSystem,
  path: string,
  files: SegmentFiles,
  index: ChunkIndex,
  storeId: Uint8Array,
  onDamage?: (finding: Finding) => void,
): Promise<SegmentsOfLog> {
  const finished = await finishedSegments(fs, path, files, index, storeId)
  const last = finished[finished.length - 1]!
  // A damaged one is met, and told of, when the log is replayed or checked.
  const checkpoint = (await readCheckpoint(files, storeId, last)) ?? EMPTY_CHECKPOINT
  for (const segment of checkpoint.segments.keys()) {
    if (finished.includes(segment)) continue
    const error = new DamagedStoreError(files.name(segment), 0, 'the segment is missing')
    if (onDamage === undefined) throw error
    onDamage({ message: error.message, refs: [] })
  }
  // Where there was a collection, what is not named is what it did not come to remove.
  const isGone = (segment: number): boolean =>
    checkpoint.collected !== undefined && segment !== last && !checkpoint.segments.has(segment)
  const segments = finished.filter((segment) => !isGone(segment))
  return { segments, checkpoint, gone: finished.filter(isGone) }
}

/** Removes what is no segment of the log: one whose making was interrupted, those that a collection ended with. */
async function removeOthers(
  fs: FileSystem,
  path: string,
  files: SegmentFiles,
  segments: readonly number[],
): Promise<void> {
  const others = (await listSegments(fs, path)).filter((segment) => !segments.includes(segment))
  for (const segment of others) {
    await files.remove(segment)
    await fs.remove(segmentFile(path, segment))
  }
  if (others.length > 0) await fs.syncDir(segmentsDir(path))
}

/**
 * The segments there are, without a last one whose making was interrupted: nothing was written to that yet, since
 * a segment is durable before its first record.
 */
async function finishedSegments(
  fs: FileSystem,
  path: string,
  files: SegmentFiles,
  index: ChunkIndex,
  storeId: Uint8Array,
): Promise<number[]> {
  const segments = await listSegments(fs, path)
  const last = segments[segments.length - 1]
  if (last === undefined) throw noSegments(path)
  if (segments.length === 1) return segments
  const scanner = await SegmentScanner.open(await files.get(last), storeId, last)
  if ((await scanner.hasHeader()) && (await scanner.record(SEGMENT_HEADER_BYTES, true))?.isWhole)
    return segments
  // Records of a user's: the segment was in use, and this is damage, to be met when the log is replayed.
  for (let at = SEGMENT_HEADER_BYTES; ; ) {
    const record = await scanner.nextRecord(at)
    if (record === undefined) break
    if (record.start !== SEGMENT_HEADER_BYTES || record.header.type !== 'checkpoint') return segments
    at = record.end
  }
  if ((await index.position(storeId))?.segment === last) return segments
  return segments.slice(0, -1)
}

function noSegments(path: string): DamagedStoreError {
  return new DamagedStoreError(segmentsDir(path), 0, 'there are no segments')
}

/** Whether opening failed because nothing can be written there: no right to, a read-only medium, a full one. */
function isUnwritable(error: unknown): boolean {
  if (['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT'].some((code) => hasCode(error, code))) return true
  // LevelDB gives the system's words alone.
  return levelCode(error) === 'LEVEL_IO_ERROR' && /read-only|denied|no space|quota/i.test(rootMessage(error))
}

/** The message of the innermost cause. */
function rootMessage(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error ? rootMessage(cause) : message
}
