/**
 * What the system says of an entry of a directory, packed: entries lie one after the other, go between threads as they
 * are, and are compared as bytes with those of an earlier time. An entry is made of words of 32 bits in the machine's
 * order, then bytes:
 *
 *     0 bytes in all      1 mode           2 nlink          3 uid        4 gid
 *     5 inode (2)         7 size (2)       9 blocks (2)
 *    11 ctime (2), 13 its nanoseconds     14 mtime (2), 16 its nanoseconds
 *    17 device (2)       19 device that it is (2)
 *    21 bytes of the name and flags       22 bytes of the target         23 bytes of the attributes
 *    name, target of a symlink, extended attributes (a record), padding
 *
 * The time of the last access is not in it: looking changes it.
 */

import { decode } from '../../encoding/decode.js'
import { encode } from '../../encoding/encode.js'
import type { EntryName } from '../entry.js'
import { nameOf } from '../entry-name.js'
import {
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  STAT_BLOCKS,
  STAT_CTIME,
  STAT_DEV,
  STAT_GID,
  STAT_INO,
  STAT_MODE,
  STAT_MTIME,
  STAT_NLINK,
  STAT_RDEV,
  STAT_SIZE,
  STAT_UID,
} from './libc.js'
import { LITTLE_ENDIAN } from './system-call.js'

const HEAD_WORDS = 24

/** Flags in the word of the name: a directory on another file system, which is not entered. */
const NOT_ENTERED = 1 << 16

const WORD_BYTES = 4
const WORD_VALUES = 2 ** 32

/** Words of what `statx` says of a file: inode, device. */
export type FileId = readonly [number, number, number, number]

export type Xattrs = Readonly<Record<string, Uint8Array>>

const NOTHING = new Uint8Array(0)

/** What goes into a packed entry besides what the system's `statx` fills. */
export interface EntryParts {
  readonly name: Uint8Array
  readonly target?: Uint8Array | undefined
  readonly xattrs?: Xattrs | undefined
  readonly isEntered?: boolean
}

/** Packs entries one after the other into one growing buffer. */
export class EntryPacker {
  #bytes: Uint8Array
  #words: Uint32Array
  #length = 0

  constructor(capacity = 64 * 1024) {
    this.#bytes = new Uint8Array(capacity)
    this.#words = new Uint32Array(this.#bytes.buffer)
  }

  /** Bytes packed so far. */
  get length(): number {
    return this.#length
  }

  /** Adds an entry; `stat` are the words that `statx` has filled. */
  add(stat: Uint32Array, { name, target = NOTHING, xattrs, isEntered = true }: EntryParts): void {
    const attributes = xattrs === undefined ? NOTHING : encode(xattrs)
    const byteCount = HEAD_WORDS * WORD_BYTES + name.length + target.length + attributes.length
    const padded = (byteCount + WORD_BYTES - 1) & ~(WORD_BYTES - 1)
    this.#reserve(padded)
    const words = this.#words
    const at = this.#length / WORD_BYTES
    words[at] = padded
    words[at + 1] = modeIn(stat)
    words[at + 2] = stat[STAT_NLINK / 4]!
    words[at + 3] = stat[STAT_UID / 4]!
    words[at + 4] = stat[STAT_GID / 4]!
    for (let word = 0; word < 2; word++) {
      words[at + 5 + word] = stat[STAT_INO / 4 + word]!
      words[at + 7 + word] = stat[STAT_SIZE / 4 + word]!
      words[at + 9 + word] = stat[STAT_BLOCKS / 4 + word]!
      words[at + 17 + word] = stat[STAT_DEV / 4 + word]!
      words[at + 19 + word] = stat[STAT_RDEV / 4 + word]!
    }
    for (let word = 0; word < 3; word++) {
      words[at + 11 + word] = stat[STAT_CTIME / 4 + word]!
      words[at + 14 + word] = stat[STAT_MTIME / 4 + word]!
    }
    words[at + 21] = name.length | (isEntered ? 0 : NOT_ENTERED)
    words[at + 22] = target.length
    words[at + 23] = attributes.length
    const bytes = this.#bytes
    let end = this.#length + HEAD_WORDS * WORD_BYTES
    bytes.set(name, end)
    end += name.length
    if (target.length > 0) bytes.set(target, end)
    end += target.length
    if (attributes.length > 0) bytes.set(attributes, end)
    end += attributes.length
    bytes.fill(0, end, this.#length + padded)
    this.#length += padded
  }

  /** Adds entries that are packed already. */
  addPacked(entries: Uint8Array): void {
    this.#reserve(entries.length)
    this.#bytes.set(entries, this.#length)
    this.#length += entries.length
  }

  /** A copy of what was packed; empties the packer. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    return bytes
  }

  #reserve(byteCount: number): void {
    if (this.#length + byteCount <= this.#bytes.length) return
    const grown = new Uint8Array(
      Math.max(this.#bytes.length * 2, (this.#length + byteCount + 3) & ~(WORD_BYTES - 1)),
    )
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#words = new Uint32Array(grown.buffer)
  }
}

/** Type and permission bits of what `statx` has filled. */
export function modeIn(stat: Uint32Array): number {
  const word = stat[STAT_MODE / 4]!
  return LITTLE_ENDIAN ? word & 0xffff : word >>> 16
}

/** An entry that lies packed at an offset of a buffer. A view, moved from entry to entry. */
export class PackedEntry {
  readonly #bytes: Uint8Array
  readonly #words: Uint32Array
  readonly #end: number
  /** Where the entry begins and ends. */
  start = 0
  end = 0

  /** Before the first of the entries in `bytes`, which begin at a whole word of their buffer. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
    this.#end = bytes.length
  }

  /** Goes on to the next entry; false if there is none. Throws a RangeError where what follows cannot be one. */
  next(): boolean {
    if (this.end >= this.#end) return false
    return this.moveTo(this.end)
  }

  /** Goes to the entry at `start`. */
  moveTo(start: number): true {
    this.start = start
    this.end = start + (this.#words[start >>> 2] ?? 0)
    const least = this.attributesEnd
    if (!(least <= this.end) || this.end > this.#end || (this.end & 3) !== 0)
      throw new RangeError('what is said of a directory is damaged')
    return true
  }

  get packed(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end)
  }

  get mode(): number {
    return this.#word(1)
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR
  }

  get isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG
  }

  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK
  }

  /** Whether it is a directory of which nothing is to be listed. */
  get isEntered(): boolean {
    return (this.#word(21) & NOT_ENTERED) === 0
  }

  get nlink(): number {
    return this.#word(2)
  }

  get uid(): number {
    return this.#word(3)
  }

  get gid(): number {
    return this.#word(4)
  }

  /** Inode and device. */
  get fileId(): FileId {
    return [this.#word(5), this.#word(6), this.#word(17), this.#word(18)]
  }

  /** The same as a key for maps. */
  get fileKey(): string {
    return `${this.#word(17)}:${this.#word(18)}:${this.#word(6)}:${this.#word(5)}`
  }

  get size(): number {
    return this.#long(7)
  }

  /** Whether fewer bytes are on the disk than are in the file. */
  get isSparse(): boolean {
    return this.#long(9) * 512 < this.size
  }

  /** Seconds since 1970 of the later of both times. */
  get newestSeconds(): number {
    return Math.max(this.#seconds(11), this.#seconds(14))
  }

  /** Nanoseconds since 1970. */
  get mtime(): bigint {
    return BigInt(this.#seconds(14)) * 1_000_000_000n + BigInt(this.#word(16))
  }

  get device(): [major: number, minor: number] {
    return [this.#word(19), this.#word(20)]
  }

  get nameBytes(): Uint8Array {
    const start = this.start + HEAD_WORDS * WORD_BYTES
    return this.#bytes.subarray(start, start + this.#nameLength)
  }

  get name(): EntryName {
    return ownName(this.nameBytes)
  }

  get target(): EntryName {
    const start = this.start + HEAD_WORDS * WORD_BYTES + this.#nameLength
    return ownName(this.#bytes.subarray(start, start + this.#word(22)))
  }

  get xattrs(): Xattrs | undefined {
    const length = this.#word(23)
    if (length === 0) return undefined
    const end = this.attributesEnd
    return decode(this.#bytes.slice(end - length, end)) as Xattrs
  }

  /** Where padding begins. */
  get attributesEnd(): number {
    return this.start + HEAD_WORDS * WORD_BYTES + this.#nameLength + this.#word(22) + this.#word(23)
  }

  get #nameLength(): number {
    return this.#word(21) & 0xffff
  }

  #word(index: number): number {
    return this.#words[(this.start >>> 2) + index]!
  }

  #long(index: number): number {
    const [first, second] = [this.#word(index), this.#word(index + 1)]
    return LITTLE_ENDIAN ? second * WORD_VALUES + first : first * WORD_VALUES + second
  }

  #seconds(index: number): number {
    const [first, second] = [this.#word(index), this.#word(index + 1)]
    return LITTLE_ENDIAN ? (second | 0) * WORD_VALUES + first : (first | 0) * WORD_VALUES + second
  }
}

/** A copy of a packed entry that says another size. */
export function withSize(packed: Uint8Array, size: number): Uint8Array {
  const copy = packed.slice()
  const words = new Uint32Array(copy.buffer, 0, HEAD_WORDS)
  const [low, high] = LITTLE_ENDIAN ? [7, 8] : [8, 7]
  words[low] = size % WORD_VALUES
  words[high] = Math.floor(size / WORD_VALUES)
  return copy
}

/** A name of its own, which does not keep the listing in memory. */
function ownName(bytes: Uint8Array): EntryName {
  const name = nameOf(bytes)
  return typeof name === 'string' ? name : name.slice()
}
