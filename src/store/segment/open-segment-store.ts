/**
 * Opens a segment store: makes it where there is none, takes its lock, brings the index up to the log's end, cuts
 * off a torn tail, and hands over the parts. SPEC "Recovery".
 */

import { randomBytes } from 'node:crypto'
import { decode } from '../../encoding/decode.js'
import { encode } from '../../encoding/encode.js'
import { DamagedStoreError, NomsyError, StoreError, StoreLockedError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { Finding } from '../chunk-store.js'
import { BlockReader } from './block-reader.js'
import type { ChunkIndex } from './chunk-index.js'
import { type Compression, checkCompression, DEFAULT_COMPRESSION, levelOf } from './compression.js'
import type { FileSystem } from './file-system.js'
import { LevelIndex, levelCode } from './level-index.js'
import { replayLog } from './log-replay.js'
import { MemoryIndex } from './memory-index.js'
import { nodeFileSystem } from './node-file-system.js'
import { describeOwner, removeOwner, writeOwner } from './owner.js'
import { Pending } from './pending.js'
import type { LogPosition } from './place.js'
import { SEGMENT_HEADER_BYTES, STORE_ID_BYTES } from './record.js'
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
  /** @internal The file system, for tests. */
  readonly fileSystem?: FileSystem | undefined
  /** @internal The index, for tests. */
  readonly openIndex?: ((path: string) => Promise<ChunkIndex>) | undefined
  /** @internal Size from which on a segment is full, for tests. */
  readonly segmentBytes?: number | undefined
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
  /** Bytes of the segments before the last one. */
  readonly sizes: ReadonlyMap<number, number>
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
    if (cause instanceof NomsyError || cause instanceof RangeError || cause instanceof TypeError) throw cause
    if (options.readOnly === true || !isUnwritable(cause)) {
      throw new StoreError('NOMSY_STORE_FAILED', `${path} cannot be opened: ${rootMessage(cause)}`, { cause })
    }
    const rest = format === undefined ? 'no store can be made there' : 'its store can only be read'
    throw new StoreError('NOMSY_READ_ONLY', `${path} cannot be written to, ${rest}: ${rootMessage(cause)}`, {
      cause,
    })
  }
}

async function openForWriting(
  fs: FileSystem,
  path: string,
  options: SegmentStoreOptions,
): Promise<OpenedStore> {
  await makeDirs(fs, path)
  const { index, unlock } = await openIndex(fs, path, options)
  const files = new SegmentFiles(fs, path)
  let disown = async (): Promise<void> => {}
  const release = async (): Promise<void> => {
    await disown()
    await files.close()
    await removeOwner(fs, path).catch(() => {})
    await index.close()
    await unlock()
  }
  try {
    const { storeId, compression } =
      (await readFormat(fs, path)) ?? (await create(fs, path, options.compression))
    await syncNames(fs, path)
    await writeOwner(fs, path)
    disown = options.onOwned?.() ?? disown
    const segments = await dropUnfinishedSegment(fs, path, files, index, storeId)
    const last = segments[segments.length - 1]!
    const file = await fs.open(segmentFile(path, last), 'write')
    await files.add(last, file)
    const sizes = new Map(await sizesByCheckpoint(files, storeId, segments))
    const end = await replayLog({ files, storeId, segments, sizes, index, file })
    const pending = new Pending(index, storeId)
    const log = new SegmentLog({
      fs,
      path,
      storeId,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      file,
      position: end,
      checkpoint: async () => {
        await addSizes(sizes, fs, path, files)
        return encodeCheckpoint(await pending.writtenHeads(), sizes)
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
      sizes,
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
    const segments = await finishedSegments(fs, path, files, index, storeId)
    const onDamage = (finding: Finding): void => {
      findings.push(finding)
    }
    const sizes = await sizesByCheckpoint(files, storeId, segments, onDamage)
    const end = await replayLog({ files, storeId, segments, sizes, index, onDamage })
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
      sizes,
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
  await createStore(fs, path, format, newSegment(storeId, 1, encodeCheckpoint(new Map(), new Map())))
  return format
}

/** Locks the store and opens its index, which is looked at first if it `isSuspect` or was not closed. */
export async function openIndex(
  fs: FileSystem,
  path: string,
  options: Pick<SegmentStoreOptions, 'openIndex'> & { readonly isSuspect?: boolean },
): Promise<{ readonly index: ChunkIndex; readonly unlock: () => Promise<void> }> {
  if (options.openIndex !== undefined) {
    return { index: await options.openIndex(indexDir(path)), unlock: async () => {} }
  }
  const unlock = await lockStore(path)
  if (unlock === undefined) throw new StoreLockedError(path, await describeOwner(fs, path))
  try {
    // Who closes a store takes this away.
    const isSuspect = options.isSuspect === true || (await fs.readDir(path)).includes('owner')
    return { index: await LevelIndex.open(indexDir(path), { isSuspect }), unlock }
  } catch (error) {
    await unlock()
    throw error
  }
}

/** Removes a segment whose making was interrupted; the others. */
async function dropUnfinishedSegment(
  fs: FileSystem,
  path: string,
  files: SegmentFiles,
  index: ChunkIndex,
  storeId: Uint8Array,
): Promise<number[]> {
  const segments = await finishedSegments(fs, path, files, index, storeId)
  for (const segment of await listSegments(fs, path)) {
    if (segments.includes(segment)) continue
    await files.remove(segment)
    await fs.remove(segmentFile(path, segment))
    await fs.syncDir(segmentsDir(path))
  }
  return segments
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

/** What a checkpoint says: all heads, and the segments before its own with their bytes. */
function encodeCheckpoint(
  heads: ReadonlyMap<string, Ref>,
  segments: ReadonlyMap<number, number>,
): Uint8Array {
  return encode({ heads: Object.fromEntries(heads), segments: [...segments].map((entry) => [...entry]) })
}

/** Adds the segments whose size no checkpoint says yet; what one says stays, whatever became of the file. */
async function addSizes(
  sizes: Map<number, number>,
  fs: FileSystem,
  path: string,
  files: SegmentFiles,
): Promise<void> {
  for (const segment of await listSegments(fs, path)) {
    if (!sizes.has(segment)) sizes.set(segment, await (await files.get(segment)).size())
  }
}

/** Bytes of each segment before the last, as the last one's checkpoint has them; damage if one is missing. */
async function sizesByCheckpoint(
  files: SegmentFiles,
  storeId: Uint8Array,
  segments: readonly number[],
  onDamage?: (finding: Finding) => void,
): Promise<ReadonlyMap<number, number>> {
  const last = segments[segments.length - 1]!
  const scanner = await SegmentScanner.open(await files.get(last), storeId, last, CHECKPOINT_WINDOW_BYTES)
  const checkpoint = await scanner.record(SEGMENT_HEADER_BYTES, true)
  // A damaged one is met, and told of, when the log is replayed or checked.
  if (checkpoint?.header.type !== 'checkpoint' || !checkpoint.isWhole) return new Map()
  const sizes = new Map((decode(checkpoint.payload!) as { segments: [number, number][] }).segments)
  for (const segment of sizes.keys()) {
    if (segments.includes(segment)) continue
    const error = new DamagedStoreError(files.name(segment), 0, 'the segment is missing')
    if (onDamage === undefined) throw error
    onDamage({ message: error.message, refs: [] })
  }
  return sizes
}

/** Read at once where a checkpoint is looked for: most are small. */
const CHECKPOINT_WINDOW_BYTES = 4096

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
