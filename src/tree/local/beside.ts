/**
 * Names beside a file's own for what is not whole yet, and what programs have left under such names that were killed.
 */

import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes of a name that are kept, so that there is room for more in the 255 that a name may have. */
const MAX_STEM_BYTES = 200

/** What is older is nobody's any more. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000

/** The beginning of `name` that leaves room for an ending; no character is cut in two. */
export function stemOf(name: string): string {
  const bytes = Buffer.from(name).subarray(0, MAX_STEM_BYTES)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
}

/**
 * Removes files in `directory` that nobody has written to for a day, and that are called `start`, hexadecimal digits and
 * `end`. What cannot be removed stays.
 */
export function removeAbandoned(directory: string, start: string, end: string): void {
  try {
    for (const name of readdirSync(directory)) {
      if (!name.startsWith(start) || !name.endsWith(end)) continue
      if (!/^[0-9a-f]+$/.test(name.slice(start.length, name.length - end.length))) continue
      const path = join(directory, name)
      const stats = statSync(path)
      if (stats.isFile() && Date.now() - stats.mtimeMs > MAX_AGE_MS) rmSync(path)
    }
  } catch {
    // Whoever writes there is told what is wrong.
  }
}
