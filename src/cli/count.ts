/** Counts and positions on the command line: digits only, up to 2^53-1. */

import { UsageError } from './failure.js'

/** The count that `text` spells; `what` is the option in the message of the UsageError. */
export function parseCount(what: string, text: string): number {
  if (/^\d+$/.test(text)) return parsePosition(what, text)
  throw new UsageError(`${what}: '${text}' is not a number; write digits only`)
}

/** As {@link parseCount}, or negative, from the end. */
export function parsePosition(what: string, text: string): number {
  const position = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(position)) return position
  throw new UsageError(`${what}: '${text}' is not a position; write 0 for the first, -1 for the last`)
}
