/** Names in lines: as they are for programs, bytes and all; fit for a terminal where it is one. */

import type { EntryName } from '../../tree/entry.js'
import { bytesOfName } from '../../tree/entry-name.js'
import { pathText } from '../../tree/tree-path.js'
import { printable } from '../printable.js'

/** `name` as it is written: to a terminal on one line, whatever is in it. */
export function shownName(name: EntryName, isTerminal: boolean): EntryName {
  return isTerminal ? printable(pathText(name)) : name
}

/** The parts one after the other; bytes where one of them is. */
export function joinLine(...parts: readonly EntryName[]): EntryName {
  return parts.every((part) => typeof part === 'string')
    ? parts.join('')
    : Buffer.concat(parts.map(bytesOfName))
}
