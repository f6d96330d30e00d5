/** Numbers of bytes and offsets on the command line: digits only, up to 2^53-1. */

import { UsageError } from './failure.js'

/** The number that `text` spells; `what` is the option in the message of the UsageError. */
export function parseByteCount(what: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new UsageError(`${what}: '${text}' is not a number of bytes; write digits only`)
  }
  const count = Number(text)
  if (!Number.isSafeInteger(count)) {
    throw new UsageError(`${what}: ${text} is too large; the largest offset is ${Number.MAX_SAFE_INTEGER}`)
  }
  return count
}
