/** What is there already where something is to be written: looked at without following links, removed, compared. */

import { constants, fstat as fstatAsync, opendirSync } from 'node:fs'
import { promisify } from 'node:util'
import { writeBlob } from '../../blob/blob.js'
import type { Ref } from '../../hash/ref.js'
import { KEEP_OWNER } from './file-table.js'
import type { FileOnTheWay } from './file-writer.js'
import {
  close,
  fchmod,
  fstat,
  fstatat,
  openat,
  renameat,
  rmdirat,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  type Stat,
  unlinkat,
} from './libc.js'
import { OPEN_DIRECTORY } from './open-directory.js'
import { type AttributeFailure, isStrangeXattr, type StrangeXattrs, setAttributes } from './set-attributes.js'

const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

const statAsync = promisify(fstatAsync)

/** What has the name in the open directory `dir`; undefined if nothing has. */
export function statEntry(dir: number, name: Uint8Array): Stat | undefined {
  try {
    return fstatat(dir, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function isDirectory({ mode }: Stat): boolean {
  return (mode & S_IFMT) === S_IFDIR
}

/** Opens what is a regular file, of `size` bytes where that is given; undefined where it is something else. */
export function openFileOf(
  dir: number,
  name: Uint8Array,
  size?: number,
): { fd: number; stat: Stat } | undefined {
  let fd: number
  try {
    fd = openat(dir, name, OPEN_FILE)
  } catch {
    return undefined
  }
  const stat = fstat(fd)
  if ((stat.mode & S_IFMT) === S_IFREG && (size ?? stat.size) === stat.size) return { fd, stat }
  close(fd)
  return undefined
}

/** The ref of the bytes of an open file, as storing them would give it; nothing is stored. */
export async function contentRef(fd: number): Promise<Ref> {
  const nowhere = { put: async () => 0 }
  const root = await writeBlob(nowhere, { fd, stat: () => statAsync(fd) })
  return root.ref
}

/**
 * Keeps the file that is there if it has the right bytes, and no other name that would have its attributes too; what could
 * not be set of them, undefined where the file is to be written.
 */
export async function keepFile(
  { entry, file: { dir, name, size, attributes } }: FileOnTheWay,
  strange: StrangeXattrs | undefined,
): Promise<AttributeFailure[] | undefined> {
  const found = openFileOf(dir, name, size)
  if (found === undefined) return undefined
  try {
    if (found.stat.nlink !== 1 || !(await contentRef(found.fd)).equals(entry.content)) return undefined
    const { uid, gid, mode, mtime } = found.stat
    const isOwned = isOf(attributes.uid, uid) && isOf(attributes.gid, gid)
    const differing = {
      ...attributes,
      ...(isOwned && { uid: KEEP_OWNER, gid: KEEP_OWNER }),
      mtime: attributes.mtime === mtime ? undefined : attributes.mtime,
    }
    const hasMode = isOwned && (mode & ~S_IFMT) === attributes.mode
    return setAttributes(found.fd, differing, { hasMode, isStrange: strange && isStrangeXattr(strange) })
  } finally {
    close(found.fd)
  }
}

function isOf(wanted: number, owner: number): boolean {
  return wanted === KEEP_OWNER || wanted === owner
}

/** Names in an open directory. */
export function* namesIn(fd: number): Generator<Uint8Array> {
  // By the descriptor: the path that led here may lead elsewhere by now.
  const entries = opendirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' as BufferEncoding })
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync())
      yield entry.name as unknown as Uint8Array
  } finally {
    entries.closeSync()
  }
}

/** Removes what has the name in the open directory, with all that is in it. */
export function removeEntry(dir: number, name: Uint8Array): void {
  const found = statEntry(dir, name)
  if (found === undefined) return
  if (!isDirectory(found)) return unlinkat(dir, name)
  emptyDirectory(dir, name)
  rmdirat(dir, name)
}

/**
 * Removes all that is in a directory. However deep it is, this takes no stack and two descriptors: directories further
 * down are moved up to be emptied there.
 */
function emptyDirectory(dir: number, name: Uint8Array): void {
  const top = openat(dir, name, OPEN_DIRECTORY)
  try {
    let moved = 0
    for (let rest = [...namesIn(top)]; rest.length > 0; rest = [...namesIn(top)]) {
      for (const each of rest) {
        if (!isDirectory(fstatat(top, each))) unlinkat(top, each)
        else flatten(top, each, () => Buffer.from(`.nomsy-removed-${moved++}-${process.pid}`))
      }
    }
  } finally {
    close(top)
  }
}

/** Removes the directory `name` of `top`; what directories are in it go to `top`, by new names. */
function flatten(top: number, name: Uint8Array, newName: () => Uint8Array): void {
  const fd = openat(top, name, OPEN_DIRECTORY)
  try {
    fchmod(fd, 0o700)
    for (const each of [...namesIn(fd)]) {
      if (isDirectory(fstatat(fd, each))) renameat(fd, each, top, newName())
      else unlinkat(fd, each)
    }
  } finally {
    close(fd)
  }
  rmdirat(top, name)
}
