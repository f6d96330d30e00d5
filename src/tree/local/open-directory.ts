/**
 * Directories on disk that are being written to, each by its descriptor: none is ever reached by a path that somebody
 * else could lead elsewhere. One is finished, with its own attributes set last, once all that goes into it is there.
 *
 * Of a deep path only the lowest directories stay open. Those further up are opened again from below, by `..`, and held
 * against what they were.
 */

import { constants } from 'node:fs'
import type { EntryName } from '../entry.js'
import { joinPath } from '../tree-path.js'
import { close, fstat, openat, type Stat } from './libc.js'

/** How a directory is opened, and nothing else. */
export const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

const PARENT = Buffer.from('..\0')

/** The directory is no longer where it was. */
export class MovedDirectoryError extends Error {}

/** Called before a directory is closed for good, to set its attributes; `fd` is undefined where it was moved away. */
export type FinishDirectory = (fd: number | undefined, path: EntryName) => void

/** Those that have a descriptor, for {@link closeAll}. */
export type OpenDirectories = Set<OpenDirectory>

/** Closes what a run that failed has left open. */
export function closeAll(directories: OpenDirectories): void {
  for (const directory of directories) directory.close()
}

export class OpenDirectory {
  readonly parent: OpenDirectory | undefined
  /** From the top of what is written. */
  readonly path: EntryName
  #fd: number | undefined
  readonly #stat: Stat
  readonly #finish: FinishDirectory
  readonly #others: OpenDirectories
  /** Whoever still puts something into it: the walk, directories in it, and files. */
  #users = 1
  /** Those of them who need its descriptor. */
  #fdUsers = 0
  #isLost = false

  /** Takes over the descriptor. */
  constructor(
    fd: number,
    parent: OpenDirectory | undefined,
    name: EntryName,
    finish: FinishDirectory,
    others: OpenDirectories,
  ) {
    this.#others = others
    others.add(this)
    this.#fd = fd
    this.#stat = fstat(fd)
    this.parent = parent
    this.path = parent === undefined ? '' : joinPath(parent.path, name)
    this.#finish = finish
    if (parent !== undefined) parent.#users++
  }

  /** Its descriptor, as long as the caller has not waited for anything; throws where it was moved away. */
  get fd(): number {
    if (this.#fd !== undefined) return this.#fd
    throw new MovedDirectoryError('the directory was moved while it was written to')
  }

  /** What it was when it was opened. */
  get stat(): Stat {
    return this.#stat
  }

  /** Keeps it open until {@link release}, for a file that goes into it; its descriptor. */
  hold(): number {
    const { fd } = this
    this.#users++
    this.#fdUsers++
    return fd
  }

  release(): void {
    this.#fdUsers--
    this.#leave()
  }

  /** Keeps it from being finished until {@link wake}, for something that is going to happen in it. */
  wait(): void {
    this.#users++
  }

  wake(): void {
    this.#leave()
  }

  /** Closes it for now, if nobody needs it: one that is in it opens it again. */
  park(): void {
    if (this.#fdUsers === 0) this.close()
  }

  /** Lets go of the descriptor. */
  close(): void {
    if (this.#fd === undefined) return
    close(this.#fd)
    this.#fd = undefined
    this.#others.delete(this)
  }

  /** The walk is done with it. Its parent is open then. */
  end(): void {
    this.#openParent()
    this.#leave()
  }

  #leave(): void {
    // A loop, since paths are deep.
    for (let each: OpenDirectory | undefined = this; each !== undefined; each = each.parent) {
      if (--each.#users > 0) return
      each.#openParent()
      each.#finish(each.#fd, each.path)
      each.close()
    }
  }

  #openParent(): void {
    const { parent } = this
    if (parent === undefined || parent.#fd !== undefined || parent.#isLost || this.#fd === undefined) return
    try {
      const fd = openat(this.#fd, PARENT, OPEN_DIRECTORY)
      const { ino, devMajor, devMinor } = fstat(fd)
      const before = parent.#stat
      if (ino === before.ino && devMajor === before.devMajor && devMinor === before.devMinor) {
        parent.#fd = fd
        parent.#others.add(parent)
        return
      }
      close(fd)
    } catch {
      // It is as good as gone.
    }
    parent.#isLost = true
  }
}
