/**
 * A job that brings small files back: reads their chunks from the store's files, verifies them, and makes the files, all
 * on one thread, so that no bytes go from one to another. Everything is done by descriptors, which threads share.
 */

import { constants } from 'node:fs'
import { BLOB_FORMAT } from '../../blob/blob-format.js'
import { REF_BYTES } from '../../hash/ref.js'
import { readRun, type StoredRun, verifyUnits } from '../../parallel/jobs.js'
import { type FileTable, fileAt, type NewFile } from './file-table.js'
import { close, openat, renameat, unlinkat, write } from './libc.js'
import { type AttributeFailure, isStrangeXattr, type StrangeXattrs, setAttributes } from './set-attributes.js'

/** The module of the job, for workers to load. */
export const MODULE = import.meta.url

/** The chunks of the files of a job, number after number: those of the first file, those of the second, and so on. */
export interface FileChunks {
  /** Chunks of each file. */
  readonly counts: Uint32Array
  /** Bytes of the file in each; 0 for a tree's root, which is not known yet. */
  readonly lengths: Uint32Array
  readonly runs: readonly StoredRun[]
  /** Of the parts of `runs`, in order: the chunks' numbers, and their refs one after the other. */
  readonly slots: Uint32Array
  readonly refs: Uint8Array
  /** Those that are in memory, verified, by their numbers. */
  readonly inMemory: ReadonlyMap<number, Uint8Array>
}

export interface WriteOptions {
  /** Whether files of the same name are replaced; else there must be none. */
  readonly replaces: boolean
  /** The process's, which the system takes off the modes of what is made; undefined where something else does too. */
  readonly umask: number | undefined
  /** Part of a name that nothing else has, for files that are about to replace others. */
  readonly suffix: string
  /** Kinds of extended attributes of which a file has only those that were recorded. */
  readonly isStrange?: StrangeXattrs | undefined
}

/** What became of the files, by their index; of those that are not here, all went well. */
export interface WrittenFiles {
  /** Roots of trees: their leaves are to be looked up. */
  readonly trees: ReadonlyMap<number, Uint8Array>
  /** Files whose chunks could not be had. */
  readonly lacking: readonly number[]
  /** Files that could not be made. */
  readonly failures: ReadonlyMap<number, FileFailure>
  /** Files that are there, and not all of their attributes. */
  readonly flaws: ReadonlyMap<number, readonly { readonly what: string; readonly error: FileFailure }[]>
}

/** What is left of an error on its way to another thread. */
export interface FileFailure {
  readonly message: string
  readonly code: string | undefined
}

const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export async function writeFiles(
  files: FileTable,
  chunks: FileChunks,
  options: WriteOptions,
): Promise<WrittenFiles> {
  const bytes = await readChunks(chunks)
  const trees = new Map<number, Uint8Array>()
  const lacking: number[] = []
  const failures = new Map<number, FileFailure>()
  const flaws = new Map<number, { what: string; error: FileFailure }[]>()
  let first = 0
  for (const [index, count] of chunks.counts.entries()) {
    const own = bytes.slice(first, first + count)
    const file = fileAt(files, index)
    const lengths = chunks.lengths.subarray(first, first + count)
    first += count
    if (count === 1 && lengths[0] === 0 && own[0] !== undefined && !BLOB_FORMAT.isLeaf(own[0])) {
      trees.set(index, own[0].slice())
      continue
    }
    const content = contentOf(own, lengths, file.size)
    if (content === undefined) {
      lacking.push(index)
      continue
    }
    try {
      const flawed = writeFile(file, content, options)
      if (flawed.length > 0)
        flaws.set(
          index,
          flawed.map(({ what, error }) => ({ what, error: failureOf(error) })),
        )
    } catch (error) {
      failures.set(index, failureOf(error))
    }
  }
  return { trees, lacking, failures, flaws }
}

/** The verified chunks by their numbers; undefined for those that are damaged or could not be read. */
async function readChunks({
  counts,
  runs,
  slots,
  refs,
  inMemory,
}: FileChunks): Promise<(Uint8Array | undefined)[]> {
  const bytes = new Array<Uint8Array | undefined>(counts.reduce((sum, count) => sum + count, 0))
  for (const [slot, chunk] of inMemory) bytes[slot] = chunk
  let at = 0
  for (const run of runs) {
    for (const part of await verifyUnits(readRun(run), run.units, refs.subarray(at * REF_BYTES)))
      bytes[slots[at++]!] = part
  }
  return bytes
}

let scratch = new Uint8Array(0)

/** The file's bytes out of its leaves; undefined where one is not there, or is not what it should be. */
function contentOf(
  chunks: readonly (Uint8Array | undefined)[],
  lengths: Uint32Array,
  size: number,
): Uint8Array | undefined {
  const only = chunks.length === 1
  if (!only && scratch.length < size) scratch = new Uint8Array(Math.max(size, 2 * scratch.length))
  let at = 0
  for (const [index, chunk] of chunks.entries()) {
    const items = chunk && itemsOf(chunk)
    if (items === undefined) return undefined
    if (only) return items.length === size ? items : undefined
    if (items.length !== lengths[index] || at + items.length > size) return undefined
    scratch.set(items, at)
    at += items.length
  }
  return at === size ? scratch.subarray(0, size) : undefined
}

function itemsOf(chunk: Uint8Array): Uint8Array | undefined {
  try {
    return BLOB_FORMAT.decodeLeaf(chunk).items
  } catch {
    // The one who asks finds out why.
    return undefined
  }
}

/** Makes the file; what could not be set of its attributes. */
function writeFile(file: NewFile, content: Uint8Array, options: WriteOptions): AttributeFailure[] {
  const made = new FileInTheMaking(file, options)
  try {
    if (content.length > 0) write(made.fd, content, 0)
    return made.finish()
  } finally {
    made.close()
  }
}

/** A file that is there for good only once it is finished; whoever made it closes it in any case. */
export class FileInTheMaking {
  readonly fd: number
  readonly #file: NewFile
  readonly #options: WriteOptions
  /** The name that it has until it is finished. */
  readonly #name: Uint8Array
  readonly #hasMode: boolean
  #isFinished = false

  constructor(file: NewFile, options: WriteOptions) {
    const { replaces, umask, suffix } = options
    const { mode } = file.attributes
    this.#file = file
    this.#options = options
    this.#name = replaces ? temporaryName(suffix) : file.name
    // Nobody is to see it before it has its owner; where nobody else can, it has its mode from the start.
    this.#hasMode = umask !== undefined && mode <= 0o777 && (mode & umask) === 0
    this.fd = openat(file.dir, this.#name, CREATE, this.#hasMode ? mode : 0o600)
  }

  /** Gives it its attributes and its name; what could not be set of its attributes. */
  finish(): AttributeFailure[] {
    const { dir, name, attributes } = this.#file
    const { replaces, isStrange } = this.#options
    const failures = setAttributes(this.fd, attributes, {
      hasMode: this.#hasMode,
      isStrange: isStrange === undefined ? undefined : isStrangeXattr(isStrange),
    })
    if (replaces) renameat(dir, this.#name, dir, name)
    this.#isFinished = true
    return failures
  }

  close(): void {
    close(this.fd)
    if (!this.#isFinished) remove(this.#file.dir, this.#name)
  }
}

let temporaries = 0

/** A name that nothing else has, in the directory where the file goes. */
export function temporaryName(suffix: string): Uint8Array {
  return Buffer.from(`.nomsy-${suffix}-${(temporaries++).toString(36)}.part\0`)
}

/** What went wrong before is what is to be told. */
function remove(dir: number, name: Uint8Array): void {
  try {
    unlinkat(dir, name)
  } catch {}
}

export function failureOf(error: unknown): FileFailure {
  const { message, code } = error as NodeJS.ErrnoException
  return { message, code }
}
