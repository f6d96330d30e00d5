/**
 * Files of several names: each name but the first becomes a link, once the first is there. Links wait for each other in
 * bunches, since all that is under way has to be on the disk first.
 */

import { randomBytes } from 'node:crypto'
import type { Directory } from '../directory.js'
import type { Entry, EntryName } from '../entry.js'
import { bytesOfName } from '../entry-name.js'
import { namesOf, pathKey } from '../tree-path.js'
import { isDirectory, statEntry } from './existing-entry.js'
import type { ExtractRun } from './extract-run.js'
import { close, linkat, openat, renameat } from './libc.js'
import { OPEN_DIRECTORY, type OpenDirectory } from './open-directory.js'
import { temporaryName } from './write-files.js'

/** Links that wait. */
const MAX_WAITING = 256

/** First names outside of the tree, of which is remembered what stands for them in it. */
const MAX_OUTSIDE = 100_000

type LinkedEntry = Exclude<Entry, { type: 'dir' }>

interface Link {
  readonly parent: OpenDirectory
  readonly path: EntryName
  readonly name: Uint8Array
  readonly first: readonly EntryName[]
}

export class HardLinks {
  readonly #run: ExtractRun
  readonly #directory: Directory
  /** Names that lead from the top of what was put to the directory. */
  readonly #within: readonly EntryName[]
  /** Resolves when all files are there that were taken on. */
  readonly #settleFiles: () => Promise<void>
  readonly #suffix = randomBytes(6).toString('hex')
  #waiting: Link[] = []
  readonly #outside = new Map<string, EntryName>()

  constructor(run: ExtractRun, directory: Directory, settleFiles: () => Promise<void>) {
    this.#run = run
    this.#directory = directory
    this.#within = namesOf(run.options.within ?? '')
    this.#settleFiles = settleFiles
  }

  /** Whether the entry is going to be a link; else it is to be written like any other. */
  async takes(
    parent: OpenDirectory,
    path: EntryName,
    name: Uint8Array,
    entry: LinkedEntry,
  ): Promise<boolean> {
    if (entry.link === undefined) return false
    const first = await this.#firstOf(path, entry.link, entry)
    if (first === undefined) return false
    parent.hold()
    this.#waiting.push({ parent, path, name, first })
    return true
  }

  /** Whether links are to be made before more are taken. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING
  }

  /** Makes all links that wait; `top` is the open directory of the tree. */
  async settle(top: number): Promise<void> {
    if (this.#waiting.length === 0) return
    await this.#settleFiles()
    const waiting = this.#waiting
    this.#waiting = []
    for (const link of waiting) {
      try {
        this.#make(top, link)
        this.#run.result.entries++
      } catch (error) {
        this.#run.problem(link.path, error)
      } finally {
        link.parent.release()
      }
    }
  }

  /** Names that lead to what the entry is another name of, if that is in the tree, before it, and the same. */
  async #firstOf(
    path: EntryName,
    link: EntryName,
    entry: LinkedEntry,
  ): Promise<readonly EntryName[] | undefined> {
    const names = namesOf(link)
    const { length } = this.#within
    const isWithin = this.#within.every((name, index) => isSameName(name, names[index]))
    if (isWithin && names.length > length) {
      const inside = names.slice(length)
      const first = await this.#directory.get(inside)
      if (first !== undefined && isSameThing(first, entry)) return inside
    }
    const key = pathKey(link)
    const known = this.#outside.get(key)
    if (known !== undefined) {
      const first = await this.#directory.get(known)
      return first !== undefined && isSameContent(first, entry) ? namesOf(known) : undefined
    }
    if (this.#outside.size < MAX_OUTSIDE) this.#outside.set(key, path)
    return undefined
  }

  #make(top: number, { parent, name, first }: Link): void {
    const last = bytesOfName(first[first.length - 1]!)
    let dir = top
    try {
      for (const each of first.slice(0, -1)) {
        const next = openat(dir, bytesOfName(each), OPEN_DIRECTORY)
        if (dir !== top) close(dir)
        dir = next
      }
      if (!this.#run.replaces) return linkat(dir, last, parent.fd, name)
      const [source, there] = [statEntry(dir, last), statEntry(parent.fd, name)]
      if (there === undefined) return linkat(dir, last, parent.fd, name)
      if (
        there.ino === source?.ino &&
        there.devMajor === source.devMajor &&
        there.devMinor === source.devMinor
      )
        return
      if (isDirectory(there)) throw new Error('a directory is in its place')
      const temporary = temporaryName(this.#suffix)
      linkat(dir, last, parent.fd, temporary)
      renameat(parent.fd, temporary, parent.fd, name)
    } finally {
      if (dir !== top) close(dir)
    }
  }
}

function isSameName(a: EntryName, b: EntryName | undefined): boolean {
  return b !== undefined && pathKey(a) === pathKey(b)
}

/** Whether the entry can be another name of `first`, which is a first name. */
function isSameThing(first: Entry, entry: LinkedEntry): boolean {
  return first.type !== 'dir' && first.link === undefined && isSameContent(first, entry)
}

function isSameContent(first: Entry, entry: LinkedEntry): boolean {
  if (first.type !== entry.type) return false
  return first.type !== 'file' || (entry.type === 'file' && first.content.equals(entry.content))
}
