/**
 * A worker's job: reads many small files one after the other into one stretch of memory, looks for boundaries in all of
 * them at once, and makes the chunks of their blobs. A file has to be the same before and after it is read.
 */

import { constants } from 'node:fs'
import { BLOB_FORMAT, BLOB_PARAMS } from '../../blob/blob-format.js'
import { binHeader } from '../../encoding/encode.js'
import { MAX_SCAN_BYTES, scanBoundaries } from '../../hash/boundary-scan.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { sha256 } from '../../hash/sha256.js'
import { encodeBins } from '../../parallel/jobs.js'
import type { ModuleJob } from '../../parallel/pool.js'
import { cutAt } from '../../sequence/byte-chunker.js'
import { MetaLevels } from '../../sequence/meta-levels.js'
import type { Kind } from '../entry.js'
import { holesIn } from './holes.js'
import {
  close,
  fstatInto,
  openat,
  read,
  S_IFMT,
  S_IFREG,
  STAT_BYTES,
  STAT_CTIME,
  STAT_DEV,
  STAT_INO,
  STAT_MTIME,
  STAT_SIZE,
} from './libc.js'
import { EntryPacker, type FileId, modeIn, PackedEntry } from './packed-entry.js'
import { recordsXattrs, xattrsOf } from './recorded-xattrs.js'
import { LITTLE_ENDIAN } from './system-call.js'
import { openDirectory } from './system-path.js'

/** Files of one directory. */
export interface ReadGroup {
  readonly path: Uint8Array
  /** The directory that it was when it was listed. */
  readonly id: FileId
  /** The files, packed as they were when they were listed. */
  readonly entries: Uint8Array
}

export interface ReadOptions {
  readonly kinds: readonly Kind[]
  /** Whether only the refs of the blobs are wanted, and no chunks. */
  readonly discards?: boolean | undefined
}

/** What became of a file: stored as it was listed, stored as told in `changes`, left to be read by itself, not read. */
export const READ = { stored: 0, changed: 1, large: 2, failed: 3 } as const

/** What became of the files of a job, and the chunks of those that were read, children before parents. */
export interface ReadReply {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
  readonly refs: Uint8Array
  /** For each file one of {@link READ}, and the ref of its blob. */
  readonly outcomes: Uint8Array
  readonly roots: Uint8Array
  /** What more there is to say of single files. */
  readonly notes: readonly ReadNote[]
}

export interface ReadNote {
  readonly file: number
  /** The entry as it was when it was read, packed, where that is not how it was listed. */
  readonly entry?: Uint8Array | undefined
  /** Stretches that are not on the disk: offset, length and so on. */
  readonly holes?: readonly number[] | undefined
  /** What went wrong. */
  readonly message?: string | undefined
}

/** Files of no more bytes than this are read by this job, so many of them at a time at most. */
export const SMALL_FILE_BYTES = MAX_SCAN_BYTES
export const READ_BYTES = MAX_SCAN_BYTES
export const READ_FILES = 256

/** What the chunks of a job take up at most: the bytes, headers, and meta nodes. */
export const READ_MEMORY_BYTES = 1200 * 1024

/** How often a file that changes while it is read is read, and milliseconds between. */
const ATTEMPTS = 4
const PAUSE_MS = 20

/** The longest header of a leaf's chunk. */
const HEADER_BYTES = 5

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

const BEFORE = new Uint32Array(STAT_BYTES / 4)
const BEFORE_AREA = new Uint8Array(BEFORE.buffer)
const AFTER = new Uint32Array(STAT_BYTES / 4)
const AFTER_AREA = new Uint8Array(AFTER.buffer)

/** Where a size is, and what of it is above 2^32, which is 0 in files of this job. */
const SIZE_WORD = STAT_SIZE / 4 + (LITTLE_ENDIAN ? 0 : 1)
const SIZE_HIGH_WORD = STAT_SIZE / 4 + (LITTLE_ENDIAN ? 1 : 0)

/** The files' bytes, one file after the other, after room for the header of a chunk. */
let slab: Uint8Array | undefined

/** Reads the files of `groups`, in this order. The chunks go to `memory` where they fit. */
export function readFiles(groups: readonly ReadGroup[], memory: Uint8Array, options: ReadOptions): ReadReply {
  slab ??= new Uint8Array(HEADER_BYTES + READ_BYTES)
  const reader = new Reader(slab, options)
  for (const group of groups) reader.readGroup(group)
  return reader.reply(memory)
}

export const READ_JOB: ModuleJob<Parameters<typeof readFiles>, ReadReply> = {
  module: import.meta.url,
  name: 'readFiles',
  run: readFiles,
}

class Reader {
  readonly #slab: Uint8Array
  readonly #kinds: readonly Kind[]
  readonly #discards: boolean
  readonly #outcomes: number[] = []
  readonly #notes: ReadNote[] = []
  /** Where each file's bytes end in the slab; where they begin if it has none. */
  readonly #ends: number[] = []
  #end = HEADER_BYTES

  constructor(slab: Uint8Array, { kinds, discards = false }: ReadOptions) {
    this.#slab = slab
    this.#kinds = kinds
    this.#discards = discards
  }

  readGroup({ path, id, entries }: ReadGroup): void {
    const entry = new PackedEntry(entries)
    let dir: number | undefined
    let failure: string | undefined
    try {
      dir = openDirectory(path)
      fstatInto(AFTER_AREA, dir)
      if (!isDirectory(id)) failure = 'its directory was replaced by another while it was read'
    } catch (error) {
      failure = (error as Error).message
    }
    while (entry.next()) {
      const note = failure === undefined ? this.#read(dir!, entry) : failed(failure)
      this.#outcomes.push(note.outcome)
      if (note.entry !== undefined || note.message !== undefined || note.holes !== undefined) {
        const { outcome: _, ...rest } = note
        this.#notes.push({ file: this.#ends.length, ...rest })
      }
      this.#ends.push(this.#end - HEADER_BYTES)
    }
    if (dir !== undefined) close(dir)
  }

  /** Adds the file's bytes to the slab, if that can be. */
  #read(dir: number, entry: PackedEntry): Outcome {
    let fd: number | undefined
    try {
      fd = openat(dir, entry.nameBytes, OPEN_FLAGS)
      return this.#readOpen(fd, entry)
    } catch (error) {
      return failed((error as Error).message)
    } finally {
      if (fd !== undefined) close(fd)
    }
  }

  #readOpen(fd: number, entry: PackedEntry): Outcome {
    fstatInto(BEFORE_AREA, fd)
    for (let attempt = 1; ; attempt++) {
      if ((modeIn(BEFORE) & S_IFMT) !== S_IFREG)
        return failed('it was replaced by something else while it was read')
      const size = BEFORE[SIZE_WORD]! + BEFORE[SIZE_HIGH_WORD]! * 2 ** 32
      if (!(size <= this.#slab.length - this.#end)) return { outcome: READ.large }
      const into = this.#slab.subarray(this.#end, this.#end + size)
      const byteCount = size === 0 ? 0 : read(fd, into, 0)
      fstatInto(AFTER_AREA, fd)
      const isSame = byteCount === size && isUnchanged()
      if (!isSame && attempt < ATTEMPTS) {
        pause(PAUSE_MS * attempt)
        BEFORE.set(AFTER)
        continue
      }
      this.#end += byteCount
      // Of a file that keeps changing, what was read of it counts.
      BEFORE[SIZE_WORD] = byteCount
      const holes =
        this.#kinds.includes('holes') && entry.isSparse && size > 0 ? [...holesIn(fd, byteCount)] : undefined
      return {
        ...this.#outcome(fd, entry),
        holes,
        ...(!isSame && { message: 'it changed while it was read' }),
      }
    }
  }

  /** Says whether the file is as it was listed, and if not, how it is. */
  #outcome(fd: number, entry: PackedEntry): Outcome {
    const packer = new EntryPacker(256)
    const name = entry.nameBytes
    // As it was before its bytes were read, so that whoever changes it later is noticed.
    packer.add(BEFORE, { name, xattrs: entry.xattrs })
    const packed = packer.take()
    if (isEqual(packed, entry.packed)) return { outcome: READ.stored }
    const xattrs = recordsXattrs(this.#kinds) ? xattrsOf(fd, this.#kinds) : undefined
    packer.add(BEFORE, { name, xattrs })
    return { outcome: READ.changed, entry: packer.take() }
  }

  /** Makes the chunks of all that was read. */
  reply(memory: Uint8Array): ReadReply {
    const items = this.#slab.subarray(HEADER_BYTES, this.#end)
    const { ends: leafEnds, counts } = this.#cut(items)
    const leaves = this.#discards ? hashBins(this.#slab, leafEnds) : encodeBins(items, leafEnds, memory)
    const metas: Uint8Array[] = []
    const metaRefs: Ref[] = []
    const roots = new Uint8Array(counts.length * REF_BYTES)
    let leaf = 0
    for (const [file, count] of counts.entries()) {
      if (count === 1) {
        roots.set(leaves.refs.subarray(leaf * REF_BYTES, (leaf + 1) * REF_BYTES), file * REF_BYTES)
      } else if (count > 1) {
        const levels = new MetaLevels(BLOB_FORMAT, BLOB_PARAMS.meta, (chunk) => {
          const ref = Ref.of(chunk)
          metas.push(chunk)
          metaRefs.push(ref)
          return ref
        })
        for (let index = leaf; index < leaf + count; index++) {
          const ref = Ref.fromBytes(leaves.refs.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
          const length = leafEnds[index]! - (leafEnds[index - 1] ?? 0)
          levels.push({ ref, length, lastKey: undefined })
        }
        roots.set(levels.finish().ref.bytes, file * REF_BYTES)
      }
      leaf += count
    }
    const chunks = this.#discards ? noChunks() : withChunks(leaves, metas, metaRefs, memory)
    return {
      ...chunks,
      outcomes: Uint8Array.from(this.#outcomes),
      roots,
      notes: this.#notes,
    }
  }

  /** Where the leaves of all files end, and how many each file has: none if it was not read. */
  #cut(items: Uint8Array): { readonly ends: Uint32Array; readonly counts: number[] } {
    const { leaf: rule } = BLOB_PARAMS
    const offsets = items.length > rule.minUnits ? scanBoundaries(items, rule.ones) : new Uint32Array(0)
    const ends: number[] = []
    const counts: number[] = []
    let next = 0
    let start = 0
    for (const [file, end] of this.#ends.entries()) {
      const before = ends.length
      const first = next
      while (next < offsets.length && offsets[next]! <= end) next++
      // No window of a boundary reaches back over the file's start: the least size of a chunk is larger.
      cutAt(offsets.subarray(first, next), 0, start, end, rule, ends)
      const isRead = this.#outcomes[file]! <= READ.changed
      if (isRead && (end === start || (ends[ends.length - 1] ?? 0) < end)) ends.push(end)
      counts.push(ends.length - before)
      start = end
    }
    return { ends: Uint32Array.from(ends), counts }
  }
}

/** Made anew each time: replies are given away. */
function noChunks(): Pick<ReadReply, 'bytes' | 'ends' | 'refs'> {
  return { bytes: new Uint8Array(0), ends: new Uint32Array(0), refs: new Uint8Array(0) }
}

/**
 * The refs of the leaves whose items end at `ends`, counted from where the slab's first header ends. No leaf is copied:
 * each one's header is written over what comes before it, which is needed no longer.
 */
function hashBins(slab: Uint8Array, ends: Uint32Array): ReturnType<typeof noChunks> {
  const refs = new Uint8Array(ends.length * REF_BYTES)
  let start = HEADER_BYTES
  for (const [index, itemsEnd] of ends.entries()) {
    const end = HEADER_BYTES + itemsEnd
    const header = binHeader(end - start)
    slab.set(header, start - header.length)
    refs.set(sha256(slab.subarray(start - header.length, end)).subarray(0, REF_BYTES), index * REF_BYTES)
    start = end
  }
  return { ...noChunks(), refs }
}

interface Outcome extends Omit<ReadNote, 'file'> {
  readonly outcome: number
}

function failed(message: string): Outcome {
  return { outcome: READ.failed, message }
}

/** The chunks of `leaves`, and those of `metas` after them. */
function withChunks(
  leaves: Pick<ReadReply, 'bytes' | 'ends' | 'refs'>,
  metas: readonly Uint8Array[],
  metaRefs: readonly Ref[],
  memory: Uint8Array,
): Pick<ReadReply, 'bytes' | 'ends' | 'refs'> {
  let end = leaves.bytes.length
  const ends = Uint32Array.from([...leaves.ends, ...metas.map(({ length }) => (end += length))])
  const refs = new Uint8Array(ends.length * REF_BYTES)
  refs.set(leaves.refs)
  for (const [index, ref] of metaRefs.entries()) refs.set(ref.bytes, leaves.refs.length + index * REF_BYTES)
  const isRoomy = leaves.bytes.buffer === memory.buffer && end <= memory.length
  const bytes = isRoomy ? memory.subarray(0, end) : new Uint8Array(end)
  if (!isRoomy) bytes.set(leaves.bytes)
  for (const [index, meta] of metas.entries())
    bytes.set(meta, ends[leaves.ends.length + index]! - meta.length)
  return { bytes, ends, refs }
}

/** Whether the file was the same after it was read as before: size, times, and the file itself. */
function isUnchanged(): boolean {
  const words = [STAT_SIZE, STAT_SIZE + 4, STAT_INO, STAT_INO + 4, ...TIME_WORDS]
  return words.every((offset) => BEFORE[offset / 4] === AFTER[offset / 4])
}

const TIME_WORDS = [STAT_MTIME, STAT_CTIME].flatMap((offset) => [offset, offset + 4, offset + 8])

function isDirectory([inode, inodeHigh, major, minor]: FileId): boolean {
  return (
    AFTER[STAT_INO / 4] === inode &&
    AFTER[STAT_INO / 4 + 1] === inodeHigh &&
    AFTER[STAT_DEV / 4] === major &&
    AFTER[STAT_DEV / 4 + 1] === minor
  )
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
