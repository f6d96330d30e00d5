/**
 * Makes segments readable of which the disk cannot read some sectors: each is copied, with zeros where it cannot be read,
 * and the copy takes its place. The file as it was is kept beside it, as `00000002.bad`: what cannot be read today may be
 * read another day, by another machine. SPEC "Repair".
 */

import { type File, type FileSystem, readFully, writeFully } from './file-system.js'
import type { Stretch } from './log-check.js'
import { hasCode, listSegments, segmentFile, segmentsDir } from './store-format.js'

/** Bytes read in one go, and where that fails, those read by themselves: a page, of which the system reads all. */
const PIECE_BYTES = 1024 * 1024
const PAGE_BYTES = 4096

/** Whether `error` says that the disk cannot read something. */
export function isUnreadable(error: unknown): boolean {
  return hasCode(error, 'EIO')
}

/** Replaces what cannot be read in segments of the store at `path`. Tells what, in words. */
export async function rescueSegments(
  fs: FileSystem,
  path: string,
  onMended: (message: string) => void,
): Promise<void> {
  for (const segment of await listSegments(fs, path)) {
    const name = segmentFile(path, segment)
    const unreadable = await copyReadable(fs, name, segment)
    if (unreadable.length === 0) continue
    await fs.syncDir(segmentsDir(path))
    await fs.rename(name, badName(name))
    await fs.syncDir(segmentsDir(path))
    await takePlaces(fs, path)
    let sum = 0
    for (const { start, end } of unreadable) sum += end - start
    const places = unreadable.map(({ start, end }) => `${start}-${end - 1}`).join(', ')
    onMended(
      `${name}: ${sum} bytes cannot be read, and are taken for damage: ${places}; the file as it was is kept as ${badName(name)}`,
    )
  }
}

/** Gives copies their place where that was interrupted: the segments that they are of stand aside already. */
export async function takePlaces(fs: FileSystem, path: string): Promise<void> {
  const names = await fs.readDir(segmentsDir(path))
  for (const name of names.filter((name) => /^\d{8}\.copy$/.test(name))) {
    const segment = Number.parseInt(name, 10)
    const file = segmentFile(path, segment)
    if (!names.includes(`${name.slice(0, 8)}.seg`)) await fs.rename(copyName(file), file)
    else await fs.remove(copyName(file))
  }
  await fs.syncDir(segmentsDir(path))
}

/** Copies a segment of which something cannot be read; what that is. Nothing is copied where that is nothing. */
async function copyReadable(fs: FileSystem, name: string, segment: number): Promise<Stretch[]> {
  const file = await fs.open(name, 'read')
  try {
    if (await isReadable(file)) return []
    const copy = await fs.create(copyName(name))
    try {
      const unreadable = await copyPieces(file, copy, segment)
      await copy.sync()
      return unreadable
    } finally {
      await copy.close()
    }
  } finally {
    await file.close()
  }
}

async function isReadable(file: File): Promise<boolean> {
  const piece = new Uint8Array(PIECE_BYTES)
  const size = await file.size()
  for (let at = 0; at < size; at += piece.length) {
    if (!(await canRead(file, piece, at))) return false
  }
  return true
}

async function copyPieces(file: File, copy: File, segment: number): Promise<Stretch[]> {
  const unreadable: { segment: number; start: number; end: number }[] = []
  const size = await file.size()
  const piece = new Uint8Array(PIECE_BYTES)
  for (let start = 0; start < size; start += piece.length) {
    const bytes = piece.subarray(0, size - start)
    if (!(await canRead(file, bytes, start))) {
      for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
        const page = bytes.subarray(at, at + PAGE_BYTES)
        if (await canRead(file, page, start + at)) continue
        page.fill(0)
        const last = unreadable.at(-1)
        if (last?.end === start + at) last.end += page.length
        else unreadable.push({ segment, start: start + at, end: start + at + page.length })
      }
    }
    await writeFully(copy, [bytes], start)
  }
  return unreadable
}

async function canRead(file: File, bytes: Uint8Array, at: number): Promise<boolean> {
  try {
    await readFully(file, bytes, at)
    return true
  } catch (error) {
    if (isUnreadable(error)) return false
    throw error
  }
}

const copyName = (name: string): string => name.replace(/seg$/, 'copy')
const badName = (name: string): string => name.replace(/seg$/, 'bad')
