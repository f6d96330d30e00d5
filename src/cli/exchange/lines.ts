/** Text in lines as it comes, in pieces of bytes: in bounded memory, and with every line's number. */

import { isUtf8 } from 'node:buffer'
import { NotationError } from '../values/notation-error.js'

/** Most bytes of a line or record. An item of a collection has at most 1 MiB, however it is spelled. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** Whole lines, UTF-8, the first of which is number `firstLine` (from 1) of the text. */
export interface Lines {
  readonly bytes: Buffer
  readonly firstLine: number
}

/**
 * The lines in `pieces`, as many at a time as there are. Only the last of all may lack its end. Throws a NotationError
 * where a line is too long or no text in UTF-8.
 */
export async function* linesIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Lines> {
  let firstLine = 1
  let isStart = true
  /** The beginning of a line whose end has not come yet, in pieces, and how many bytes that is. */
  let begun: Uint8Array[] = []
  let begunBytes = 0
  const ended = (end: Uint8Array): Lines => {
    let bytes = Buffer.concat([...begun, end])
    if (isStart && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3)
    isStart = false
    checkText(bytes, firstLine)
    const lines = { bytes, firstLine }
    firstLine += countNewlines(bytes)
    return lines
  }
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(NEWLINE) + 1
    if (begunBytes + end > MAX_LINE_BYTES) throw tooLong(firstLine)
    if (end > 0) {
      yield ended(piece.subarray(0, end))
      begun = []
      begunBytes = 0
    }
    begun.push(piece.subarray(end))
    begunBytes += piece.length - end
    if (begunBytes > MAX_LINE_BYTES) throw tooLong(firstLine)
  }
  if (begunBytes > 0) yield ended(new Uint8Array(0))
}

export function countNewlines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}

function tooLong(line: number): NotationError {
  return new NotationError('longer than 16 MiB; an item has at most 1 MiB', line)
}

function checkText(bytes: Buffer, firstLine: number): void {
  if (isUtf8(bytes)) return
  // No character in UTF-8 has the byte of a newline in it.
  let line = firstLine
  for (let start = 0; ; line++) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    if (!isUtf8(bytes.subarray(start, end))) break
    start = end + 1
  }
  throw new NotationError('is no text in UTF-8', line)
}
