/**
 * Brings a directory back to the disk, with all that was recorded of it. The tree may be anybody's, and somebody else may
 * change what is on the disk meanwhile: nothing is written but below the destination, since every step goes from an open
 * directory to a name in it, and through no link. SPEC "Directories".
 */

import { entryAt, openSubdirectory } from '../dir-tree.js'
import type { Directory } from '../directory.js'
import type { DirectoryEntry, Entry, EntryName, FileEntry } from '../entry.js'
import { bytesOfName, nameOf } from '../entry-name.js'
import { joinPath } from '../tree-path.js'
import { type Destination, existingDestination, newDestination } from './destination.js'
import { isDirectory, keepFile, namesIn, removeEntry, statEntry } from './existing-entry.js'
import { type ExtractContext, type ExtractOptions, type ExtractResult, ExtractRun } from './extract-run.js'
import type { FileAttributes } from './file-table.js'
import { type FileOnTheWay, FileWriter } from './file-writer.js'
import { HardLinks } from './hard-links.js'
import { fchmod, mkdirat, openat, rmdirat } from './libc.js'
import { makeSpecial, replaceSpecial, type SpecialEntry } from './make-special.js'
import {
  closeAll,
  type FinishDirectory,
  OPEN_DIRECTORY,
  type OpenDirectories,
  OpenDirectory,
} from './open-directory.js'
import { seededContext } from './seeded-store.js'
import { isStrangeXattr, setAttributes } from './set-attributes.js'
import { checkPlatform } from './system-call.js'

/** Directories of a path that stay open, from its end. */
const OPEN_DEPTH = 64

/**
 * Writes all that is in `directory` to `path`. Resolves when it is there, except for what {@link ExtractOptions.onProblem}
 * was told of; whether it is on the disk, and not only in the system's memory, is up to the system. Rejects with
 * NOMSY_DESTINATION where it cannot go there, with NOMSY_UNSUPPORTED_PLATFORM, with the system's errors where nothing more
 * can be written, and with the signal's reason; what was written stays, for the next time.
 */
export async function extractTree(
  context: ExtractContext,
  directory: Directory,
  path: string,
  options: ExtractOptions = {},
): Promise<ExtractResult> {
  checkPlatform()
  options.signal?.throwIfAborted()
  const { into = false } = options
  const seeded = await seededContext(context, options.seeds ?? [], options.signal)
  const destination = into ? existingDestination(path) : newDestination(path)
  try {
    const run = new ExtractRun(seeded, options, destination.isUsed, directory.top)
    await new TreeExtraction(run, directory, destination, into ? options.deletes === true : true).write()
    destination.finish()
    return run.result
  } finally {
    destination.close()
  }
}

const NUL = new Uint8Array(1)

class TreeExtraction {
  readonly #run: ExtractRun
  readonly #directory: Directory
  /** Whether what is there and not in the tree goes away. */
  readonly #deletes: boolean
  readonly #files: FileWriter
  readonly #links: HardLinks
  readonly #top: OpenDirectory
  readonly #topFd: number
  readonly #openDirectories: OpenDirectories = new Set()
  /** Files that could not be had without the store. */
  readonly #lacking: FileOnTheWay[] = []
  /** The directories on the path where the walk is, that of the top first; undefined for one that cannot be written to. */
  readonly #open: (OpenDirectory | undefined)[]

  /** Takes over the destination's descriptor. */
  constructor(run: ExtractRun, directory: Directory, destination: Destination, deletes: boolean) {
    this.#run = run
    this.#directory = directory
    this.#deletes = deletes
    this.#files = new FileWriter(run, destination.isPrivate)
    this.#links = new HardLinks(run, directory, () => this.#settleFiles())
    this.#topFd = destination.fd
    this.#top = new OpenDirectory(
      destination.fd,
      undefined,
      '',
      this.#finisher(run.attributesOf(directory.top ?? {})),
      this.#openDirectories,
    )
    // Where links begin.
    this.#top.hold()
    this.#open = [this.#top]
  }

  async write(): Promise<void> {
    const run = this.#run
    try {
      if (this.#deletes && run.replaces) await this.#removeOthers(this.#top, this.#directory)
      const { signal } = run.options
      const onUnreadable = (path: EntryName, error: unknown): void => run.problem(path, error)
      for await (const { path, name, depth, entry } of this.#directory.walk({ signal, onUnreadable })) {
        run.check()
        while (this.#open.length > depth + 1) this.#open.pop()?.end()
        await this.#writeLacking()
        if (this.#links.isFull) await this.#links.settle(this.#topFd)
        await this.#writeEntry(this.#open[depth], path, name, entry)
      }
      while (this.#open.length > 1) this.#open.pop()?.end()
      await this.#links.settle(this.#topFd)
      await this.#settleFiles()
      run.check()
      this.#top.end()
      this.#top.release()
      run.check()
    } finally {
      await run.underWay()
      closeAll(this.#openDirectories)
    }
  }

  /** Resolves when all files are there that were taken on. */
  async #settleFiles(): Promise<void> {
    await this.#run.underWay()
    await this.#writeLacking()
    await this.#files.flush()
    await this.#run.underWay()
  }

  async #writeEntry(
    parent: OpenDirectory | undefined,
    path: EntryName,
    name: EntryName,
    entry: Entry,
  ): Promise<void> {
    try {
      const bytes = Buffer.concat([bytesOfName(name), NUL])
      if (entry.type === 'dir') {
        this.#open.push(undefined)
        // What is in a directory that could not be made has been told of with it.
        if (parent !== undefined) await this.#enter(parent, name, bytes, entry)
      } else if (parent !== undefined) await this.#writeOther(parent, path, bytes, entry)
    } catch (error) {
      this.#run.options.signal?.throwIfAborted()
      this.#run.problem(path, error)
    }
  }

  /** Makes a directory, or opens the one that is there, and goes into it. */
  async #enter(
    parent: OpenDirectory,
    name: EntryName,
    bytes: Uint8Array,
    entry: DirectoryEntry,
  ): Promise<void> {
    const isNew = this.#makeDirectory(parent.fd, bytes)
    const directory = new OpenDirectory(
      openat(parent.fd, bytes, OPEN_DIRECTORY),
      parent,
      name,
      this.#finisher(this.#run.attributesOf(entry)),
      this.#openDirectories,
    )
    this.#open[this.#open.length - 1] = directory
    this.#run.result.entries++
    if (!isNew) await this.#prepare(directory, entry)
    this.#open[this.#open.length - 1 - OPEN_DEPTH]?.park()
  }

  /** Whether the directory was made; something else that had its name is gone then. */
  #makeDirectory(parent: number, name: Uint8Array): boolean {
    if (this.#run.replaces) {
      const found = statEntry(parent, name)
      if (found !== undefined && isDirectory(found)) return false
      if (found !== undefined) removeEntry(parent, name)
    }
    mkdirat(parent, name, 0o700)
    return true
  }

  /** Makes a directory that was there before fit to be written to. */
  async #prepare(directory: OpenDirectory, entry: DirectoryEntry): Promise<void> {
    const { mode, uid } = directory.stat
    if ((mode & 0o700) !== 0o700 && uid === process.geteuid!()) fchmod(directory.fd, (mode & 0o7777) | 0o700)
    if (!this.#deletes) return
    try {
      await this.#removeOthers(directory, await openSubdirectory(this.#directory, entry.content))
    } catch (error) {
      this.#run.problem(directory.path, error)
    }
  }

  /** Removes what is in the directory on the disk and not in that of the tree. */
  async #removeOthers(directory: OpenDirectory, wanted: Parameters<typeof entryAt>[0]): Promise<void> {
    for (const bytes of [...namesIn(directory.fd)]) {
      const name = nameOf(bytes)
      if ((await entryAt(wanted, name)) !== undefined) continue
      try {
        removeEntry(directory.fd, bytes)
      } catch (error) {
        this.#run.problem(joinPath(directory.path, name), error)
      }
    }
  }

  async #writeOther(
    parent: OpenDirectory,
    path: EntryName,
    name: Uint8Array,
    entry: FileEntry | SpecialEntry,
  ): Promise<void> {
    const run = this.#run
    if (run.replaces) makeWay(parent.fd, name, this.#deletes)
    if (await this.#links.takes(parent, path, name, entry)) return
    const attributes = run.attributesOf(entry)
    if (entry.type !== 'file') {
      const make = run.replaces ? replaceSpecial : makeSpecial
      for (const { what, error } of make(parent.fd, name, entry, attributes)) run.flaw(path, what, error)
      run.result.entries++
      return
    }
    const file = { dir: parent.hold(), name, size: entry.size, attributes }
    const onTheWay = { directory: parent, path, entry, file }
    const mayBeThere = run.replaces && statEntry(parent.fd, name) !== undefined
    if (!mayBeThere) return this.#files.add(onTheWay)
    await run.begin(async () => {
      if (!(await this.#isHad(onTheWay))) this.#lacking.push(onTheWay)
    })
  }

  /** Whether the file could be had without the store: it is there already. */
  async #isHad(onTheWay: FileOnTheWay): Promise<boolean> {
    const { path, entry, directory } = onTheWay
    const run = this.#run
    try {
      const flaws = await keepFile(onTheWay, run.strange)
      if (flaws === undefined) return false
      run.result.unchanged++
      for (const { what, error } of flaws) run.flaw(path, what, error)
      run.result.entries++
      run.done(entry.size)
    } catch (error) {
      run.problem(path, error)
    }
    directory.release()
    return true
  }

  async #writeLacking(): Promise<void> {
    for (let file = this.#lacking.pop(); file !== undefined; file = this.#lacking.pop())
      await this.#files.add(file)
  }

  #finisher(attributes: FileAttributes): FinishDirectory {
    const run = this.#run
    const isStrange = run.strange && isStrangeXattr(run.strange)
    return (fd, path) => {
      if (fd === undefined) return run.complain(path, 'the directory was moved while it was written to')
      for (const { what, error } of setAttributes(fd, attributes, { isStrange })) run.flaw(path, what, error)
    }
  }
}

/** Removes a directory where something else is to be; throws where there is something in it that is to stay. */
function makeWay(dir: number, name: Uint8Array, deletes: boolean): void {
  const found = statEntry(dir, name)
  if (found === undefined || !isDirectory(found)) return
  if (deletes) removeEntry(dir, name)
  else rmdirat(dir, name)
}
