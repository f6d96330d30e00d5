/** Absolute paths as bytes, of any length: what is longer than the system takes at once is gone down in steps. */

import { constants } from 'node:fs'
import { AT_FDCWD, close, O_PATH, openat } from './libc.js'

/** The system takes 4,095 bytes and a NUL. */
const MAX_STEP_BYTES = 4000

const SLASH = 0x2f

/** The path of `name` in the directory at `parent`. */
export function childPath(parent: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(parent.length + 1 + name.length)
  path.set(parent)
  path[parent.length] = SLASH
  path.set(name, parent.length + 1)
  return path
}

/** Whether the system takes `path`, with a name after it, as it is. */
export function isShortPath(path: Uint8Array): boolean {
  return path.length <= MAX_STEP_BYTES - 256
}

/** Opens the directory at `path`, which is no symlink itself. */
export function openDirectory(path: Uint8Array): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
  let dir = AT_FDCWD
  let start = 0
  try {
    while (path.length - start > MAX_STEP_BYTES) {
      const end = path.lastIndexOf(SLASH, start + MAX_STEP_BYTES)
      const next = openat(dir, path.slice(start, end), O_PATH | constants.O_DIRECTORY)
      if (dir !== AT_FDCWD) close(dir)
      dir = next
      start = end + 1
    }
    return openat(dir, path.slice(start), flags)
  } finally {
    if (dir !== AT_FDCWD) close(dir)
  }
}
