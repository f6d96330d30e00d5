/** What is recorded of a file on disk, as the entry of a directory has it. SPEC "Directories". */

import type { Ref } from '../../hash/ref.js'
import { type Attributes, type Entry, type EntryName, inTimeRange, type Kind } from '../entry.js'
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from './libc.js'
import type { OwnerNames } from './owner-names.js'
import type { PackedEntry } from './packed-entry.js'

/** The owner may execute it. */
const OWNER_EXECUTES = 0o100

/** What became of a file's bytes. */
export interface LocalContent {
  readonly content: Ref
  readonly holes: Ref | undefined
}

export class EntryRecorder {
  readonly #names: OwnerNames
  readonly #hasMode: boolean
  readonly #hasExecutable: boolean
  readonly #hasOwner: boolean
  readonly #hasNames: boolean
  readonly #hasMtime: boolean

  constructor(kinds: readonly Kind[], names: OwnerNames) {
    this.#names = names
    this.#hasMode = kinds.includes('mode')
    this.#hasExecutable = kinds.includes('executable')
    this.#hasOwner = kinds.includes('owner')
    this.#hasNames = kinds.includes('names')
    this.#hasMtime = kinds.includes('mtime')
  }

  /** The entry of a file; `link` is the path of its first name, if it has another. */
  file(
    entry: PackedEntry,
    { content, holes }: LocalContent,
    size: number,
    link: EntryName | undefined,
  ): Entry {
    const fields: Writable<Extract<Entry, { type: 'file' }>> = {
      type: 'file',
      content,
      size,
      ...this.attributes(entry),
    }
    if (this.#hasExecutable && (entry.mode & OWNER_EXECUTES) !== 0) fields.executable = true
    if (holes !== undefined) fields.holes = holes
    if (link !== undefined) fields.link = link
    return fields
  }

  directory(entry: PackedEntry, content: Ref): Entry {
    return { type: 'dir', content, ...this.attributes(entry) }
  }

  /** The entry of what is neither a file nor a directory. */
  other(entry: PackedEntry, link: EntryName | undefined): Entry {
    const attributes = { ...this.attributes(entry), ...(link !== undefined && { link }) }
    switch (entry.mode & S_IFMT) {
      case S_IFLNK:
        return { type: 'symlink', target: entry.target, ...attributes }
      case S_IFIFO:
        return { type: 'fifo', ...attributes }
      case S_IFSOCK:
        return { type: 'socket', ...attributes }
      case S_IFCHR:
        return { type: 'char', device: entry.device, ...attributes }
      case S_IFBLK:
        return { type: 'block', device: entry.device, ...attributes }
      default:
        throw new RangeError(`a file of an unknown type, mode ${entry.mode.toString(8)}`)
    }
  }

  attributes(entry: PackedEntry): Attributes {
    const fields: Writable<Attributes> = {}
    if (this.#hasMode && !entry.isSymlink) fields.mode = entry.mode & 0o7777
    if (this.#hasOwner) {
      fields.uid = entry.uid
      fields.gid = entry.gid
    }
    if (this.#hasNames) {
      const user = this.#names.user(entry.uid)
      const group = this.#names.group(entry.gid)
      if (user !== undefined) fields.user = user
      if (group !== undefined) fields.group = group
    }
    if (this.#hasMtime) fields.mtime = inTimeRange(entry.mtime)
    const { xattrs } = entry
    if (xattrs !== undefined) fields.xattrs = xattrs
    return fields
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
