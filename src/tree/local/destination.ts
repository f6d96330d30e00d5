/**
 * Where a tree is brought back to. A directory that is not there yet is made beside its place under another name, for
 * nobody else to look into, and gets its own name once all is in it; one that was left behind by a run that did not
 * come so far is taken up again.
 */

import { readdirSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { DestinationError } from '../../errors.js'
import { stemOf } from './beside.js'
import {
  AT_FDCWD,
  close,
  fstat,
  fstatat,
  mkdirat,
  openat,
  renameat,
  S_IFDIR,
  S_IFMT,
  type Stat,
  tryLock,
} from './libc.js'
import { OPEN_DIRECTORY } from './open-directory.js'
import { flistxattr, fremovexattr } from './xattr-calls.js'

export interface Destination {
  /** The open directory, which the one who asked for it closes. */
  readonly fd: number
  /** Whether something may be in it already. */
  readonly isUsed: boolean
  /** Whether nobody else can reach what is written. */
  readonly isPrivate: boolean
  /** Gives it its name; called when all is in it. */
  finish(): void
  /** Lets go of what was opened. */
  close(): void
}

/** The directory `path`, which is there. Throws NOMSY_DESTINATION. */
export function existingDestination(path: string): Destination {
  const fd = opened(AT_FDCWD, path, path)
  return { fd, isUsed: true, isPrivate: false, finish: () => {}, close: () => {} }
}

/** A new directory that is going to be `path`. Throws NOMSY_DESTINATION. */
export function newDestination(path: string): Destination {
  const place = resolve(path)
  const name = basename(place)
  if (name === '')
    throw new DestinationError(path, 'it is the root; write into it with --into (`into: true`)')
  const parent = opened(AT_FDCWD, dirname(place), dirname(place))
  try {
    checkFree(path, place, statAt(parent, name), fstat(parent))
    const beside = `.${stemOf(name)}.nomsy-part`
    const isUsed = !madeDirectory(path, parent, beside)
    const fd = openat(parent, beside, OPEN_DIRECTORY)
    checkOwn(path, resolve(dirname(place), beside), fd)
    return {
      fd,
      isUsed,
      isPrivate: isUsed === false && hasNaturalOwners(fd),
      finish: () => renameat(parent, beside, parent, name),
      close: () => close(parent),
    }
  } catch (error) {
    close(parent)
    throw error
  }
}

function opened(dir: number, path: string, told: string): number {
  try {
    return openat(dir, path, OPEN_DIRECTORY)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such directory; make it first'
        : code === 'ENOTDIR' || code === 'ELOOP'
          ? 'it is no directory'
          : message
    throw new DestinationError(told, why, { cause })
  }
}

function statAt(dir: number, name: string): Stat | undefined {
  try {
    return fstatat(dir, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Throws unless there is nothing at `place`, or an empty directory that can be replaced. */
function checkFree(path: string, place: string, found: Stat | undefined, parent: Stat): void {
  if (found === undefined) return
  if ((found.mode & S_IFMT) !== S_IFDIR)
    throw new DestinationError(
      path,
      'something is there that is no directory; name a directory that is not there yet',
    )
  if (readdirSync(place).length > 0)
    throw new DestinationError(path, 'it is not empty; --into (`into: true`) writes into it what differs')
  if (found.devMajor !== parent.devMajor || found.devMinor !== parent.devMinor || found.ino === parent.ino)
    throw new DestinationError(path, 'it is a mount point; --into (`into: true`) writes into it')
}

/** Whether the directory that is going to be `path` was not there before. Throws NOMSY_DESTINATION. */
function madeDirectory(path: string, parent: number, name: string): boolean {
  try {
    mkdirat(parent, name, 0o700)
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    throw new DestinationError(path, `no directory can be made there: ${message}`, { cause: error })
  }
}

/** Throws where the directory that is going to be `path` is not ours alone. */
function checkOwn(path: string, beside: string, fd: number): void {
  try {
    const { uid, mode } = fstat(fd)
    if (uid !== process.geteuid!() || (mode & 0o077) !== 0)
      throw new DestinationError(path, `${beside} is in the way, and not made by this user; remove it`)
    if (!tryLock(fd)) throw new DestinationError(path, 'another process is writing it; wait for it to end')
    for (const name of flistxattr(fd)) if (name.startsWith('system.posix_acl_')) fremovexattr(fd, name)
  } catch (error) {
    close(fd)
    throw error
  }
}

/** Whether what is made in the directory belongs to the user and group of this process. */
function hasNaturalOwners(fd: number): boolean {
  const { gid, mode } = fstat(fd)
  return gid === process.getegid!() && (mode & 0o2000) === 0
}
