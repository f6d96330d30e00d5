/** Extended attributes, read and set by the system's own calls. */

import { c, check, EINTR, errnoOfLastCall, libc, SystemError, type SystemPath } from './system-call.js'

/** Numbers of errors that callers look for. */
const ERANGE = 34
const ENODATA = 61
const EOPNOTSUPP = 95

/** Bytes of a list of attributes, or of an attribute, that are tried first. */
const FIRST_XATTR_BYTES = 4096

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

export function fremovexattr(fd: number, name: string): void {
  check(() => libc().fremovexattr(fd, c(name)), 'fremovexattr')
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
    const errno = errnoOfLastCall()
    if (errno === ERANGE) buffer = new Uint8Array(buffer.length * 4)
    else if (errno === ENODATA || errno === EOPNOTSUPP) return undefined
    else if (errno !== EINTR) throw new SystemError(errno, syscall, path)
  }
}
