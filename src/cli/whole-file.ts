/**
 * Writes a file whole or not at all: to a temporary file beside it, which takes its place once it is complete and
 * on the disk.
 */

import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { removeAbandoned, stemOf } from '../tree/local/beside.js'
import { Failure, failureAt } from './failure.js'
import { writeSlabs } from './slabs.js'

/**
 * Writes the bytes of `pieces` to `path`. Where it is a link, what it points to is replaced; what is no file is
 * refused. `onProgress` is called with the bytes written since the last call.
 */
export async function writeWholeFile(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const old = await whatIsAt(path)
  if (old !== undefined && !old.isFile()) {
    throw new Failure(`${path}: is not a regular file; 'nomsy cat' writes to anything that can be written to`)
  }
  const target = old === undefined ? path : await realpath(path)
  const directory = dirname(target)
  const stem = `.${stemOf(basename(target))}.`
  removeAbandoned(directory, stem, '.part')
  const temporary = join(directory, `${stem}${randomBytes(6).toString('hex')}.part`)
  const file = await at(path, open(temporary, 'wx', 0o666))
  let isDone = false
  try {
    if (old !== undefined) await at(path, file.chmod(old.mode))
    await writeSlabs(pieces, async (slab) => {
      await at(path, writeAll(file, slab))
      onProgress(slab.length)
    })
    await at(path, file.sync())
    await at(path, rename(temporary, target))
    isDone = true
  } finally {
    await file.close()
    // What went wrong before is what is to be told.
    if (!isDone) await unlink(temporary).catch(() => {})
  }
  await at(path, syncDirectory(directory))
}

/** A failure of the system, told as one of `path`. */
async function at<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    throw failureAt(path, error)
  }
}

async function whatIsAt(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw failureAt(path, error)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done)).bytesWritten
  }
}

/** Makes a rename in `directory` durable. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
