/**
 * Files on this disk that may have the bytes of files to be written: of a directory those at the same paths, or one file.
 * They are no more than a guess: the bytes are cloned, or copied, into the new file and verified there, where nobody else
 * changes them.
 */

import { read, write } from 'node:fs'
import { promisify } from 'node:util'
import { DestinationError } from '../../errors.js'
import { bytesOfName } from '../entry-name.js'
import { namesOf } from '../tree-path.js'
import { contentRef, openFileOf } from './existing-entry.js'
import type { FileOnTheWay } from './file-writer.js'
import { AT_FDCWD, cloneFile, close, openat } from './libc.js'
import { OPEN_DIRECTORY } from './open-directory.js'
import type { AttributeFailure } from './set-attributes.js'
import { FileInTheMaking, type WriteOptions } from './write-files.js'

const COPY_BYTES = 1024 * 1024

const readAsync = promisify(read)
const writeAsync = promisify(write)

/** A place on this disk: a directory, by its descriptor, or one file, by its path. */
interface Seed {
  readonly path: string
  readonly directory: number | undefined
}

export class Seeds {
  readonly #seeds: readonly Seed[]

  /** Throws NOMSY_DESTINATION where there is nothing at one of `paths`. */
  constructor(paths: readonly string[]) {
    this.#seeds = paths.map(seedAt)
  }

  get isEmpty(): boolean {
    return this.#seeds.length === 0
  }

  /** Makes the file of a seed that has its bytes; what could not be set of its attributes, undefined if none has. */
  async write(
    { path, entry, file }: FileOnTheWay,
    options: WriteOptions,
  ): Promise<AttributeFailure[] | undefined> {
    for (const seed of this.#seeds) {
      const found = openSeed(seed, path, entry.size)
      if (found === undefined) continue
      const made = new FileInTheMaking(file, options)
      try {
        await copy(found, made.fd, entry.size)
        if ((await contentRef(made.fd)).equals(entry.content)) return made.finish()
      } finally {
        made.close()
        close(found)
      }
    }
    return undefined
  }

  close(): void {
    for (const { directory } of this.#seeds) if (directory !== undefined) close(directory)
  }
}

function seedAt(path: string): Seed {
  try {
    return { path, directory: openat(AT_FDCWD, path, OPEN_DIRECTORY) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return { path, directory: undefined }
    throw new DestinationError(path, 'no file or directory to take bytes from', { cause })
  }
}

/** Opens the seed's file at `path` if it has so many bytes. */
function openSeed(
  { path: own, directory }: Seed,
  path: FileOnTheWay['path'],
  size: number,
): number | undefined {
  if (directory === undefined) return openFileOf(AT_FDCWD, Buffer.from(own), size)?.fd
  const names = namesOf(path)
  let dir = directory
  try {
    for (const name of names.slice(0, -1)) {
      const next = openat(dir, bytesOfName(name), OPEN_DIRECTORY)
      if (dir !== directory) close(dir)
      dir = next
    }
    return openFileOf(dir, bytesOfName(names[names.length - 1]!), size)?.fd
  } catch {
    // There is no such directory in it.
    return undefined
  } finally {
    if (dir !== directory) close(dir)
  }
}

/** Clones where the file system can, else copies; what changes meanwhile is found out afterwards. */
async function copy(from: number, to: number, size: number): Promise<void> {
  try {
    if (size > 0) cloneFile(from, to)
    return
  } catch {
    // Other file systems, or one that has no clones.
  }
  const piece = new Uint8Array(Math.min(COPY_BYTES, size))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await readAsync(from, piece, 0, Math.min(piece.length, size - at), at)
    if (bytesRead === 0) return
    for (let done = 0; done < bytesRead; )
      done += (await writeAsync(to, piece, done, bytesRead - done, at + done)).bytesWritten
    at += bytesRead
  }
}
