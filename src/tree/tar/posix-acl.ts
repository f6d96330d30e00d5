/**
 * ACLs as archives carry them, in words (`user:1000:rw-`), and as the system does, in the bytes of an extended attribute:
 * a version, and for each entry a tag, permissions and an id, all little-endian.
 */

const VERSION = 2
const HEADER_BYTES = 4
const ENTRY_BYTES = 8

/** In place of an id, for entries that are about nobody in particular. */
const NO_ID = 0xffffffff

const TAGS = { userObject: 0x01, user: 0x02, groupObject: 0x04, group: 0x08, mask: 0x10, other: 0x20 }

/** Finds the numbers of names; undefined where there is no such name. */
export interface AclNames {
  user(name: string): number | undefined
  group(name: string): number | undefined
}

/** The ACL in words; undefined where the bytes are none. */
export function aclText(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isAcl =
    bytes.length >= HEADER_BYTES &&
    (bytes.length - HEADER_BYTES) % ENTRY_BYTES === 0 &&
    view.getUint32(0, true) === VERSION
  if (!isAcl) return undefined
  const lines: string[] = []
  for (let at = HEADER_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    const permissions = view.getUint16(at + 2, true)
    const id = view.getUint32(at + 4, true)
    const what = wordsOf(view.getUint16(at, true), id)
    if (what === undefined || permissions > 7) return undefined
    lines.push(
      what + ['r', 'w', 'x'].map((letter, bit) => (permissions & (4 >> bit) ? letter : '-')).join(''),
    )
  }
  return lines.join('\n')
}

function wordsOf(tag: number, id: number): string | undefined {
  switch (tag) {
    case TAGS.userObject:
      return 'user::'
    case TAGS.user:
      return `user:${id}:`
    case TAGS.groupObject:
      return 'group::'
    case TAGS.group:
      return `group:${id}:`
    case TAGS.mask:
      return 'mask::'
    case TAGS.other:
      return 'other::'
    default:
      return undefined
  }
}

/** The bytes of an ACL in words; undefined where it is none, or names somebody unknown. */
export function aclBytes(text: string, names: AclNames): Uint8Array | undefined {
  const entries: [tag: number, permissions: number, id: number][] = []
  for (const line of text.split(/[\n,]/)) {
    const words = line.replace(/#.*/, '').trim()
    if (words === '') continue
    const match = /^(user|u|group|g|mask|m|other|o):([^:]*):([r-][w-][x-])(?::(\d+))?$/.exec(words)
    if (match === null) return undefined
    const [, kind, who, letters, number] = match
    const permissions = [...letters!].reduce((sum, letter, bit) => sum + (letter === '-' ? 0 : 4 >> bit), 0)
    const isUser = kind![0] === 'u'
    const isGroup = kind![0] === 'g'
    if (who === '' || (!isUser && !isGroup)) {
      const tag = isUser
        ? TAGS.userObject
        : isGroup
          ? TAGS.groupObject
          : kind![0] === 'm'
            ? TAGS.mask
            : TAGS.other
      entries.push([tag, permissions, NO_ID])
      continue
    }
    const id = idOf(who!, number, isUser ? names.user : names.group)
    if (id === undefined) return undefined
    entries.push([isUser ? TAGS.user : TAGS.group, permissions, id])
  }
  if (entries.length === 0) return undefined
  entries.sort(([a, , x], [b, , y]) => a - b || x - y)
  const bytes = new Uint8Array(HEADER_BYTES + entries.length * ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, VERSION, true)
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES
    view.setUint16(at, tag, true)
    view.setUint16(at + 2, permissions, true)
    view.setUint32(at + 4, id, true)
  }
  return bytes
}

function idOf(
  who: string,
  number: string | undefined,
  find: (name: string) => number | undefined,
): number | undefined {
  const digits = /^\d{1,10}$/.test(who) ? who : undefined
  const id =
    digits === undefined ? (find(who) ?? (number === undefined ? undefined : Number(number))) : Number(digits)
  return id !== undefined && id < NO_ID ? id : undefined
}
