/**
 * Brings files back: small ones by the bunch, on other threads, which read their chunks themselves; large ones, and those
 * with holes, one by one. What cannot be had in the bunch is tried alone, which tells what is wrong with it.
 */

import { randomBytes } from 'node:crypto'
import { BLOB_FORMAT } from '../../blob/blob-format.js'
import type { Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
import { runModuleJob } from '../../parallel/pool.js'
import { MetaNode } from '../../sequence/node.js'
import { decodeNode } from '../../sequence/node-codec.js'
import type { EntryName, FileEntry } from '../entry.js'
import type { ExtractRun } from './extract-run.js'
import { fileTable, type NewFile } from './file-table.js'
import type { OpenDirectory } from './open-directory.js'
import { type FileChunks, type FileFailure, MODULE, type WriteOptions, writeFiles } from './write-files.js'
import { writeLargeFile } from './write-large-file.js'

/** Files of more bytes are written alone. */
const SMALL_BYTES = 512 * 1024

/** Files of fewer bytes do not share them with others. */
const MIN_CLONED_BYTES = 4096

/** A bunch of files: bytes and files in it at most, or a little more. */
const BUNCH_BYTES = 1024 * 1024
const BUNCH_FILES = 256

const JOB = { module: MODULE, name: writeFiles.name, run: writeFiles }

/** A file of the tree on its way to the disk; its directory is held until it is there. */
export interface FileOnTheWay {
  readonly directory: OpenDirectory
  readonly path: EntryName
  readonly entry: FileEntry
  readonly file: NewFile
}

/** What is known of a file's chunks. */
interface Leaves {
  readonly refs: RefList
  /** Bytes in each; none where the only one may be the root of a tree. */
  readonly lengths: readonly number[]
}

export class FileWriter {
  readonly #run: ExtractRun
  readonly #options: WriteOptions
  #bunch: FileOnTheWay[] = []
  #bunchBytes = 0

  /** `isPrivate`: nobody else can get at what is written. */
  constructor(run: ExtractRun, isPrivate: boolean) {
    this.#run = run
    this.#options = {
      replaces: run.replaces,
      umask: isPrivate ? run.umask : undefined,
      suffix: randomBytes(6).toString('hex'),
      isStrange: run.strange,
    }
  }

  /** Takes a file on; resolves when it is time for the next one. */
  async add(onTheWay: FileOnTheWay): Promise<void> {
    const { entry } = onTheWay
    const isCloned = this.#run.mayClone && entry.size >= MIN_CLONED_BYTES
    if (entry.size > SMALL_BYTES || entry.holes !== undefined || isCloned) {
      return this.#run.begin(() => this.#writeAlone(onTheWay))
    }
    this.#bunch.push(onTheWay)
    this.#bunchBytes += entry.size
    if (this.#bunchBytes >= BUNCH_BYTES || this.#bunch.length >= BUNCH_FILES) await this.flush()
  }

  /** Sets all files on their way. */
  async flush(): Promise<void> {
    const files = this.#bunch
    if (files.length === 0) return
    this.#bunch = []
    this.#bunchBytes = 0
    await this.#run.begin(() => this.#writeBunch(files))
  }

  async #writeBunch(files: readonly FileOnTheWay[]): Promise<void> {
    const roots = files.map(({ entry }) => ({ refs: RefList.of([entry.content]), lengths: [0] }))
    const trees = await this.#writeTogether(files, roots)
    if (trees.length === 0) return
    const known = trees.flatMap(({ file, root }) => {
      const leaves = leavesOf(root, file.entry.size)
      return leaves === undefined ? [] : [{ file, leaves }]
    })
    const others = trees.filter(({ file }) => !known.some((each) => each.file === file))
    await this.#writeTogether(
      known.map(({ file }) => file),
      known.map(({ leaves }) => leaves),
    )
    for (const { file } of others) await this.#writeAlone(file)
  }

  /** Writes files whose chunks these are; those that turn out to be larger trees, with their roots. */
  async #writeTogether(
    files: readonly FileOnTheWay[],
    leaves: readonly Leaves[],
  ): Promise<{ file: FileOnTheWay; root: Uint8Array }[]> {
    if (files.length === 0) return []
    const byteCount = files.reduce((sum, { entry }) => sum + entry.size, 0)
    let written: Awaited<ReturnType<typeof writeFiles>>
    try {
      const chunks = await this.#chunks(leaves)
      written = await runModuleJob(
        JOB,
        byteCount,
        fileTable(files.map(({ file }) => file)),
        chunks,
        this.#options,
      )
    } catch {
      // What is wrong is told by who tries them one by one.
      for (const file of files) await this.#writeAlone(file)
      return []
    }
    const { trees, lacking, failures, flaws } = written
    for (const [index, file] of files.entries()) {
      if (trees.has(index)) continue
      if (lacking.includes(index)) await this.#writeAlone(file)
      else this.#end(file, failures.get(index), flaws.get(index))
    }
    return Array.from(trees, ([index, root]) => ({ file: files[index]!, root }))
  }

  async #chunks(leaves: readonly Leaves[]): Promise<FileChunks> {
    const { store } = this.#run.context
    const refs: Ref[] = leaves.flatMap(({ refs }) =>
      Array.from({ length: refs.length }, (_, at) => refs.at(at)),
    )
    const { runs, slots } = (await store.locate?.(refs)) ?? { runs: [], slots: [] }
    const inFiles = new Set(slots)
    const rest = [...refs.keys()].filter((slot) => !inFiles.has(slot))
    const inMemory = new Map<number, Uint8Array>()
    if (rest.length > 0) {
      const chunks = await store.getMany(rest.map((slot) => refs[slot]!))
      // Jobs are given their arguments for good, and these are not ours.
      for (const [at, slot] of rest.entries())
        if (chunks[at] !== undefined) inMemory.set(slot, chunks[at].slice())
    }
    return {
      counts: Uint32Array.from(leaves, ({ refs }) => refs.length),
      lengths: Uint32Array.from(leaves.flatMap(({ lengths }) => lengths)),
      runs,
      slots: Uint32Array.from(slots),
      refs: RefList.of(slots.map((slot) => refs[slot]!)).bytes.slice(),
      inMemory,
    }
  }

  async #writeAlone(onTheWay: FileOnTheWay): Promise<void> {
    try {
      const flaws = await writeLargeFile(this.#run, onTheWay, this.#options)
      this.#end(onTheWay, undefined, flaws)
    } catch (error) {
      onTheWay.directory.release()
      this.#run.options.signal?.throwIfAborted()
      this.#run.problem(onTheWay.path, error)
    }
  }

  #end(
    { directory, path, entry }: FileOnTheWay,
    failure: FileFailure | undefined,
    flaws: readonly { readonly what: string; readonly error: { readonly message: string } }[] = [],
  ): void {
    directory.release()
    if (failure !== undefined)
      return this.#run.problem(path, Object.assign(new Error(failure.message), failure))
    for (const { what, error } of flaws) this.#run.flaw(path, what, error)
    this.#run.result.entries++
    this.#run.done(entry.size)
  }
}

/** The leaves under a tree's root; undefined where it is no such tree, or has more than one level above its leaves. */
function leavesOf(root: Uint8Array, size: number): Leaves | undefined {
  try {
    const node = decodeNode(BLOB_FORMAT, root)
    if (!(node instanceof MetaNode) || node.level !== 1 || node.childCount < 2 || node.length !== size)
      return undefined
    return {
      refs: node.refs,
      lengths: Array.from({ length: node.childCount }, (_, index) => node.childLength(index)),
    }
  } catch {
    return undefined
  }
}
