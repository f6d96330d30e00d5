/**
 * The system's calls for files and directories that Node's fs has no way to: by paths relative to an open directory, with
 * times to the nanosecond, special files, holes.
 */

import { constants } from 'node:fs'
import {
  c,
  check,
  errnoOfLastCall,
  LITTLE_ENDIAN,
  libc,
  SystemError,
  type SystemPath,
} from './system-call.js'

/** In place of an open directory: relative paths begin at the working directory. */
export const AT_FDCWD = -100

const AT_SYMLINK_NOFOLLOW = 0x100
const AT_REMOVEDIR = 0x200
const AT_EMPTY_PATH = 0x1000

/** What {@link openat} takes besides Node's own constants. */
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

/** Type bits of a mode. */
export const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK = 0o140000, S_IFCHR, S_IFBLK } = constants

/** Numbers of errors that callers look for. */
const ENXIO = 6
const EAGAIN = 11

const LOCK_EX = 2
const LOCK_NB = 4

const SEEK_DATA = 3
const SEEK_HOLE = 4

const FICLONERANGE = 0x4020940d

/** In place of a time: leave it as it is. */
const UTIME_OMIT = 0x3ffffffe

export interface Stat {
  /** Type and permission bits. */
  readonly mode: number
  readonly ino: bigint
  readonly devMajor: number
  readonly devMinor: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** 512-byte units on the disk. */
  readonly blocks: number
  /** Nanoseconds since 1970. */
  readonly mtime: bigint
  readonly ctime: bigint
  /** Of devices. */
  readonly rdevMajor: number
  readonly rdevMinor: number
}

/** Bytes of what {@link statInto} fills, and where the fields lie in it: `struct statx`, the same on all Linuxes. */
export const STAT_BYTES = 256
export const STAT_NLINK = 16
export const STAT_UID = 20
export const STAT_GID = 24
export const STAT_MODE = 28
export const STAT_INO = 32
export const STAT_SIZE = 40
export const STAT_BLOCKS = 48
export const STAT_CTIME = 96
export const STAT_MTIME = 112
export const STAT_RDEV = 128
export const STAT_DEV = 136

const STATX_BASIC_STATS = 0x7ff

/** Opens `path`, relative to the open directory `dir`; the descriptor, which programs that are started do not get. */
export function openat(dir: number, path: SystemPath, flags: number, mode = 0): number {
  return check(() => libc().openat(dir, c(path), flags | O_CLOEXEC, mode), 'openat', path)
}

export function close(fd: number): void {
  // Not made anew: the descriptor is gone whatever close says.
  libc().close(fd)
}

/** Fills `buffer` from `position` of the file on; the bytes read, which are fewer only at the file's end. */
export function read(fd: number, buffer: Uint8Array, position: number): number {
  let done = 0
  while (done < buffer.length) {
    const rest = done === 0 ? buffer : buffer.subarray(done)
    const count = check(() => libc().pread(fd, rest, rest.length, position + done), 'read')
    if (count === 0) break
    done += count
  }
  return done
}

/** Writes all of `buffer` at `position` of the file. */
export function write(fd: number, buffer: Uint8Array, position: number): void {
  for (let done = 0; done < buffer.length; ) {
    const rest = done === 0 ? buffer : buffer.subarray(done)
    done += check(() => libc().pwrite(fd, rest, rest.length, position + done), 'write')
  }
}

export function ftruncate(fd: number, size: number): void {
  check(() => libc().ftruncate(fd, size), 'ftruncate')
}

export function fsync(fd: number): void {
  check(() => libc().fsync(fd), 'fsync')
}

/** What {@link statInto} fills, as an object. Symlinks are not followed. */
export function fstatat(dir: number, path: SystemPath): Stat {
  const bytes = new Uint8Array(STAT_BYTES)
  statInto(bytes, dir, path)
  return decodeStat(bytes)
}

export function fstat(fd: number): Stat {
  const bytes = new Uint8Array(STAT_BYTES)
  fstatInto(bytes, fd)
  return decodeStat(bytes)
}

/** Fills `bytes` with what is known of `path`, relative to the open directory `dir`. Symlinks are not followed. */
export function statInto(bytes: Uint8Array, dir: number, path: SystemPath): void {
  check(() => libc().statx(dir, c(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, bytes), 'statx', path)
}

/** The same of an open file. */
export function fstatInto(bytes: Uint8Array, fd: number): void {
  check(() => libc().statx(fd, EMPTY_PATH, AT_EMPTY_PATH, STATX_BASIC_STATS, bytes), 'statx')
}

export function decodeStat(bytes: Uint8Array): Stat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    mode: view.getUint16(STAT_MODE, LITTLE_ENDIAN),
    ino: view.getBigUint64(STAT_INO, LITTLE_ENDIAN),
    devMajor: view.getUint32(STAT_DEV, LITTLE_ENDIAN),
    devMinor: view.getUint32(STAT_DEV + 4, LITTLE_ENDIAN),
    nlink: view.getUint32(STAT_NLINK, LITTLE_ENDIAN),
    uid: view.getUint32(STAT_UID, LITTLE_ENDIAN),
    gid: view.getUint32(STAT_GID, LITTLE_ENDIAN),
    size: Number(view.getBigUint64(STAT_SIZE, LITTLE_ENDIAN)),
    blocks: Number(view.getBigUint64(STAT_BLOCKS, LITTLE_ENDIAN)),
    mtime: timeAt(view, STAT_MTIME),
    ctime: timeAt(view, STAT_CTIME),
    rdevMajor: view.getUint32(STAT_RDEV, LITTLE_ENDIAN),
    rdevMinor: view.getUint32(STAT_RDEV + 4, LITTLE_ENDIAN),
  }
}

/** Nanoseconds since 1970 of a time of {@link statInto}. */
export function timeAt(view: DataView, offset: number): bigint {
  return (
    view.getBigInt64(offset, LITTLE_ENDIAN) * 1_000_000_000n +
    BigInt(view.getUint32(offset + 8, LITTLE_ENDIAN))
  )
}

/** Fills `buffer` with the next entries of an open directory, as getdents64 gives them; the bytes, 0 at the end. */
export function readEntries(dir: number, buffer: Uint8Array): number {
  return check(() => libc().getdents64(dir, buffer, buffer.length), 'getdents64')
}

export function mkdirat(dir: number, path: SystemPath, mode: number): void {
  check(() => libc().mkdirat(dir, c(path), mode), 'mkdirat', path)
}

export function mkfifoat(dir: number, path: SystemPath, mode: number): void {
  check(() => libc().mkfifoat(dir, c(path), mode), 'mkfifoat', path)
}

/** `mode` has the type's bits too; `major` and `minor` are of devices. */
export function mknodat(dir: number, path: SystemPath, mode: number, major = 0, minor = 0): void {
  check(() => libc().mknodat(dir, c(path), mode, deviceNumber(major, minor)), 'mknodat', path)
}

export function symlinkat(target: SystemPath, dir: number, path: SystemPath): void {
  check(() => libc().symlinkat(c(target), dir, c(path)), 'symlinkat', path)
}

export function readlinkat(dir: number, path: SystemPath): Uint8Array {
  for (let size = 256; ; size *= 4) {
    const target = new Uint8Array(size)
    const length = check(() => libc().readlinkat(dir, c(path), target, size), 'readlinkat', path)
    if (length < size) return target.subarray(0, length)
  }
}

/** Another name for a file, or for a symlink itself. */
export function linkat(fromDir: number, from: SystemPath, toDir: number, to: SystemPath): void {
  check(() => libc().linkat(fromDir, c(from), toDir, c(to), 0), 'linkat', to)
}

export function renameat(fromDir: number, from: SystemPath, toDir: number, to: SystemPath): void {
  check(() => libc().renameat(fromDir, c(from), toDir, c(to)), 'renameat', to)
}

export function unlinkat(dir: number, path: SystemPath): void {
  check(() => libc().unlinkat(dir, c(path), 0), 'unlinkat', path)
}

export function rmdirat(dir: number, path: SystemPath): void {
  check(() => libc().unlinkat(dir, c(path), AT_REMOVEDIR), 'rmdirat', path)
}

/** Of a symlink itself; of what the descriptor `dir` stands for where `path` is empty and `isItself` is set. */
export function fchownat(dir: number, path: SystemPath, uid: number, gid: number, isItself = false): void {
  const flags = AT_SYMLINK_NOFOLLOW | (isItself ? AT_EMPTY_PATH : 0)
  check(() => libc().fchownat(dir, c(path), uid, gid, flags), 'fchownat', path)
}

export function fchown(fd: number, uid: number, gid: number): void {
  check(() => libc().fchown(fd, uid, gid), 'fchown')
}

/** Follows symlinks, as the system has no other way: for what is known to be none. */
export function fchmodat(dir: number, path: SystemPath, mode: number): void {
  check(() => libc().fchmodat(dir, c(path), mode, 0), 'fchmodat', path)
}

export function fchmod(fd: number, mode: number): void {
  check(() => libc().fchmod(fd, mode), 'fchmod')
}

/** Sets the time of the last change, nanoseconds since 1970; of what, as in {@link fchownat}. */
export function utimensat(dir: number, path: SystemPath, mtime: bigint, isItself = false): void {
  const flags = AT_SYMLINK_NOFOLLOW | (isItself ? AT_EMPTY_PATH : 0)
  check(() => libc().utimensat(dir, c(path), timesOf(mtime), flags), 'utimensat', path)
}

export function futimens(fd: number, mtime: bigint): void {
  check(() => libc().futimens(fd, timesOf(mtime)), 'futimens')
}

/** Keeps others who ask for it out of the open file, until it is closed; false where somebody else does. */
export function tryLock(fd: number): boolean {
  if (libc().flock(fd, LOCK_EX | LOCK_NB) >= 0) return true
  const errno = errnoOfLastCall()
  if (errno === EAGAIN) return false
  throw new SystemError(errno, 'flock')
}

/** Offset of the first byte from `from` on that is on the disk; undefined where there is none. */
export function seekData(fd: number, from: number): number | undefined {
  return seek(fd, from, SEEK_DATA)
}

/** Offset of the first byte from `from` on that is not on the disk: at last the file's end. */
export function seekHole(fd: number, from: number): number | undefined {
  return seek(fd, from, SEEK_HOLE)
}

/** Makes `length` bytes at `toStart` of the file `to` share those at `fromStart` of `from`: whole blocks. */
export function cloneRange(
  from: number,
  fromStart: number,
  length: number,
  to: number,
  toStart: number,
): void {
  const range = BigInt64Array.of(BigInt(from), BigInt(fromStart), BigInt(length), BigInt(toStart))
  check(() => libc().ioctl(to, FICLONERANGE, range), 'ioctl')
}

const EMPTY_PATH = new Uint8Array(1)

function seek(fd: number, from: number, whence: number): number | undefined {
  const offset = libc().lseek(fd, from, whence)
  if (offset >= 0) return offset
  const errno = errnoOfLastCall()
  if (errno === ENXIO) return undefined
  throw new SystemError(errno, 'lseek')
}

/** Two `struct timespec`: the access is left as it is. */
function timesOf(mtime: bigint): BigInt64Array {
  const second = 1_000_000_000n
  const ns = ((mtime % second) + second) % second
  return BigInt64Array.of(0n, BigInt(UTIME_OMIT), (mtime - ns) / second, ns)
}

/** `makedev` of Linux. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (
    ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
  )
}
