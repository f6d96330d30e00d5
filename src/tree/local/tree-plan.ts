/**
 * The first half of storing a tree: goes through the directories in walk order, finds out by the state of the last time
 * what has to be read, and has it read; it gives the steps of the walk, ahead of what is stored.
 */

import type { Ref } from '../../hash/ref.js'
import { nameOf } from '../entry-name.js'
import type { FileStorer, StoredFile } from './file-storer.js'
import type { Listing } from './list-job.js'
import { PackedEntry } from './packed-entry.js'
import type { Scan, ScanDirectory } from './scan.js'
import type { KnownContent, KnownDirectory, StateReader } from './tree-state.js'

/** Into a directory, or out of it. */
export type Step = EnterStep | LeaveStep

export interface EnterStep {
  readonly type: 'enter'
  readonly directory: ScanDirectory
  readonly listing: Listing
  /** Where nothing in the directory itself has changed: how it was. */
  readonly same: KnownDirectory | undefined
  /** Where something has: what becomes of each file, in the order of entries. */
  readonly files: readonly (StoredFile | KnownContent)[]
  /** How many of them are known to be done. */
  doneCount: number
  /** Whether it is one of those that it lies in. */
  readonly isLoop: boolean
}

export interface LeaveStep {
  readonly type: 'leave'
  /** The ref that it had. */
  readonly knownRef: Ref | undefined
}

export interface TreePlanOptions {
  readonly scan: Scan
  readonly storer: FileStorer
  readonly state: StateReader | undefined
  readonly hasLinks: boolean
}

/** A directory that is being gone through. */
interface OpenDirectory {
  readonly directory: ScanDirectory
  readonly isKnown: boolean
  next: number
}

export class TreePlan {
  readonly #options: TreePlanOptions
  readonly #open: OpenDirectory[] = []
  /** Identities of {@link #open}. */
  readonly #above = new Set<string>()
  /** Files with several names, by identity, and how many names are still to come. */
  readonly #linked = new Map<string, { readonly file: StoredFile | KnownContent; left: number }>()
  #hasBegun = false

  constructor(options: TreePlanOptions) {
    this.#options = options
  }

  /** The next step; undefined at the end. */
  async next(): Promise<Step | undefined> {
    const { scan, state } = this.#options
    if (!this.#hasBegun) {
      this.#hasBegun = true
      return this.#enter(scan.root, state?.root())
    }
    const open = this.#open[this.#open.length - 1]
    if (open === undefined) return undefined
    const child = open.directory.children[open.next]
    if (child === undefined) return this.#leave(open)
    // It is needed no longer.
    open.directory.children[open.next++] = undefined as never
    return this.#enter(child, open.isKnown ? state?.descend(nameOf(child.name)) : undefined)
  }

  async #enter(directory: ScanDirectory, known: KnownDirectory | undefined): Promise<EnterStep> {
    const { scan, hasLinks } = this.#options
    const listing = await scan.take(directory)
    const key = directory.id.join(':')
    const isLoop = this.#above.has(key)
    if (isLoop) scan.prune(directory)
    this.#open.push({ directory, isKnown: known !== undefined, next: 0 })
    if (!isLoop) this.#above.add(key)
    const isSame = known?.isSame(listing) === true && !(hasLinks && listing.hasLinks)
    const files = isSame || isLoop ? [] : await this.#files(directory, listing, known)
    return {
      type: 'enter',
      directory,
      listing,
      same: isSame ? known : undefined,
      files,
      doneCount: 0,
      isLoop,
    }
  }

  #leave({ directory, isKnown }: OpenDirectory): LeaveStep {
    this.#open.pop()
    this.#above.delete(directory.id.join(':'))
    return { type: 'leave', knownRef: isKnown ? this.#options.state?.leave() : undefined }
  }

  /** Takes all files of a directory to be read that are not known. */
  async #files(
    directory: ScanDirectory,
    { entries }: Listing,
    known: KnownDirectory | undefined,
  ): Promise<(StoredFile | KnownContent)[]> {
    const { storer, hasLinks } = this.#options
    const unchanged = unchangedIn(known, entries)
    const files: (StoredFile | KnownContent)[] = []
    const entry = new PackedEntry(entries)
    while (entry.next()) {
      if (!entry.isFile) continue
      const linked = hasLinks && entry.nlink > 1 ? this.#takeLinked(entry.fileKey) : undefined
      const file = linked ?? unchanged?.get(entry.start) ?? storer.add(directory, entry)
      if (linked === undefined && hasLinks && entry.nlink > 1)
        this.#linked.set(entry.fileKey, { file, left: entry.nlink - 1 })
      files.push(file)
      if (storer.isBusy) await storer.ready()
    }
    return files
  }

  #takeLinked(key: string): StoredFile | KnownContent | undefined {
    const linked = this.#linked.get(key)
    if (linked === undefined) return undefined
    if (--linked.left === 0) this.#linked.delete(key)
    return linked.file
  }
}

/** What a state that turns out to be damaged says is nothing. */
function unchangedIn(
  known: KnownDirectory | undefined,
  entries: Uint8Array,
): Map<number, KnownContent> | undefined {
  try {
    return known?.unchangedIn(entries)
  } catch {
    return undefined
  }
}
