/** What figures were measured on, and what has to hold before measuring. */

import { open, rm, statfs } from 'node:fs/promises'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { generated } from './input.js'

const WARM_UP_BYTES = 2 ** 30

/** The machine, for the head of a report. */
export function machine(): Record<string, string> {
  return {
    machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  }
}

/** Throws where `directory` has less room than `bytes`; says what there is. */
export async function needRoom(directory: string, bytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(directory)
  const words = `up to ${gib(bytes)} GiB of room needed in ${directory}, ${gib(bavail * bsize)} GiB free`
  if (bavail * bsize < bytes) throw new Error(`${words}: make room, or name another place with --dir`)
  return words
}

/**
 * Writes a GiB and deletes it: the first one that a fresh virtual machine writes costs it seconds of processor time,
 * which would go to whoever comes first.
 */
export async function warmUpDisk(directory: string): Promise<void> {
  const path = join(directory, 'warm-up')
  const file = await open(path, 'wx')
  try {
    for await (const piece of generated(WARM_UP_BYTES, 'warm-up').pieces()) await file.write(piece)
    await file.sync()
  } finally {
    await file.close()
    await rm(path)
  }
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1)
}
