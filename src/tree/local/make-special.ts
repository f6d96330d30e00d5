/**
 * Makes what is no file and no directory: symlinks, pipes, sockets, devices. Their attributes are set through a
 * descriptor that stands for the very thing that was made, and never by its name, which may mean something else by then.
 */

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import type { DeviceEntry, PipeEntry, SymlinkEntry } from '../entry.js'
import { bytesOfName } from '../entry-name.js'
import { statEntry } from './existing-entry.js'
import { type FileAttributes, KEEP_OWNER } from './file-table.js'
import {
  AT_FDCWD,
  close,
  fchmodat,
  fchownat,
  fstat,
  mknodat,
  O_PATH,
  openat,
  readlinkat,
  renameat,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  type Stat,
  symlinkat,
  unlinkat,
  utimensat,
} from './libc.js'
import type { AttributeFailure } from './set-attributes.js'
import { temporaryName } from './write-files.js'
import { setxattr } from './xattr-calls.js'

export type SpecialEntry = SymlinkEntry | PipeEntry | DeviceEntry

const TYPE_BITS = { symlink: S_IFLNK, fifo: S_IFIFO, socket: S_IFSOCK, char: S_IFCHR, block: S_IFBLK }

const ITSELF = new Uint8Array(1)

/** Makes it as `name`, which nothing may have, in the open directory `dir`; what could not be set of its attributes. */
export function makeSpecial(
  dir: number,
  name: Uint8Array,
  entry: SpecialEntry,
  attributes: FileAttributes,
): AttributeFailure[] {
  if (entry.type === 'symlink') symlinkat(bytesOfName(entry.target), dir, name)
  else {
    const [major, minor] = 'device' in entry ? entry.device : [0, 0]
    mknodat(dir, name, TYPE_BITS[entry.type] | 0o600, major, minor)
  }
  const fd = openat(dir, name, O_PATH | constants.O_NOFOLLOW)
  try {
    const { mode, nlink, uid } = fstat(fd)
    if ((mode & S_IFMT) !== TYPE_BITS[entry.type] || nlink !== 1 || uid !== process.geteuid!()) {
      throw Object.assign(new Error('something else took its place'), { code: 'ESTALE' })
    }
    return setByPlace(fd, entry, attributes)
  } finally {
    close(fd)
  }
}

/** As {@link makeSpecial}, in the place of what is there, unless that is the same. */
export function replaceSpecial(
  dir: number,
  name: Uint8Array,
  entry: SpecialEntry,
  attributes: FileAttributes,
): AttributeFailure[] {
  const found = statEntry(dir, name)
  if (found === undefined) return makeSpecial(dir, name, entry, attributes)
  if (isSameSymlink(dir, name, entry, found, attributes)) return []
  const temporary = temporaryName(randomBytes(6).toString('hex'))
  try {
    const failures = makeSpecial(dir, temporary, entry, attributes)
    renameat(dir, temporary, dir, name)
    return failures
  } catch (error) {
    if (statEntry(dir, temporary) !== undefined) unlinkat(dir, temporary)
    throw error
  }
}

function isSameSymlink(
  dir: number,
  name: Uint8Array,
  entry: SpecialEntry,
  found: Stat,
  { uid, gid, mtime, xattrs }: FileAttributes,
): boolean {
  if (entry.type !== 'symlink' || (found.mode & S_IFMT) !== S_IFLNK || xattrs !== undefined) return false
  if ((uid !== KEEP_OWNER && uid !== found.uid) || (gid !== KEEP_OWNER && gid !== found.gid)) return false
  if (mtime !== undefined && mtime !== found.mtime) return false
  return Buffer.compare(readlinkat(dir, name), bytesOfName(entry.target)) === 0
}

function setByPlace(
  fd: number,
  entry: SpecialEntry,
  { uid, gid, mode, mtime, xattrs = {} }: FileAttributes,
): AttributeFailure[] {
  const failures: AttributeFailure[] = []
  const tried = (what: string, set: () => void): void => {
    try {
      set()
    } catch (error) {
      failures.push({ what, error: error as NodeJS.ErrnoException })
    }
  }
  // Leads straight to what the descriptor stands for.
  const place = `/proc/self/fd/${fd}`
  if (uid !== KEEP_OWNER || gid !== KEEP_OWNER) tried('owner', () => fchownat(fd, ITSELF, uid, gid, true))
  const isOwned = failures.length === 0
  for (const [name, value] of Object.entries(xattrs))
    tried(`extended attribute ${name}`, () => setxattr(place, name, value))
  if (entry.type !== 'symlink') tried('mode', () => fchmodat(AT_FDCWD, place, isOwned ? mode : mode & 0o1777))
  if (mtime !== undefined) tried('time', () => utimensat(fd, ITSELF, mtime, true))
  return failures
}
