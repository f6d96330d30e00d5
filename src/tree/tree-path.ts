/**
 * Paths from a directory to what is in it, and below: names parted by `/`, none of them empty. A path is text, or bytes
 * where a name in it is no UTF-8, or the names one by one.
 */

import { sameBytes } from '../encoding/byte-order.js'
import type { EntryName } from './entry.js'
import { bytesOfName, isUtf8, nameOf, whyNoName } from './entry-name.js'

export type TreePath = EntryName | readonly EntryName[]

const SLASH = 0x2f

/** The names of `path`; none of the empty path, which is the directory itself. Throws a RangeError where it is no path. */
export function namesOf(path: TreePath): EntryName[] {
  const names = partsOf(path)
  for (const name of names) {
    const why = whyNoName(name)
    if (why !== undefined) throw new RangeError(`${pathText(path)} is no path: ${pathText(name)}: ${why}`)
  }
  return names
}

/** Why `path` is not that of an entry; undefined if it is. */
export function whyNoPath(path: EntryName): string | undefined {
  if (typeof path !== 'string' && isUtf8(path)) return 'its bytes are UTF-8, so that it must be text'
  for (const name of partsOf(path)) {
    const why = whyNoName(name)
    if (why !== undefined) return why
  }
  return path.length === 0 ? 'it is empty' : undefined
}

/** The path of `name` in the directory at `parent`. */
export function joinPath(parent: EntryName, name: EntryName): EntryName {
  if (parent.length === 0) return name
  if (typeof parent === 'string' && typeof name === 'string') return `${parent}/${name}`
  const [head, tail] = [bytesOfName(parent), bytesOfName(name)]
  const joined = new Uint8Array(head.length + 1 + tail.length)
  joined.set(head)
  joined[head.length] = SLASH
  joined.set(tail, head.length + 1)
  return joined
}

/** The last name of `path`. */
export function lastName(path: EntryName): EntryName {
  if (typeof path === 'string') return path.slice(path.lastIndexOf('/') + 1)
  return nameOf(path.slice(path.lastIndexOf(SLASH) + 1))
}

/** Whether `path` leads through the directory at `parent`. */
export function isUnder(path: EntryName, parent: EntryName): boolean {
  if (typeof path === 'string') return typeof parent === 'string' && path.startsWith(`${parent}/`)
  const bytes = bytesOfName(parent)
  return path[bytes.length] === SLASH && sameBytes(path.subarray(0, bytes.length), bytes)
}

/** `path` as a key of maps and sets: other paths have other keys. */
export function pathKey(path: EntryName): string {
  // No name holds a NUL.
  return typeof path === 'string' ? path : `\0${latin1(path)}`
}

/** `path` for people; what is no UTF-8 in it shows as the replacement character. */
export function pathText(path: TreePath): string {
  if (typeof path === 'string') return path
  if (path instanceof Uint8Array) return new TextDecoder().decode(path)
  return path.map(pathText).join('/')
}

function partsOf(path: TreePath): EntryName[] {
  if (path.length === 0) return []
  if (typeof path === 'string') return path.split('/')
  if (!(path instanceof Uint8Array))
    return path.map((name) => (name instanceof Uint8Array ? nameOf(name) : name))
  const names: EntryName[] = []
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf(SLASH, start)
    const end = slash < 0 ? path.length : slash
    names.push(nameOf(path.slice(start, end)))
    start = end + 1
  }
  return names
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
