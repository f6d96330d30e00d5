/** A range of bytes as curl and HTTP write it: `0-99`, `100-`, `-500`. RFC 9110, section 14.1.2. */

import { Failure, UsageError } from './failure.js'

export interface ByteRange {
  /** As it was written. */
  readonly text: string
  /** First byte; undefined: as many bytes from the end as {@link last} says. */
  readonly first: number | undefined
  /** Last byte, inclusive; undefined: up to the end. */
  readonly last: number | undefined
}

/** Throws a UsageError where `text` is no range. */
export function parseByteRange(text: string): ByteRange {
  const [, firstText, lastText] = /^(\d*)-(\d*)$/.exec(text) ?? []
  if (firstText === undefined || lastText === undefined || text === '-') {
    throw new UsageError(`--range ${text}: not a range of bytes; write 0-99, 100- or -500`)
  }
  const first = offsetOf(firstText)
  const last = offsetOf(lastText)
  if (first !== undefined && last !== undefined && last < first) {
    throw new UsageError(`--range ${text}: the last byte is before the first; write ${last}-${first}`)
  }
  return { text, first, last }
}

/** The number, or the largest offset for those beyond: nothing is as long as either. */
function offsetOf(digits: string): number | undefined {
  return digits === '' ? undefined : Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}

/**
 * The part of a blob of `size` bytes that `range` asks for, `end` exclusive. What lies beyond the end is left
 * out; throws a Failure where nothing of the range can be satisfied.
 */
export function applyByteRange(
  range: ByteRange,
  size: number,
  object: string,
): { start: number; end: number } {
  const { text, first, last } = range
  if (first === undefined) {
    // A suffix of an empty blob is all of it.
    if (last !== 0) return { start: Math.max(size - last!, 0), end: size }
  } else if (first < size) {
    return { start: first, end: last === undefined ? size : Math.min(last + 1, size) }
  }
  const has = size === 0 ? 'is empty' : `has the bytes 0-${size - 1}`
  throw new Failure(`--range ${text} is outside ${object}, which ${has}`)
}
