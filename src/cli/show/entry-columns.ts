/** What is known of an entry besides its name, in columns as those of `ls -l`. */

import type { Attributes, Entry } from '../../tree/entry.js'
import { printable } from '../printable.js'

/** First characters of `ls -l`. */
const TYPE_CHARS: Readonly<Record<Entry['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  char: 'c',
  block: 'b',
}

type Row = readonly [mode: string, user: string, group: string, size: string, time: string]

/** As wide as the widest of the rows made so far. */
export class Columns {
  readonly #widths = [0, 1, 1, 1, 1]

  rowOf(entry: Entry): Row {
    const row: Row = [
      TYPE_CHARS[entry.type] + modeText(entry),
      printable(entry.user ?? String(entry.uid ?? '-')),
      printable(entry.group ?? String(entry.gid ?? '-')),
      sizeText(entry),
      entry.mtime === undefined ? '-' : minuteText(entry.mtime),
    ]
    for (let column = 0; column < row.length; column++)
      if (row[column]!.length > this.#widths[column]!) this.#widths[column] = row[column]!.length
    return row
  }

  textOf([mode, user, group, size, time]: Row): string {
    const [modeWidth, userWidth, groupWidth, sizeWidth, timeWidth] = this.#widths
    const owner = `${user.padEnd(userWidth!)}  ${group.padEnd(groupWidth!)}`
    return `${mode.padEnd(modeWidth!)}  ${owner}  ${size.padStart(sizeWidth!)}  ${time.padEnd(timeWidth!)}`
  }
}

/** `rwxr-xr-x`, with set-id and sticky bits; question marks where the mode is not recorded. */
export function modeText({ mode, executable }: Attributes): string {
  if (mode === undefined) return executable === true ? '??x??????' : '?????????'
  const three = (shift: number, special: number, letter: string): string => {
    const bits = mode >> shift
    const isSpecial = (mode & special) !== 0
    const execute = bits & 1 ? (isSpecial ? letter : 'x') : isSpecial ? letter.toUpperCase() : '-'
    return (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-') + execute
  }
  return three(6, 0o4000, 's') + three(3, 0o2000, 's') + three(0, 0o1000, 't')
}

function sizeText(entry: Entry): string {
  if (entry.type === 'file') return String(entry.size)
  return entry.type === 'char' || entry.type === 'block' ? entry.device.join(', ') : '-'
}

/** To the minute, in UTC. */
function minuteText(mtime: bigint): string {
  const date = new Date(Number(mtime / 1_000_000n))
  return date.toISOString().slice(0, -8).replace('T', ' ')
}
