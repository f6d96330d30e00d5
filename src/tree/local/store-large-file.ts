/** Stores one file that has more bytes than one reads at once, or that has changed since it was listed. */

import { constants, read } from 'node:fs'
import { promisify } from 'node:util'
import { writeBlob } from '../../blob/blob.js'
import type { OpenFile } from '../../blob/blob-source.js'
import { SourceError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import type { Root } from '../../sequence/tree-writer.js'
import type { Kind } from '../entry.js'
import { holesIn } from './holes.js'
import { writeIntegers } from './integer-list.js'
import { close, fstatInto, openat, S_IFMT, S_IFREG, STAT_BYTES } from './libc.js'
import { EntryPacker, modeIn, PackedEntry, withSize } from './packed-entry.js'
import { recordsXattrs, xattrsOf } from './recorded-xattrs.js'
import { openDirectory } from './system-path.js'

/** How often a file that changes while it is read is read. */
const ATTEMPTS = 2

const PIECE_BYTES = 1024 * 1024

const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

const readAsync = promisify(read)

/** What became of a file. */
export interface LargeFile {
  /** Undefined where it could not be stored. */
  readonly content?: Ref | undefined
  readonly holes?: Ref | undefined
  /** The entry as it was when it was read, packed, where that is not how it was listed. */
  readonly entry?: Uint8Array | undefined
  /** What went wrong. */
  readonly message?: string | undefined
}

export interface LargeFileOptions {
  readonly target: ChunkTarget
  readonly kinds: readonly Kind[]
  readonly signal?: AbortSignal | undefined
  readonly onProgress: (files: number, bytes: number, newBytes: number) => void
}

/** Stores the file that was listed as `packed` in the directory at `path`. */
export async function storeLargeFile(
  path: Uint8Array,
  packed: Uint8Array,
  options: LargeFileOptions,
): Promise<LargeFile> {
  const entry = new PackedEntry(packed)
  entry.next()
  let fd: number
  try {
    fd = openFile(path, entry.nameBytes)
  } catch (error) {
    return { message: (error as Error).message }
  }
  try {
    return await storeOpen(fd, entry, options)
  } finally {
    close(fd)
  }
}

function openFile(path: Uint8Array, name: Uint8Array): number {
  const dir = openDirectory(path)
  try {
    return openat(dir, name, OPEN_FILE)
  } finally {
    close(dir)
  }
}

async function storeOpen(fd: number, listed: PackedEntry, options: LargeFileOptions): Promise<LargeFile> {
  const { target, kinds, onProgress } = options
  for (let attempt = 1; ; attempt++) {
    const before = entryOf(fd, listed.nameBytes, kinds)
    if (!before.isFile) return { message: 'it was replaced by something else while it was read' }
    const read = await storeContent(fd, before.size, attempt === ATTEMPTS, options)
    const hasNone = read instanceof Error || !kinds.includes('holes') || !before.isSparse
    const holes = hasNone ? undefined : await storeHoles(target, fd, read.length)
    const isWhole = !(read instanceof Error) && read.length === before.size
    const isSame = isWhole && isEqual(before.packed, entryOf(fd, listed.nameBytes, kinds).packed)
    if (attempt < ATTEMPTS && !isSame) continue
    onProgress(1, 0, 0)
    if (read instanceof Error) return { message: read.message }
    // Of a file that keeps changing, what was read of it counts.
    const entry = withSize(before.packed, read.length)
    return {
      content: read.ref,
      holes,
      entry: isEqual(entry, listed.packed) ? undefined : entry,
      message: isSame ? undefined : 'it changed while it was read',
    }
  }
}

/**
 * Stores the bytes of an open file, `size` of them; with `isLast` those that there are, if they turn out to be fewer. The
 * error where it could not be read.
 */
async function storeContent(
  fd: number,
  size: number,
  isLast: boolean,
  { target, signal, onProgress }: LargeFileOptions,
): Promise<Root | SourceError> {
  const file: OpenFile = { fd, stat: async () => ({ size, isFile: () => true }) }
  const report = (bytes: number, newBytes: number): void => onProgress(0, bytes, newBytes)
  try {
    return await writeBlob(target, isLast ? piecesOf(fd, size) : file, { signal, onProgress: report })
  } catch (error) {
    if (error instanceof SourceError) return error
    throw error
  }
}

/** The first `size` bytes of an open file, or all that there are. */
async function* piecesOf(fd: number, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, size))
  for (let position = 0; position < size; ) {
    const byteCount = await readPiece(fd, buffer.subarray(0, size - position), position)
    if (byteCount === 0) return
    yield buffer.subarray(0, byteCount)
    position += byteCount
  }
}

async function readPiece(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  try {
    return (await readAsync(fd, buffer, 0, buffer.length, position)).bytesRead
  } catch (cause) {
    throw new SourceError(`a file cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** How an open file is now. */
function entryOf(fd: number, name: Uint8Array, kinds: readonly Kind[]): PackedEntry {
  const stat = new Uint32Array(STAT_BYTES / 4)
  fstatInto(new Uint8Array(stat.buffer), fd)
  const packer = new EntryPacker(256)
  const isFile = (modeIn(stat) & S_IFMT) === S_IFREG
  packer.add(stat, { name, xattrs: isFile && recordsXattrs(kinds) ? xattrsOf(fd, kinds) : undefined })
  const entry = new PackedEntry(packer.take())
  entry.next()
  return entry
}

async function storeHoles(target: ChunkTarget, fd: number, size: number): Promise<Ref | undefined> {
  const holes = holesIn(fd, size)
  const first = holes.next()
  if (first.done === true) return undefined
  return writeIntegers(target, andThen(first.value, holes))
}

function* andThen(first: number, rest: Iterable<number>): Generator<number> {
  yield first
  yield* rest
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
