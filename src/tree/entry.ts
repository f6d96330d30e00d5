/**
 * What stands in a directory under a name: a file, a directory, a link, a device, with what was recorded of it.
 * SPEC "Directories".
 */

import type { Ref } from '../hash/ref.js'

/** A name; bytes only where they are no UTF-8. */
export type EntryName = string | Uint8Array

/** What can be recorded besides names, types and content. */
export type Kind =
  | 'acls'
  | 'capabilities'
  | 'executable'
  | 'holes'
  | 'links'
  | 'mode'
  | 'mtime'
  | 'names'
  | 'owner'
  | 'special'
  | 'symlinks'
  | 'xattrs'

const FIRST_TIME = -(2n ** 63n)
const LAST_TIME = 2n ** 64n - 1n

/** `mtime`, or the nearest time that can be stored: the years are 1677 to 2554. */
export function inTimeRange(mtime: bigint): bigint {
  if (mtime < FIRST_TIME) return FIRST_TIME
  return mtime > LAST_TIME ? LAST_TIME : mtime
}

/** What any entry may have; absent where it was not recorded. */
export interface Attributes {
  /** Permission bits, 0 to 0o7777. */
  readonly mode?: number | undefined
  /** Where the mode is not recorded: whether its owner may execute it. */
  readonly executable?: true | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly user?: string | undefined
  readonly group?: string | undefined
  /** Nanoseconds since 1970, from -2^63 to 2^64-1. */
  readonly mtime?: bigint | undefined
  /** Extended attributes by name, ACLs and capabilities among them. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>> | undefined
}

export interface FileEntry extends Attributes {
  readonly type: 'file'
  /** A blob. */
  readonly content: Ref
  /** Bytes in it. */
  readonly size: number
  /** Path of the file's first name, from the top, where this is another of its names. */
  readonly link?: EntryName | undefined
  /** A list of integers: offset, length, offset, length and so on of the stretches that are not on the disk. */
  readonly holes?: Ref | undefined
}

export interface DirectoryEntry extends Attributes {
  readonly type: 'dir'
  /** A directory. */
  readonly content: Ref
}

export interface SymlinkEntry extends Attributes {
  readonly type: 'symlink'
  readonly target: EntryName
  readonly link?: EntryName | undefined
}

export interface PipeEntry extends Attributes {
  readonly type: 'fifo' | 'socket'
  readonly link?: EntryName | undefined
}

export interface DeviceEntry extends Attributes {
  readonly type: 'char' | 'block'
  readonly device: readonly [major: number, minor: number]
  readonly link?: EntryName | undefined
}

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | PipeEntry | DeviceEntry

/** The top's own attributes, and what was recorded in the whole tree. */
export interface TopAttributes extends Attributes {
  readonly with: readonly Kind[]
}
