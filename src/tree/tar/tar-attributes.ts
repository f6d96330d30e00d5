/** What a member of an archive says of a file besides its bytes, as an entry has it. */

import { type Attributes, inTimeRange, type Kind } from '../entry.js'
import { type AclNames, aclBytes } from './posix-acl.js'
import type { PaxRecords, TarMember } from './read-tar.js'

const XATTR = 'SCHILY.xattr.'
const ACL = 'SCHILY.acl.'

/** Bytes of an ACL of three entries: of owner, group and others. */
const MODE_ACL_BYTES = 28

/** Those of the attributes that are among `kinds`. */
export function attributesOf(member: TarMember, kinds: readonly Kind[], names: AclNames): Attributes {
  const { type, mode, uid, gid, user, group, mtime, pax } = member
  const has = (kind: Kind): boolean => kinds.includes(kind)
  const [userName, groupName] = [textIn(user), textIn(group)]
  const xattrs = xattrsIn(pax, has, names)
  return {
    ...(has('mode') && type !== 'symlink' && { mode }),
    ...(has('owner') && { uid, gid }),
    ...(has('names') && userName !== undefined && { user: userName }),
    ...(has('names') && groupName !== undefined && { group: groupName }),
    ...(has('mtime') && { mtime: inTimeRange(mtime) }),
    ...(Object.keys(xattrs).length > 0 && { xattrs }),
  }
}

function xattrsIn(
  pax: PaxRecords,
  has: (kind: Kind) => boolean,
  names: AclNames,
): Readonly<Record<string, Uint8Array>> {
  const xattrs: Record<string, Uint8Array> = Object.create(null)
  for (const [key, value] of pax) {
    if (key.startsWith(XATTR)) {
      const name = key.slice(XATTR.length).replaceAll('%3D', '=').replaceAll('%25', '%')
      if (has(kindOf(name))) xattrs[name] = value
    } else if (key.startsWith(ACL) && has('acls')) {
      const bytes = aclBytes(textIn(value) ?? '', names)
      // What says no more than the mode does is no attribute on the disk either.
      const isMode = key === `${ACL}access` && bytes?.length === MODE_ACL_BYTES
      if (bytes !== undefined && !isMode) xattrs[`system.posix_acl_${key.slice(ACL.length)}`] = bytes
    }
  }
  return xattrs
}

function kindOf(xattr: string): Kind {
  if (xattr.startsWith('system.posix_acl_')) return 'acls'
  return xattr === 'security.capability' ? 'capabilities' : 'xattrs'
}

/** The text in `bytes`; undefined where it is none. */
function textIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
