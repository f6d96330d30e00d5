/** What differs between two small text files, as the hunks that patch(1) and git take. */

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Directory } from '../../tree/directory.js'
import type { Entry, EntryName } from '../../tree/entry.js'
import { bytesOfName } from '../../tree/entry-name.js'
import { pathText } from '../../tree/tree-path.js'

/** Bytes of a file whose lines are compared. */
const MAX_TEXT_BYTES = 1024 * 1024

/** Texts that have less in common than this finds are told to differ, and no more. */
const TIMEOUT_MS = 2000

/** The bytes of the file at a path; undefined where they cannot be had. */
export type ReadFile = (path: EntryName) => Promise<Uint8Array | undefined>

/** Files as they are stored. */
export function readerIn(directory: Directory): ReadFile {
  return async (path) => (await directory.blob(path)).bytes()
}

/** Files of a directory on disk, as they are now. */
export function readerOnDisk(top: string): ReadFile {
  return async (path) => {
    const place = Buffer.concat([Buffer.from(`${top}/`), bytesOfName(path)])
    // What was a file may be anything by now.
    const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
      () => undefined,
    )
    if (file === undefined) return undefined
    try {
      const stats = await file.stat()
      return stats.isFile() && stats.size <= MAX_TEXT_BYTES ? await file.readFile() : undefined
    } finally {
      await file.close()
    }
  }
}

export interface PatchSide {
  readonly path: EntryName
  /** Undefined where there is none on this side. */
  readonly entry: Entry | undefined
  readonly read: ReadFile
}

/** Undefined where a side is no small text file, or they have too little in common. */
export async function textPatch(before: PatchSide, after: PatchSide): Promise<string | undefined> {
  const from = await textOf(before)
  const to = from === undefined ? undefined : await textOf(after)
  if (from === undefined || to === undefined) return undefined
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff')
  const name = ({ path, entry }: PatchSide, prefix: string): string =>
    entry === undefined ? '/dev/null' : `${prefix}/${pathText(path)}`
  const patch = createTwoFilesPatch(name(before, 'a'), name(after, 'b'), from, to, undefined, undefined, {
    context: 3,
    timeout: TIMEOUT_MS,
    headerOptions: FILE_HEADERS_ONLY,
  })
  // Of a file with nothing in it that comes or goes there are no lines to show.
  return patch?.includes('\n@@ ') ? patch : undefined
}

async function textOf({ path, entry, read }: PatchSide): Promise<string | undefined> {
  if (entry === undefined) return ''
  if (entry.type !== 'file' || entry.size > MAX_TEXT_BYTES) return undefined
  const bytes = await read(path)
  if (bytes === undefined || bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
