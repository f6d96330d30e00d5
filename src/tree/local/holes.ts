/** Stretches of a file that are not on the disk. */

import { seekData, seekHole } from './libc.js'

/** Offset and length of each hole in the first `size` bytes of an open file, one after the other, rising. */
export function* holesIn(fd: number, size: number): Generator<number> {
  for (let at = 0; at < size; ) {
    const start = seekHole(fd, at) ?? size
    if (start >= size) return
    const end = Math.min(seekData(fd, start) ?? size, size)
    // Whoever fills the hole meanwhile is noticed elsewhere.
    if (end > start) {
      yield start
      yield end - start
    }
    at = Math.max(end, start + 1)
  }
}
