/**
 * Sets what was recorded of a file or directory that is open: the owner first, since a change of owner takes away setuid
 * bits and capabilities, then extended attributes, which a file that is read-only would refuse, the mode and last the
 * time. A file is never setuid or setgid for an owner that it was not meant to have.
 */

import { type FileAttributes, KEEP_OWNER } from './file-table.js'
import { fchmod, fchown, futimens } from './libc.js'
import { flistxattr, fremovexattr, fsetxattr } from './xattr-calls.js'

/** What could not be set, and why. */
export interface AttributeFailure {
  readonly what: string
  readonly error: NodeJS.ErrnoException
}

/** Which extended attributes were recorded: those that a file has and that were not are strange to it. */
export interface StrangeXattrs {
  readonly xattrs: boolean
  readonly acls: boolean
  readonly capabilities: boolean
}

/** Whether an attribute that is there and was not recorded is to be removed. */
export function isStrangeXattr(kinds: StrangeXattrs): (name: string) => boolean {
  return (name) => {
    if (name.startsWith('system.posix_acl_')) return kinds.acls
    if (name === 'security.capability') return kinds.capabilities
    return kinds.xattrs && name.startsWith('user.')
  }
}

const SETUID_SETGID = 0o6000

export interface SetOptions {
  /** Whether it has the mode already. */
  readonly hasMode?: boolean
  /** Attributes of these that it has and that were not recorded are removed. */
  readonly isStrange?: ((name: string) => boolean) | undefined
}

export function setAttributes(
  fd: number,
  { mode, uid, gid, mtime, xattrs }: FileAttributes,
  { hasMode = false, isStrange }: SetOptions = {},
): AttributeFailure[] {
  const failures: AttributeFailure[] = []
  const tried = (what: string, set: () => void): boolean => {
    try {
      set()
      return true
    } catch (error) {
      failures.push({ what, error: error as NodeJS.ErrnoException })
      return false
    }
  }
  const isOwned = (uid === KEEP_OWNER && gid === KEEP_OWNER) || tried('owner', () => fchown(fd, uid, gid))
  if (isStrange !== undefined) {
    for (const name of flistxattr(fd)) {
      if (isStrange(name) && (xattrs === undefined || !Object.hasOwn(xattrs, name)))
        tried(`extended attribute ${name}`, () => fremovexattr(fd, name))
    }
  }
  if (xattrs !== undefined) {
    for (const [name, value] of Object.entries(xattrs)) {
      // Capabilities are for the owner that was meant, as setuid bits are.
      if (!isOwned && name === 'security.capability') continue
      tried(`extended attribute ${name}`, () => fsetxattr(fd, name, value))
    }
  }
  if (!hasMode || !isOwned) tried('mode', () => fchmod(fd, isOwned ? mode : mode & ~SETUID_SETGID))
  if (mtime !== undefined) tried('time', () => futimens(fd, mtime))
  return failures
}
