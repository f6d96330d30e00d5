/**
 * The directories of a tree on disk, listed by workers ahead of whoever goes through them in walk order, so far and no
 * further.
 */

import { runModuleJob } from '../../parallel/pool.js'
import type { Patterns } from './exclusions.js'
import { LIST_ENTRIES, LIST_JOB, type Listing, type ListOptions, type ListStart } from './list-job.js'
import { type FileId, PackedEntry } from './packed-entry.js'

const SEPARATOR = Uint8Array.of(0x2f)

/** Jobs under way at a time, and directories that one begins with. */
const MAX_JOBS = 4
const MAX_STARTS = 32

/** Entries that are listed and not taken yet. */
const MAX_AHEAD = 8 * 1024

/** The first jobs are shorter, so that there is work for all workers soon. */
const SHORT_JOBS = 4
const SHORT_ENTRIES = 256

/** What a job counts for, beside those that go through bytes. */
const JOB_BYTES = 2 * 1024 * 1024

/** A directory on disk. Its path is put together when it is asked for: many deep ones would fill the memory. */
export class ScanDirectory {
  /** Its name in `parent`; of the root the absolute path. */
  readonly name: Uint8Array
  readonly parent: ScanDirectory | undefined
  readonly id: FileId
  /** Patterns that hold in it, and are not its own. */
  readonly patterns: readonly Patterns[]
  /** The directories in it, in the order of names, once it is listed. */
  children: ScanDirectory[] = []
  /** Until it is taken. */
  listing: Listing | undefined
  isUnderWay = false

  constructor(
    name: Uint8Array,
    parent: ScanDirectory | undefined,
    id: FileId,
    patterns: readonly Patterns[],
  ) {
    this.name = name
    this.parent = parent
    this.id = id
    this.patterns = patterns
  }

  /** Absolute; a copy. */
  get path(): Uint8Array {
    const [root, ...names] = this.#names
    return Buffer.concat([root!, ...names.flatMap((name) => [SEPARATOR, name])])
  }

  /** From the root, as text. */
  get relative(): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return this.#names
      .slice(1)
      .map((name) => decoder.decode(name))
      .join('/')
  }

  get #names(): Uint8Array[] {
    const names: Uint8Array[] = []
    for (let each: ScanDirectory | undefined = this; each !== undefined; each = each.parent)
      names.push(each.name)
    return names.reverse()
  }

  /** What its worker has found. */
  list(listing: Listing): void {
    this.listing = listing
    const entry = new PackedEntry(listing.entries)
    const { patterns: text } = listing
    const patterns = text === undefined ? this.patterns : [...this.patterns, { base: this.relative, text }]
    while (entry.next()) {
      if (entry.isDirectory && entry.isEntered)
        this.children.push(new ScanDirectory(entry.nameBytes.slice(), this, entry.fileId, patterns))
    }
  }
}

export class Scan {
  readonly root: ScanDirectory
  readonly #options: ListOptions
  /** Directories that are not listed yet, in walk order. */
  #frontier: ScanDirectory[]
  readonly #jobs = new Set<Promise<void>>()
  #jobCount = 0
  #ahead = 0
  #failure: unknown

  constructor(path: Uint8Array, id: FileId, options: ListOptions) {
    this.#options = options
    this.root = new ScanDirectory(path, undefined, id, [])
    this.#frontier = [this.root]
  }

  /** What is in `directory`. To be asked for all directories in walk order, for each once. */
  async take(directory: ScanDirectory): Promise<Listing> {
    while (directory.listing === undefined) {
      this.#begin()
      if (this.#failure !== undefined) throw this.#failure
      if (directory.listing === undefined) await Promise.race(this.#jobs)
    }
    const { listing } = directory
    directory.listing = undefined
    this.#ahead -= listing.count
    this.#begin()
    return listing
  }

  /** Passes over all that is below `directory`, which was taken. */
  prune(directory: ScanDirectory): void {
    const below = new Set<ScanDirectory>()
    const open = [directory]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const child of next.children) {
        below.add(child)
        open.push(child)
      }
      this.#ahead -= next.listing?.count ?? 0
    }
    directory.children = []
    this.#frontier = this.#frontier.filter((each) => !below.has(each) || each.isUnderWay)
  }

  /** Resolves when no worker is at work for it any more. */
  async abandon(): Promise<void> {
    this.#frontier = []
    await Promise.allSettled(this.#jobs)
  }

  /** Begins as many jobs as there is reason for: what is first is wanted in any case. */
  #begin(): void {
    while (this.#jobs.size < MAX_JOBS) {
      const first = this.#frontier.findIndex(({ isUnderWay }) => !isUnderWay)
      if (first < 0 || (this.#ahead >= MAX_AHEAD && first > 0)) return
      if (this.#ahead >= MAX_AHEAD && this.#jobs.size > 0) return
      const starts: ScanDirectory[] = []
      for (let index = first; index < this.#frontier.length && starts.length < MAX_STARTS; index++) {
        const start = this.#frontier[index]!
        if (start.isUnderWay) break
        starts.push(start)
      }
      this.#beginJob(starts)
      if (this.#failure !== undefined) return
    }
  }

  #beginJob(starts: readonly ScanDirectory[]): void {
    const entryCount = this.#jobCount++ < SHORT_JOBS ? SHORT_ENTRIES : LIST_ENTRIES
    for (const start of starts) start.isUnderWay = true
    const given: ListStart[] = starts.map(({ path, relative, id, patterns }) => ({
      path,
      relative,
      id,
      patterns,
    }))
    const listings = runModuleJob(LIST_JOB, JOB_BYTES, given, entryCount, this.#options)
    if (!(listings instanceof Promise)) return this.#listed(starts, listings)
    const job = listings
      .then(
        (result) => this.#listed(starts, result),
        (error: unknown) => {
          this.#failure = error
        },
      )
      .finally(() => this.#jobs.delete(job))
    this.#jobs.add(job)
  }

  /** The directories from `starts` on, in walk order, have been found to be as `listings` say. */
  #listed(starts: readonly ScanDirectory[], listings: readonly Listing[]): void {
    const open = [...starts].reverse()
    for (const listing of listings) {
      const directory = open.pop()!
      directory.list(listing)
      this.#ahead += listing.count
      for (let index = directory.children.length - 1; index >= 0; index--)
        open.push(directory.children[index]!)
    }
    for (const start of starts) start.isUnderWay = false
    const at = this.#frontier.indexOf(starts[0]!)
    if (at < 0) return
    const after = this.#frontier.slice(at + starts.length)
    this.#frontier = [...this.#frontier.slice(0, at), ...open.reverse(), ...after]
  }
}
