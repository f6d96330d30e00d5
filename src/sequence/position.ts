/** Positions in a sequence, as callers give them. */

/** Throws a RangeError where `value` is no integer from 0 to `most`. */
export function checkIndex(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > most) {
    throw new RangeError(`${name} is ${value}; it must be an integer from 0 to ${most}`)
  }
}

/** A position as Array.slice and Blob.slice take it: negative from the end, then within the length. */
export function clampPosition(position: number, length: number): number {
  const whole = Math.trunc(position) || 0
  return whole < 0 ? Math.max(length + whole, 0) : Math.min(whole, length)
}
