/**
 * A tree as the text that BSD's mtree and bsdtar read (mtree(5)): a line for each path, and after it what is known of
 * it. Of hard links each is a file of its own there, and there are no extended attributes.
 */

import type { DirectoryEntry, Entry, EntryName } from '../../tree/entry.js'
import { bytesOfName } from '../../tree/entry-name.js'

export const MTREE_SIGNATURE = '#mtree'

const NS = 1_000_000_000n

/** Printable ASCII that means nothing to those who read it: no `#`, `*`, `=`, `?`, `[`, `\`. */
const PLAIN_TEXT = /^[!"$-)+-<>@-Z\]-~]*$/

const TYPES: Readonly<Record<Entry['type'], string>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'link',
  fifo: 'fifo',
  socket: 'socket',
  char: 'char',
  block: 'block',
}

/** The line of the directory that all paths begin at. */
export function mtreeTop(entry: DirectoryEntry): string {
  return `.${keywords(entry)}`
}

/** `digest` is the SHA-256 of the content in hex. */
export function mtreeLine(path: EntryName, entry: Entry, digest?: string): string {
  return `./${visText(path)}${keywords(entry)}${digest === undefined ? '' : ` sha256digest=${digest}`}`
}

function keywords(entry: Entry): string {
  const { type, mode, uid, gid, user, group, mtime } = entry
  let text = ` type=${TYPES[type]}`
  if (mode !== undefined) text += ` mode=${mode.toString(8).padStart(4, '0')}`
  if (uid !== undefined) text += ` uid=${uid}`
  if (gid !== undefined) text += ` gid=${gid}`
  if (user !== undefined) text += ` uname=${visText(user)}`
  if (group !== undefined) text += ` gname=${visText(group)}`
  if (type === 'file') text += ` size=${entry.size}`
  if (mtime !== undefined) text += ` time=${timeText(mtime)}`
  if (type === 'symlink') text += ` link=${visText(entry.target)}`
  if (type === 'char' || type === 'block') text += ` device=native,${entry.device.join()}`
  return text
}

/** Seconds, rounded down, and after the point the nanoseconds that come on top. */
function timeText(ns: bigint): string {
  const rest = ((ns % NS) + NS) % NS
  return `${(ns - rest) / NS}.${String(rest).padStart(9, '0')}`
}

/** As vis(3) writes it with VIS_OCTAL: bytes that mean something, or nothing to people, as `\ooo`. */
function visText(name: EntryName): string {
  if (typeof name === 'string' && PLAIN_TEXT.test(name)) return name
  let text = ''
  for (const byte of bytesOfName(name)) {
    const character = String.fromCharCode(byte)
    text += PLAIN_TEXT.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`
  }
  return text
}
