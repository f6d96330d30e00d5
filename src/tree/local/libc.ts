/**
 * The system's own calls, for what Node's fs has no way to: paths relative to an open directory, extended attributes,
 * times to the nanosecond, special files, holes, names of owners. The only file that knows koffi, by which libc is
 * called. All calls are synchronous, throw errors like Node's own and are made anew where a signal ends them.
 *
 * A path is a string, or bytes where it may be no UTF-8. Bytes that end in NUL are handed over as they are.
 */

import { constants } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorMap } from 'node:util'
import { UnsupportedPlatformError } from '../../errors.js'

export type SystemPath = string | Uint8Array

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
const EINTR = 4
const ENXIO = 6
const EAGAIN = 11
const ERANGE = 34
const ENODATA = 61
const EOPNOTSUPP = 95

const LOCK_EX = 2
const LOCK_NB = 4

const SEEK_DATA = 3
const SEEK_HOLE = 4

const FICLONERANGE = 0x4020940d

/** In place of a time: leave it as it is. */
const UTIME_OMIT = 0x3ffffffe

/** Bytes of a list of attributes, or of an attribute, that are tried first. */
const FIRST_XATTR_BYTES = 4096

/** An error of a system call, as Node's fs throws them. */
export class SystemError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path: SystemPath | undefined

  constructor(errno: number, syscall: string, path?: SystemPath) {
    const [code, text] = ERRORS.get(-errno) ?? [`E${errno}`, `error ${errno}`]
    super(`${code}: ${text}, ${syscall}${path === undefined ? '' : ` '${pathText(path)}'`}`)
    this.code = code
    this.errno = -errno
    this.syscall = syscall
    this.path = path
  }
}

const ERRORS = getSystemErrorMap()

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

/** The machine's order of bytes, in which the system fills structures. */
export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

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

/** Names of the extended attributes of `path`, of a symlink itself; none where the file system has no such. */
export function llistxattr(path: SystemPath): string[] {
  return xattrNames((into, size) => libc().llistxattr(c(path), into, size), 'llistxattr', path)
}

export function flistxattr(fd: number): string[] {
  return xattrNames((into, size) => libc().flistxattr(fd, into, size), 'flistxattr')
}

/** The attribute `name` of `path`, of a symlink itself; undefined where it has none. */
export function lgetxattr(path: SystemPath, name: string): Uint8Array | undefined {
  return xattrValue((into, size) => libc().lgetxattr(c(path), c(name), into, size), 'lgetxattr', path)
}

export function fgetxattr(fd: number, name: string): Uint8Array | undefined {
  return xattrValue((into, size) => libc().fgetxattr(fd, c(name), into, size), 'fgetxattr')
}

export function lsetxattr(path: SystemPath, name: string, value: Uint8Array): void {
  check(() => libc().lsetxattr(c(path), c(name), value, value.length, 0), 'lsetxattr', path)
}

export function fsetxattr(fd: number, name: string, value: Uint8Array): void {
  check(() => libc().fsetxattr(fd, c(name), value, value.length, 0), 'fsetxattr')
}

export function lremovexattr(path: SystemPath, name: string): void {
  check(() => libc().lremovexattr(c(path), c(name)), 'lremovexattr', path)
}

/** Of what `path` leads to, whatever stands in between. */
export function setxattr(path: SystemPath, name: string, value: Uint8Array): void {
  check(() => libc().setxattr(c(path), c(name), value, value.length, 0), 'setxattr', path)
}

/** Keeps others who ask for it out of the open file, until it is closed; false where somebody else does. */
export function tryLock(fd: number): boolean {
  if (libc().flock(fd, LOCK_EX | LOCK_NB) >= 0) return true
  const errno = koffi!.errno()
  if (errno === EAGAIN) return false
  throw new SystemError(errno, 'flock')
}

export function fremovexattr(fd: number, name: string): void {
  check(() => libc().fremovexattr(fd, c(name)), 'fremovexattr')
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

/** The user's name, as the system knows it; undefined where it knows none. */
export function userName(uid: number): string | undefined {
  return named((record, text, size, found) => libc().getpwuid_r(uid, record, text, size, found))?.name
}

export function groupName(gid: number): string | undefined {
  return named((record, text, size, found) => libc().getgrgid_r(gid, record, text, size, found))?.name
}

export function userId(name: string): number | undefined {
  return named((record, text, size, found) => libc().getpwnam_r(c(name), record, text, size, found))?.id
}

export function groupId(name: string): number | undefined {
  return named((record, text, size, found) => libc().getgrnam_r(c(name), record, text, size, found))?.id
}

/** What is called, by koffi's prototypes. */
const PROTOTYPES = {
  openat: 'int openat(int dir, const void *path, int flags, uint mode)',
  close: 'int close(int fd)',
  pread: 'long pread(int fd, void *into, size_t size, int64_t position)',
  pwrite: 'long pwrite(int fd, const void *from, size_t size, int64_t position)',
  ftruncate: 'int ftruncate(int fd, int64_t size)',
  fsync: 'int fsync(int fd)',
  statx: 'int statx(int dir, const void *path, int flags, uint mask, void *into)',
  getdents64: 'long getdents64(int dir, void *into, size_t size)',
  mkdirat: 'int mkdirat(int dir, const void *path, uint mode)',
  mkfifoat: 'int mkfifoat(int dir, const void *path, uint mode)',
  mknodat: 'int mknodat(int dir, const void *path, uint mode, uint64_t device)',
  symlinkat: 'int symlinkat(const void *target, int dir, const void *path)',
  readlinkat: 'long readlinkat(int dir, const void *path, void *into, size_t size)',
  linkat: 'int linkat(int fromDir, const void *from, int toDir, const void *to, int flags)',
  renameat: 'int renameat(int fromDir, const void *from, int toDir, const void *to)',
  unlinkat: 'int unlinkat(int dir, const void *path, int flags)',
  fchownat: 'int fchownat(int dir, const void *path, uint uid, uint gid, int flags)',
  fchown: 'int fchown(int fd, uint uid, uint gid)',
  fchmodat: 'int fchmodat(int dir, const void *path, uint mode, int flags)',
  fchmod: 'int fchmod(int fd, uint mode)',
  utimensat: 'int utimensat(int dir, const void *path, const void *times, int flags)',
  futimens: 'int futimens(int fd, const void *times)',
  llistxattr: 'long llistxattr(const void *path, void *into, size_t size)',
  flistxattr: 'long flistxattr(int fd, void *into, size_t size)',
  lgetxattr: 'long lgetxattr(const void *path, const void *name, void *into, size_t size)',
  fgetxattr: 'long fgetxattr(int fd, const void *name, void *into, size_t size)',
  lsetxattr: 'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  fsetxattr: 'int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)',
  setxattr: 'int setxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  flock: 'int flock(int fd, int operation)',
  lremovexattr: 'int lremovexattr(const void *path, const void *name)',
  fremovexattr: 'int fremovexattr(int fd, const void *name)',
  lseek: 'int64_t lseek(int fd, int64_t offset, int whence)',
  ioctl: 'int ioctl(int fd, ulong request, void *argument)',
  getpwuid_r: 'int getpwuid_r(uint uid, void *record, void *text, size_t size, void *found)',
  getgrgid_r: 'int getgrgid_r(uint gid, void *record, void *text, size_t size, void *found)',
  getpwnam_r: 'int getpwnam_r(const void *name, void *record, void *text, size_t size, void *found)',
  getgrnam_r: 'int getgrnam_r(const void *name, void *record, void *text, size_t size, void *found)',
} as const

type Argument = number | bigint | Uint8Array | BigInt64Array | BigUint64Array

/** The functions of {@link PROTOTYPES}, each made when it is first called. */
type Libc = Readonly<Record<keyof typeof PROTOTYPES, (...args: Argument[]) => number>>

interface Koffi {
  load(path: null): { func(prototype: string): (...args: Argument[]) => number }
  errno(): number
  address(buffer: Uint8Array): bigint
}

let koffi: Koffi | undefined
let loaded: Libc | undefined

function libc(): Libc {
  return (loaded ??= load())
}

/** Whether the system's calls can be made here; throws NOMSY_UNSUPPORTED_PLATFORM where not. */
export function checkPlatform(): void {
  libc()
}

function load(): Libc {
  if (process.platform !== 'linux') throw new UnsupportedPlatformError(process.platform)
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi
    const library = koffi.load(null)
    const functions = {}
    for (const [name, prototype] of Object.entries(PROTOTYPES)) {
      Object.defineProperty(functions, name, {
        configurable: true,
        get() {
          const value = library.func(prototype)
          Object.defineProperty(functions, name, { value })
          return value
        },
      })
    }
    return functions as Libc
  } catch (cause) {
    throw new UnsupportedPlatformError(`${process.platform}-${process.arch}`, { cause })
  }
}

/** The result of `call`, which is made anew where a signal ended it; throws where it is below 0. */
function check(call: () => number, syscall: string, path?: SystemPath): number {
  for (;;) {
    const result = call()
    if (result >= 0) return result
    const errno = koffi!.errno()
    if (errno !== EINTR) throw new SystemError(errno, syscall, path)
  }
}

const EMPTY_PATH = new Uint8Array(1)

/** `text` as C has it. */
function c(text: SystemPath): Uint8Array {
  if (typeof text === 'string') return Buffer.from(`${text}\0`)
  if (text[text.length - 1] === 0) return text
  const bytes = new Uint8Array(text.length + 1)
  bytes.set(text)
  return bytes
}

function pathText(path: SystemPath): string {
  if (typeof path === 'string') return path
  const end = path[path.length - 1] === 0 ? path.length - 1 : path.length
  return new TextDecoder().decode(path.subarray(0, end))
}

function xattrNames(
  list: (into: Uint8Array, size: number) => number,
  syscall: string,
  path?: SystemPath,
): string[] {
  const names = xattrBytes(list, syscall, path)
  if (names === undefined || names.length === 0) return []
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(names.subarray(0, -1)).split('\0')
}

function xattrValue(
  get: (into: Uint8Array, size: number) => number,
  syscall: string,
  path?: SystemPath,
): Uint8Array | undefined {
  return xattrBytes(get, syscall, path)?.slice()
}

const XATTR_BUFFER = new Uint8Array(FIRST_XATTR_BYTES)

/** What `get` fills, in memory that the next call uses again; undefined where there is no such, or can be none. */
function xattrBytes(
  get: (into: Uint8Array, size: number) => number,
  syscall: string,
  path?: SystemPath,
): Uint8Array | undefined {
  let buffer = XATTR_BUFFER
  for (;;) {
    const length = get(buffer, buffer.length)
    if (length >= 0) return buffer.subarray(0, length)
    const errno = koffi!.errno()
    if (errno === ERANGE) buffer = new Uint8Array(buffer.length * 4)
    else if (errno === ENODATA || errno === EOPNOTSUPP) return undefined
    else if (errno !== EINTR) throw new SystemError(errno, syscall, path)
  }
}

function seek(fd: number, from: number, whence: number): number | undefined {
  const offset = libc().lseek(fd, from, whence)
  if (offset >= 0) return offset
  const errno = koffi!.errno()
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

/** What is looked up in the system's lists of users or groups: the beginnings of their records are alike. */
function named(
  find: (record: Uint8Array, text: Uint8Array, size: number, found: BigUint64Array) => number,
): { readonly name: string; readonly id: number } | undefined {
  for (let size = 1024; size <= MAX_OWNER_BYTES; size *= 8) {
    const record = new Uint8Array(64)
    const text = new Uint8Array(size)
    const found = new BigUint64Array(1)
    const errno = find(record, text, size, found)
    if (errno === ERANGE || errno === EINTR) continue
    if (errno !== 0 || found[0] === 0n) return undefined
    // struct passwd, struct group: pointers to name and password, then the id.
    const view = new DataView(record.buffer)
    const start = Number(pointerAt(view, 0) - koffi!.address(text))
    const end = text.indexOf(0, start)
    if (start < 0 || start >= size || end < 0) return undefined
    const name = decodeName(text.subarray(start, end))
    return name === undefined ? undefined : { name, id: view.getUint32(2 * POINTER_BYTES, LITTLE_ENDIAN) }
  }
  return undefined
}

const MAX_OWNER_BYTES = 1024 * 1024

const POINTER_BYTES = ['arm', 'ia32', 'mipsel'].includes(process.arch) ? 4 : 8

function pointerAt(view: DataView, offset: number): bigint {
  if (POINTER_BYTES === 4) return BigInt(view.getUint32(offset, LITTLE_ENDIAN))
  return view.getBigUint64(offset, LITTLE_ENDIAN)
}

function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
