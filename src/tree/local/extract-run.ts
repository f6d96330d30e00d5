/** One extraction as all its parts see it: what was asked for, what has become of it, and how much is under way. */

import type { NodeCache } from '../../sequence/node-cache.js'
import type { ChunkStore } from '../../store/chunk-store.js'
import type { Attributes, Entry, EntryName, TopAttributes } from '../entry.js'
import { pathText, type TreePath } from '../tree-path.js'
import { type FileAttributes, KEEP_OWNER } from './file-table.js'
import { Owners } from './owners.js'
import type { Seeds } from './seeds.js'
import type { StrangeXattrs } from './set-attributes.js'

/** Something that could not be brought back as it was. */
export interface ExtractProblem {
  /** From the top of what is written; for people. */
  readonly path: string
  readonly message: string
}

export interface ExtractOptions {
  /** Write into a directory that is there already: what differs is replaced. Else there must be none, or an empty one. */
  readonly into?: boolean | undefined
  /** With `into`: what is there and not in the tree is removed. */
  readonly deletes?: boolean | undefined
  /** Files, and directories with files, whose bytes are taken where they are those of chunks. */
  readonly seeds?: readonly string[] | undefined
  /** Whether owners are set; by default where this process may do so for anybody: as root. */
  readonly sameOwner?: boolean | undefined
  /** Path of the directory in the tree that was put, by which hard links tell each other; the top where left out. */
  readonly within?: TreePath | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of files written, or found right, since the last call. */
  readonly onProgress?: ((bytes: number) => void) | undefined
  /** Called for each thing that could not be brought back as it was. */
  readonly onProblem?: ((problem: ExtractProblem) => void) | undefined
}

/** What was brought back. */
export interface ExtractResult {
  /** Entries of all types. */
  entries: number
  /** Bytes of files. */
  bytes: number
  /** Files that were there already. */
  unchanged: number
  /** Things that could not be brought back as they were. */
  problems: number
}

export interface ExtractContext {
  readonly store: ChunkStore
  readonly cache: NodeCache
  /** Bytes on this disk that the store knows of. */
  readonly seeds?: Seeds | undefined
}

/** Errors after which nothing more can be written. */
const FATAL = ['EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EROFS']

/** Bunches of files, and large ones, that are under way at a time. */
const MAX_TASKS = 6

export class ExtractRun {
  readonly context: ExtractContext
  readonly options: ExtractOptions
  /** Whether names may be taken, by something that was there before. */
  readonly replaces: boolean
  readonly result: ExtractResult = { entries: 0, bytes: 0, unchanged: 0, problems: 0 }
  readonly umask = process.umask()
  readonly strange: StrangeXattrs | undefined
  /** Whether files may be able to share bytes with seeds: so it is until the system says no. */
  mayClone: boolean
  readonly #owners = new Owners()
  readonly #setsOwners: boolean
  readonly #tasks = new Set<Promise<void>>()
  #failure: unknown

  constructor(
    context: ExtractContext,
    options: ExtractOptions,
    replaces: boolean,
    top: TopAttributes | undefined,
  ) {
    this.context = context
    this.options = options
    this.replaces = replaces
    this.mayClone = context.seeds !== undefined
    this.#setsOwners = options.sameOwner ?? process.geteuid!() === 0
    const has = (kind: 'acls' | 'capabilities' | 'xattrs'): boolean => top?.with.includes(kind) ?? false
    const strange = { xattrs: has('xattrs'), acls: has('acls'), capabilities: has('capabilities') }
    this.strange = replaces && Object.values(strange).includes(true) ? strange : undefined
  }

  /** What is to be set of an entry, or of the top. */
  attributesOf(entry: Attributes & Partial<Pick<Entry, 'type'>>): FileAttributes {
    const wanted = this.#owners.of(entry)
    const { uid, gid } = this.#setsOwners ? wanted : { uid: KEEP_OWNER, gid: KEEP_OWNER }
    const natural = entry.type === 'file' ? 0o666 : 0o777
    const mode = entry.mode ?? (entry.executable ? 0o777 : natural) & ~this.umask
    // Setuid bits are for the owner who had them, and for nobody else.
    const isTheirs = this.#setsOwners
      ? wanted.uid !== KEEP_OWNER && wanted.gid !== KEEP_OWNER
      : wanted.uid === process.geteuid!() && wanted.gid === process.getegid!()
    const { mtime, xattrs } = entry
    return { mode: isTheirs ? mode : mode & 0o1777, uid, gid, mtime, xattrs }
  }

  /** Something could not be brought back; what makes all else impossible too ends the extraction. */
  problem(path: EntryName, error: unknown): void {
    if (isFatal(error)) return this.fail(error)
    this.complain(path, (error as Error).message)
  }

  complain(path: EntryName, message: string): void {
    this.result.problems++
    this.options.onProblem?.({ path: pathText(path), message })
  }

  flaw(path: EntryName, what: string, error: { readonly message: string }): void {
    this.complain(path, `its ${what} could not be set: ${error.message}`)
  }

  done(bytes: number): void {
    this.result.bytes += bytes
    this.options.onProgress?.(bytes)
  }

  fail(error: unknown): void {
    this.#failure ??= error
  }

  /** Throws where the extraction is to end. */
  check(): void {
    this.options.signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Begins `task` once there is room for it. What it throws ends the extraction. */
  async begin(task: () => Promise<void>): Promise<void> {
    while (this.#tasks.size >= MAX_TASKS) await Promise.race(this.#tasks)
    this.check()
    const running = task().catch((error: unknown) => this.fail(error))
    this.#tasks.add(running)
    void running.then(() => this.#tasks.delete(running))
  }

  /** Resolves when all is done that is under way now. */
  async underWay(): Promise<void> {
    await Promise.all(this.#tasks)
  }
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FATAL.includes(String(error.code)) && 'syscall' in error
}
