/** Which extended attributes are recorded, and reading them. */

import type { Kind } from '../entry.js'
import type { Xattrs } from './packed-entry.js'
import type { SystemPath } from './system-call.js'
import { fgetxattr, flistxattr, lgetxattr, llistxattr } from './xattr-calls.js'

const ACL_PREFIX = 'system.posix_acl_'
const CAPABILITY = 'security.capability'

/** Kinds that are stored as extended attributes. */
const XATTR_KINDS: readonly Kind[] = ['acls', 'capabilities', 'xattrs']

/** Whether any attributes are recorded. */
export function recordsXattrs(kinds: readonly Kind[]): boolean {
  return XATTR_KINDS.some((kind) => kinds.includes(kind))
}

/** The attributes of `path`, of a symlink itself, that are recorded; undefined if there are none. */
export function xattrsAt(path: SystemPath, kinds: readonly Kind[]): Xattrs | undefined {
  return recorded(llistxattr(path), kinds, (name) => lgetxattr(path, name))
}

/** The same of an open file. */
export function xattrsOf(fd: number, kinds: readonly Kind[]): Xattrs | undefined {
  return recorded(flistxattr(fd), kinds, (name) => fgetxattr(fd, name))
}

function recorded(
  names: readonly string[],
  kinds: readonly Kind[],
  get: (name: string) => Uint8Array | undefined,
): Xattrs | undefined {
  let xattrs: Record<string, Uint8Array> | undefined
  for (const name of names) {
    if (!kinds.includes(kindOf(name))) continue
    const value = get(name)
    if (value === undefined) continue
    xattrs ??= Object.create(null) as Record<string, Uint8Array>
    xattrs[name] = value
  }
  return xattrs
}

function kindOf(name: string): Kind {
  if (name.startsWith(ACL_PREFIX)) return 'acls'
  return name === CAPABILITY ? 'capabilities' : 'xattrs'
}
