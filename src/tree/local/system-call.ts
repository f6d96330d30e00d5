/**
 * How the system's own calls are made, which Node has no way to. The only file that knows koffi, by which libc is called.
 * All calls are synchronous, throw errors like Node's own and are made anew where a signal ends them.
 */

import { createRequire } from 'node:module'
import { getSystemErrorMap } from 'node:util'
import { UnsupportedPlatformError } from '../../errors.js'

/** A path: a string, or bytes where it may be no UTF-8. Bytes that end in NUL are handed over as they are. */
export type SystemPath = string | Uint8Array

/** The error of a call that a signal ended. */
export const EINTR = 4

/** The machine's order of bytes, in which the system fills structures. */
export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

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

export function libc(): Libc {
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

/** Why the last call failed. */
export function errnoOfLastCall(): number {
  return koffi!.errno()
}

/** Where `buffer` lies in memory. */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi!.address(buffer)
}

/** The result of `call`, which is made anew where a signal ended it; throws where it is below 0. */
export function check(call: () => number, syscall: string, path?: SystemPath): number {
  for (;;) {
    const result = call()
    if (result >= 0) return result
    const errno = koffi!.errno()
    if (errno !== EINTR) throw new SystemError(errno, syscall, path)
  }
}

/** `text` as C has it. */
export function c(text: SystemPath): Uint8Array {
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
