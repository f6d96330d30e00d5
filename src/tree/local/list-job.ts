/**
 * A worker's job: lists directories, and those in them, in walk order, and looks at every entry. What it says of each
 * directory goes back packed (packed-entry.ts), a few thousand entries at a time.
 */

import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import type { ModuleJob } from '../../parallel/pool.js'
import type { Kind } from '../entry.js'
import { Exclusions, IGNORE_FILE, type Patterns } from './exclusions.js'
import {
  AT_FDCWD,
  close,
  fstatInto,
  openat,
  read,
  readEntries,
  readlinkat,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  STAT_BYTES,
  STAT_CTIME,
  STAT_DEV,
  STAT_INO,
  STAT_MTIME,
  STAT_NLINK,
  STAT_SIZE,
  statInto,
} from './libc.js'
import { EntryPacker, type FileId, modeIn } from './packed-entry.js'
import { recordsXattrs, xattrsAt } from './recorded-xattrs.js'
import { LITTLE_ENDIAN } from './system-call.js'
import { childPath, isShortPath, openDirectory } from './system-path.js'

/** What holds for a whole tree. */
export interface ListOptions {
  readonly kinds: readonly Kind[]
  /** Patterns that were given for all of the tree. */
  readonly exclude: string
  /** Directories on other file systems are not entered. */
  readonly oneFileSystem: boolean
  /** A directory that is left out wherever it is met: the store's own. */
  readonly without: FileId | undefined
}

/** A directory to begin with. */
export interface ListStart {
  readonly path: Uint8Array
  /** From the top, for patterns. */
  readonly relative: string
  /** The directory that it was when its parent was listed. */
  readonly id: FileId
  /** Of the directories above it, outermost first. */
  readonly patterns: readonly Patterns[]
}

/** What there is in one directory. */
export interface Listing {
  /** Packed entries in the order of names. */
  readonly entries: Uint8Array
  readonly count: number
  /** When they were looked at, in seconds since 1970: not later. */
  readonly seconds: number
  /** The latest of the times of files among them, in seconds since 1970. */
  readonly newestSeconds: number
  /** Whether some of them, that are no directories, have other names too. */
  readonly hasLinks: boolean
  /** Entries that are of a kind that is not recorded. */
  readonly leftOut: number
  /** What the directory's file of patterns says. */
  readonly patterns: string | undefined
  /** Why it is not all there. */
  readonly problems: readonly ListProblem[]
}

export interface ListProblem {
  /** The entry's name; undefined for the directory itself. */
  readonly name: Uint8Array | undefined
  readonly message: string
}

/** Entries listed before a job ends. */
export const LIST_ENTRIES = 2048

/** The most that is read of a file of patterns. */
const MAX_PATTERN_BYTES = 1024 * 1024

const DIRENT_BYTES = 64 * 1024
const DIRENT_RECORD = 16
const DIRENT_NAME = 19

/**
 * Lists `starts` in this order, each with all that is in it in walk order, until `entryCount` entries are listed: the
 * listings in the order in which they were made. At least one is.
 */
export function listDirectories(
  starts: readonly ListStart[],
  entryCount: number,
  options: ListOptions,
): Listing[] {
  const lister = new Lister(options)
  const listings: Listing[] = []
  const open = [...starts].reverse().map((start) => lister.open(start))
  for (let left = entryCount; left > 0; ) {
    const start = open.pop()
    if (start === undefined) break
    const directories: OpenStart[] = []
    const listing = lister.list(start, directories)
    listings.push(listing)
    // Deep ones take their place too.
    left -= listing.count + 1 + (start.path.length >> 8)
    for (let index = directories.length - 1; index >= 0; index--) open.push(directories[index]!)
  }
  return listings
}

export const LIST_JOB: ModuleJob<Parameters<typeof listDirectories>, Listing[]> = {
  module: import.meta.url,
  name: 'listDirectories',
  run: listDirectories,
}

interface OpenStart extends Omit<ListStart, 'patterns'> {
  /** What its own files of patterns and those above it say. */
  readonly exclusions: Exclusions | undefined
}

/** Words, and the same memory as bytes, that `statx` fills. */
const STAT = new Uint32Array(STAT_BYTES / 4)
const STAT_AREA = new Uint8Array(STAT.buffer)

class Lister {
  readonly #options: ListOptions
  readonly #given: Exclusions | undefined
  readonly #hasXattrs: boolean
  readonly #packer = new EntryPacker()

  constructor(options: ListOptions) {
    this.#options = options
    const { exclude } = options
    this.#given = exclude === '' ? undefined : new Exclusions({ base: '', text: exclude }, undefined)
    this.#hasXattrs = recordsXattrs(options.kinds)
  }

  open({ path, relative, id, patterns }: ListStart): OpenStart {
    let exclusions: Exclusions | undefined
    for (const each of patterns) exclusions = new Exclusions(each, exclusions)
    return { path, relative, id, exclusions }
  }

  /** Lists one directory, and adds those in it that are to be entered to `directories`. */
  list(start: OpenStart, directories: OpenStart[]): Listing {
    // Earlier than any look at an entry.
    const seconds = Math.floor(Date.now() / 1000)
    let dir: number | undefined
    try {
      dir = openDirectory(start.path)
      fstatInto(STAT_AREA, dir)
      if (!isFile(start.id)) return noListing(seconds, 'it was replaced by another while it was read')
      return this.#listOpen(dir, start, directories, seconds)
    } catch (error) {
      return noListing(seconds, (error as Error).message)
    } finally {
      if (dir !== undefined) close(dir)
    }
  }

  #listOpen(dir: number, start: OpenStart, directories: OpenStart[], seconds: number): Listing {
    const { bytes, names } = namesIn(dir)
    const problems: ListProblem[] = []
    const text = names.some(({ key }) => key === IGNORE_FILE) ? patternsIn(dir, problems) : undefined
    const exclusions =
      text === undefined ? start.exclusions : new Exclusions({ base: start.relative, text }, start.exclusions)
    const look = new Look(dir, start.path)
    const packer = this.#packer
    let count = 0
    let leftOut = 0
    let newestSeconds = 0
    let hasLinks = false
    for (const { offset, end } of names) {
      const name = bytes.subarray(offset, end)
      try {
        // With the NUL that comes after it.
        statInto(STAT_AREA, dir, bytes.subarray(offset, end + 1))
      } catch (error) {
        // It is gone.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          problems.push({ name: name.slice(), message: (error as Error).message })
        continue
      }
      const type = modeIn(STAT) & S_IFMT
      const isDirectory = type === S_IFDIR
      const relative =
        this.#given === undefined && exclusions === undefined && !isDirectory
          ? ''
          : relativePath(start.relative, name)
      const isExcluded =
        this.#given?.decide(relative, isDirectory) ?? exclusions?.decide(relative, isDirectory)
      if (isExcluded === true || this.#isWithout()) continue
      if (!this.#isRecorded(type)) {
        leftOut++
        continue
      }
      const isEntered = !isDirectory || !this.#options.oneFileSystem || isOnDevice(start.id)
      const target = type === S_IFLNK ? look.target(name, problems) : undefined
      const xattrs = this.#hasXattrs ? look.xattrs(name, this.#options.kinds, problems) : undefined
      if (type === S_IFLNK && target === undefined) continue
      packer.add(STAT, { name, target, xattrs, isEntered })
      count++
      if (type === S_IFREG)
        newestSeconds = Math.max(newestSeconds, secondsIn(STAT_CTIME), secondsIn(STAT_MTIME))
      if (!isDirectory && STAT[STAT_NLINK / 4]! > 1) hasLinks = true
      if (isDirectory && isEntered)
        directories.push({ path: childPath(start.path, name), relative, id: fileId(), exclusions })
    }
    const entries = packer.take()
    return { entries, count, seconds, newestSeconds, hasLinks, leftOut, patterns: text, problems }
  }

  #isRecorded(type: number): boolean {
    const { kinds } = this.#options
    if (type === S_IFREG || type === S_IFDIR) return true
    return kinds.includes(type === S_IFLNK ? 'symlinks' : 'special')
  }

  #isWithout(): boolean {
    const { without } = this.#options
    return without !== undefined && isFile(without)
  }
}

/** What needs more than a look at an entry. */
class Look {
  readonly #dir: number
  readonly #isShort: boolean
  /** The path of the last entry looked at, with the NUL after it. */
  #path: Uint8Array
  readonly #nameStart: number

  constructor(dir: number, path: Uint8Array) {
    this.#dir = dir
    this.#isShort = isShortPath(path)
    const base = this.#isShort ? path : Buffer.from(`/proc/self/fd/${dir}`)
    this.#nameStart = base.length + 1
    this.#path = new Uint8Array(this.#nameStart + 256)
    this.#path.set(base)
    this.#path[base.length] = 0x2f
  }

  /** Where a symlink leads. */
  target(name: Uint8Array, problems: ListProblem[]): Uint8Array | undefined {
    return attempt(name, problems, () => readlinkat(this.#dir, name))
  }

  xattrs(name: Uint8Array, kinds: readonly Kind[], problems: ListProblem[]): ReturnType<typeof xattrsAt> {
    this.#path.set(name, this.#nameStart)
    this.#path[this.#nameStart + name.length] = 0
    const path = this.#path.subarray(0, this.#nameStart + name.length + 1)
    return attempt(name, problems, () => xattrsAt(path, kinds))
  }
}

function attempt<T>(name: Uint8Array, problems: ListProblem[], get: () => T): T | undefined {
  try {
    return get()
  } catch (error) {
    problems.push({ name: name.slice(), message: (error as Error).message })
    return undefined
  }
}

/** A name in `bytes`, which has a NUL after it. */
interface Name {
  readonly offset: number
  readonly end: number
  readonly isText: boolean
  /** Its bytes as characters: sorts as they do. */
  readonly key: string
}

/** The names in an open directory, in the order of directories: text before what is none. */
function namesIn(dir: number): { bytes: Uint8Array; names: Name[] } {
  let bytes = Buffer.allocUnsafeSlow(DIRENT_BYTES)
  let length = 0
  for (;;) {
    const count = readEntries(dir, bytes.subarray(length))
    if (count === 0) break
    length += count
    if (length + DIRENT_BYTES / 2 <= bytes.length) continue
    const grown = Buffer.allocUnsafeSlow(bytes.length * 2)
    grown.set(bytes.subarray(0, length))
    bytes = grown
  }
  const names: Name[] = []
  for (let at = 0; at < length; ) {
    const recordBytes = LITTLE_ENDIAN
      ? bytes.readUInt16LE(at + DIRENT_RECORD)
      : bytes.readUInt16BE(at + DIRENT_RECORD)
    const offset = at + DIRENT_NAME
    const end = bytes.indexOf(0, offset)
    const key = bytes.toString('latin1', offset, end)
    if (key !== '.' && key !== '..')
      names.push({ offset, end, isText: isUtf8(bytes.subarray(offset, end)), key })
    at += recordBytes
  }
  names.sort((a, b) => {
    if (a.isText !== b.isText) return a.isText ? -1 : 1
    return a.key < b.key ? -1 : 1
  })
  return { bytes, names }
}

/** What the file of patterns in `dir` says; nothing where it is no regular file. */
function patternsIn(dir: number, problems: ListProblem[]): string | undefined {
  const name = Buffer.from(IGNORE_FILE)
  let fd: number | undefined
  try {
    fd = openat(dir, name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    fstatInto(STAT_AREA, fd)
    if ((modeIn(STAT) & S_IFMT) !== S_IFREG) return undefined
    const bytes = new Uint8Array(Math.min(STAT[STAT_SIZE / 4]!, MAX_PATTERN_BYTES))
    return new TextDecoder().decode(bytes.subarray(0, read(fd, bytes, 0)))
  } catch (error) {
    problems.push({ name, message: `${(error as Error).message}: its patterns are not known` })
    return undefined
  } finally {
    if (fd !== undefined) close(fd)
  }
}

function noListing(seconds: number, message: string): Listing {
  return {
    entries: new Uint8Array(0),
    count: 0,
    seconds,
    newestSeconds: 0,
    hasLinks: false,
    leftOut: 0,
    patterns: undefined,
    problems: [{ name: undefined, message }],
  }
}

function relativePath(parent: string, name: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(name)
  return parent === '' ? text : `${parent}/${text}`
}

/** Of what was looked at last. */
function fileId(): FileId {
  const [inode, device] = [STAT_INO / 4, STAT_DEV / 4]
  return [STAT[inode]!, STAT[inode + 1]!, STAT[device]!, STAT[device + 1]!]
}

function isFile(id: FileId): boolean {
  return fileId().every((word, index) => word === id[index])
}

function isOnDevice([, , major, minor]: FileId): boolean {
  return STAT[STAT_DEV / 4] === major && STAT[STAT_DEV / 4 + 1] === minor
}

/** Seconds of the time at `offset` of what was looked at last, as far as they are known to 32 bits. */
function secondsIn(offset: number): number {
  const low = STAT[offset / 4 + (LITTLE_ENDIAN ? 0 : 1)]!
  const high = STAT[offset / 4 + (LITTLE_ENDIAN ? 1 : 0)]! | 0
  return high * 2 ** 32 + low
}

/** Of the file at `path`. */
export function fileIdAt(path: Uint8Array): FileId {
  statInto(STAT_AREA, AT_FDCWD, path)
  return fileId()
}
