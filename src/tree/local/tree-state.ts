/**
 * What a put of a directory leaves for the next one, so that it reads only what is new: in walk order, each directory's
 * listing as it was packed, and what its files became. It is no part of the format: without it, or where it is damaged
 * or of another version, a put takes longer and gives the same.
 *
 *     nomsytr1                                                        the version
 *     begin   1, bytes in all, bytes of entries, bytes of results, bytes of the name, flags, seconds, newest (words)
 *             entries, results, name, padding                         a directory, before those in it
 *     end     2, bytes in all (words), the directory's ref, padding   after those in it
 *     last    a value (encoding): {root, top, names}; its bytes, CRC-32 of all before it (words)
 *
 * Words are of 32 bits, little-endian; seconds are floats and take two. A result is a byte for each file in the order of
 * entries, 0 where nothing is known of it, else 1 and the ref of its content, or 2, that, and the ref of its holes.
 */

import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { decode } from '../../encoding/decode.js'
import { encode } from '../../encoding/encode.js'
import type { ValueRecord } from '../../encoding/value.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import type { EntryName } from '../entry.js'
import { compareNames, nameOf } from '../entry-name.js'
import { removeAbandoned } from './beside.js'
import type { Listing } from './list-job.js'
import type { OwnerName } from './owner-names.js'
import { PackedEntry } from './packed-entry.js'

const MAGIC = Buffer.from('nomsytr1')

const BEGIN = 1
const END = 2

const BEGIN_BYTES = 40
const END_BYTES = 28
const TAIL_BYTES = 8

/** Flag of a directory of which not all could be listed, or whose files have other names: it is gone through. */
const PARTIAL = 1

/**
 * Seconds that a file has to have rested when it was looked at: the coarsest clock of a file system in use, FAT's, has
 * this step, and a change within a step leaves the times as they are.
 */
export const REST_SECONDS = 2

const READ_BYTES = 256 * 1024
const WRITE_BYTES = 256 * 1024

/** What holds for all of a state. */
export interface StateSummary {
  /** The directory that was stored. */
  readonly root: Ref
  /** What was packed of the top itself. */
  readonly top: Uint8Array
  /** Names of owners that were recorded. */
  readonly names: readonly [readonly OwnerName[], readonly OwnerName[]]
}

/** What became of a file. */
export interface KnownContent {
  readonly content: Ref
  readonly holes: Ref | undefined
}

/** A directory as it was. */
export class KnownDirectory {
  readonly entries: Uint8Array
  readonly results: Uint8Array
  readonly name: EntryName
  readonly seconds: number
  readonly newestSeconds: number
  readonly isPartial: boolean

  constructor(record: Uint8Array) {
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    const [entryBytes, resultBytes, nameBytes] = [8, 12, 16].map((offset) => view.getUint32(offset, true))
    this.isPartial = (view.getUint32(20, true) & PARTIAL) !== 0
    this.seconds = view.getFloat64(24, true)
    this.newestSeconds = view.getFloat64(32, true)
    let at = BEGIN_BYTES
    this.entries = record.subarray(at, (at += entryBytes!))
    this.results = record.subarray(at, (at += resultBytes!))
    this.name = nameOf(record.subarray(at, (at += nameBytes!)))
    if (at > record.length) throw new RangeError('a directory in the state ends too late')
  }

  /** Whether nothing has changed since in the directory itself. */
  isSame({ entries, problems }: Listing): boolean {
    if (this.isPartial || problems.length > 0 || this.newestSeconds >= this.seconds - REST_SECONDS)
      return false
    return Buffer.compare(this.entries, entries) === 0
  }

  /** What became of the files, in the order of entries; undefined where it is not known. */
  *contents(): Generator<KnownContent | undefined> {
    for (let at = 0; at < this.results.length; ) {
      const count = this.results[at++]!
      if (count === 0) {
        yield undefined
        continue
      }
      const content = this.#ref(at)
      const holes = count === 2 ? this.#ref(at + REF_BYTES) : undefined
      at += count * REF_BYTES
      yield { content, holes }
    }
  }

  /**
   * What became of those files of a listing that have rested since, by where the file begins in it. Throws a RangeError
   * where the state is damaged.
   */
  unchangedIn(entries: Uint8Array): Map<number, KnownContent> {
    const found = new Map<number, KnownContent>()
    const [before, now] = [new PackedEntry(this.entries), new PackedEntry(entries)]
    const contents = this.contents()
    if (!now.next()) return found
    while (before.next()) {
      const known = before.isFile ? contents.next().value : undefined
      if (known === undefined || before.newestSeconds >= this.seconds - REST_SECONDS) continue
      let order = compareNames(now.name, before.name)
      while (order < 0 && now.next()) order = compareNames(now.name, before.name)
      if (order < 0) break
      if (order === 0 && Buffer.compare(before.packed, now.packed) === 0) found.set(now.start, known)
    }
    return found
  }

  #ref(at: number): Ref {
    return Ref.fromBytes(this.results.slice(at, at + REF_BYTES))
  }
}

/** Reads a state along with a walk. What is damaged in a way that the checksum does not show ends it. */
export class StateReader {
  readonly summary: StateSummary
  readonly #fd: number
  readonly #end: number
  #position = MAGIC.length
  #window: Uint8Array = new Uint8Array(0)
  #windowStart = 0
  #isOpen = true

  private constructor(fd: number, end: number, summary: StateSummary) {
    this.#fd = fd
    this.#end = end
    this.summary = summary
  }

  /** The state in the file at `path`; undefined where there is none, or none that is whole. */
  static open(path: string): StateReader | undefined {
    let fd: number | undefined
    try {
      fd = openSync(path, 'r')
      const found = checkState(fd)
      if (found !== undefined) return new StateReader(fd, found.end, found.summary)
    } catch {
      // It costs time and nothing else.
    }
    if (fd !== undefined) closeSync(fd)
    return undefined
  }

  /** The root, as it was. */
  root(): KnownDirectory | undefined {
    return this.#guarded(() => {
      const record = this.#peek()
      return record !== undefined && kindOf(record) === BEGIN ? this.#takeDirectory() : undefined
    })
  }

  /** Goes down from a directory into the one in it called `name`; undefined where it was not there. */
  descend(name: EntryName): KnownDirectory | undefined {
    return this.#guarded(() => {
      for (;;) {
        const record = this.#peek()
        if (record === undefined || kindOf(record) !== BEGIN) return undefined
        const order = compareNames(new KnownDirectory(record).name, name)
        if (order > 0) return undefined
        if (order === 0) return this.#takeDirectory()
        this.#skip()
      }
    })
  }

  /** Goes up from a directory; the ref that it had. */
  leave(): Ref | undefined {
    return this.#guarded(() => {
      for (;;) {
        const record = this.#peek()
        if (record === undefined) return undefined
        if (kindOf(record) === BEGIN) {
          this.#skip()
          continue
        }
        this.#position += record.length
        return Ref.fromBytes(record.slice(8, 8 + REF_BYTES))
      }
    })
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#position = this.#end
    closeSync(this.#fd)
  }

  #guarded<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch {
      this.#position = this.#end
      return undefined
    }
  }

  #takeDirectory(): KnownDirectory {
    // A copy, since the window goes on, and whole words are to begin at whole words.
    const record = this.#peek()!.slice()
    this.#position += record.length
    return new KnownDirectory(record)
  }

  /** Passes over a directory with all that was in it. */
  #skip(): void {
    let depth = 0
    do {
      const record = this.#peek()
      if (record === undefined) return
      depth += kindOf(record) === BEGIN ? 1 : -1
      this.#position += record.length
    } while (depth > 0)
  }

  /** The record that comes next, as a view that holds until the next call; undefined after the last. */
  #peek(): Uint8Array | undefined {
    if (this.#position >= this.#end) return undefined
    const head = this.#bytes(8)
    const view = new DataView(head.buffer, head.byteOffset, 8)
    const length = view.getUint32(4, true)
    if (length < END_BYTES || this.#position + length > this.#end) throw new RangeError('no record')
    return this.#bytes(length)
  }

  #bytes(length: number): Uint8Array {
    const from = this.#position - this.#windowStart
    if (from + length <= this.#window.length) return this.#window.subarray(from, from + length)
    const window = new Uint8Array(Math.max(length, READ_BYTES))
    const count = readSync(this.#fd, window, 0, window.length, this.#position)
    this.#window = window.subarray(0, count)
    this.#windowStart = this.#position
    if (count < length) throw new RangeError('the state ends too early')
    return this.#window.subarray(0, length)
  }
}

/** Writes a state beside the one that is there, which it replaces when it is whole. */
export class StateWriter {
  readonly #path: string
  readonly #temporary: string
  #fd: number | undefined
  #buffer = Buffer.allocUnsafeSlow(WRITE_BYTES)
  #length = 0
  #crc = 0

  constructor(path: string) {
    this.#path = path
    this.#temporary = `${path}.${randomBytes(8).toString('hex')}`
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    removeAbandoned(dirname(path), `${basename(path)}.`, '')
    this.#fd = openSync(this.#temporary, 'wx', 0o600)
    this.#write(MAGIC)
  }

  /** A directory, before those in it; `contents` are those of its files, in order. */
  begin(
    name: Uint8Array,
    listing: Pick<Listing, 'entries' | 'seconds' | 'newestSeconds'>,
    contents: Iterable<KnownContent | undefined> | Uint8Array,
    isPartial: boolean,
  ): void {
    const { entries, seconds, newestSeconds } = listing
    const results = contents instanceof Uint8Array ? contents : packContents(contents)
    const header = new DataView(new ArrayBuffer(BEGIN_BYTES))
    const length = BEGIN_BYTES + entries.length + results.length + name.length
    const words = [
      BEGIN,
      padded(length),
      entries.length,
      results.length,
      name.length,
      isPartial ? PARTIAL : 0,
    ]
    for (const [index, word] of words.entries()) header.setUint32(index * 4, word, true)
    header.setFloat64(24, seconds, true)
    header.setFloat64(32, newestSeconds, true)
    this.#write(new Uint8Array(header.buffer))
    this.#write(entries)
    this.#write(results)
    this.#write(name)
    this.#write(PADDING.subarray(0, padded(length) - length))
  }

  /** A directory, after those in it. */
  end(ref: Ref): void {
    const record = new Uint8Array(END_BYTES)
    const view = new DataView(record.buffer)
    view.setUint32(0, END, true)
    view.setUint32(4, END_BYTES, true)
    record.set(ref.bytes, 8)
    this.#write(record)
  }

  /** Puts the state in its place, if all of it could be written. */
  finish({ root, top, names }: StateSummary): void {
    if (this.#fd === undefined) return
    const last = encode({ root, top, names: names as never })
    this.#write(last)
    this.#flush()
    const tail = new DataView(new ArrayBuffer(TAIL_BYTES))
    tail.setUint32(0, last.length, true)
    tail.setUint32(4, this.#crc, true)
    this.#writeOut(new Uint8Array(tail.buffer))
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    this.#fd = undefined
    renameSync(this.#temporary, this.#path)
  }

  /** Leaves the state as it was, unless it has been replaced. */
  abandon(): void {
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    this.#fd = undefined
    rmSync(this.#temporary, { force: true })
  }

  #write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#flush()
    if (bytes.length > this.#buffer.length) return this.#writeOut(bytes)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #flush(): void {
    this.#writeOut(this.#buffer.subarray(0, this.#length))
    this.#length = 0
  }

  /** A state that cannot be written, on a disk that is full, is none. */
  #writeOut(bytes: Uint8Array): void {
    if (this.#fd === undefined) return
    this.#crc = crc32(bytes, this.#crc)
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done)
    } catch {
      this.abandon()
    }
  }
}

const PADDING = new Uint8Array(3)

function padded(length: number): number {
  return (length + 3) & ~3
}

function kindOf(record: Uint8Array): number {
  return record[0]!
}

function packContents(contents: Iterable<KnownContent | undefined>): Uint8Array {
  const parts: Uint8Array[] = []
  for (const known of contents) {
    if (known === undefined) parts.push(Uint8Array.of(0))
    else if (known.holes === undefined) parts.push(Uint8Array.of(1), known.content.bytes)
    else parts.push(Uint8Array.of(2), known.content.bytes, known.holes.bytes)
  }
  return Buffer.concat(parts)
}

/** Where the records of a state end, and what it says of all of it; undefined where it is not whole. */
function checkState(fd: number): { readonly end: number; readonly summary: StateSummary } | undefined {
  const size = fstatSync(fd).size
  if (size < MAGIC.length + TAIL_BYTES) return undefined
  const tail = readAt(fd, size - TAIL_BYTES, TAIL_BYTES)
  const view = new DataView(tail.buffer, tail.byteOffset, TAIL_BYTES)
  const lastStart = size - TAIL_BYTES - view.getUint32(0, true)
  if (lastStart < MAGIC.length) return undefined
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024)
  let crc = 0
  for (let at = 0; at < size - TAIL_BYTES; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, size - TAIL_BYTES - at), at)
    if (count === 0) return undefined
    if (at === 0 && !buffer.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    crc = crc32(buffer.subarray(0, count), crc)
    at += count
  }
  if (crc !== view.getUint32(4, true)) return undefined
  const last = decode(readAt(fd, lastStart, size - TAIL_BYTES - lastStart)) as ValueRecord
  return { end: lastStart, summary: last as unknown as StateSummary }
}

function readAt(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  if (readSync(fd, bytes, 0, length, position) < length) throw new RangeError('the state ends too early')
  return bytes
}
