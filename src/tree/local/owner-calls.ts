/** Users and groups, looked up by the system's own calls: by number and by name. */

import { addressOf, c, EINTR, LITTLE_ENDIAN, libc } from './system-call.js'

/** The memory that was given is too small. */
const ERANGE = 34

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
    const start = Number(pointerAt(view, 0) - addressOf(text))
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
