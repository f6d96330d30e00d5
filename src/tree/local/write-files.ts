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
import { type AttributeFailure, setAttributes } from './set-attributes.js'

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
  /** A name's end that nothing else has, for files that are about to replace others. */
  readonly suffix: string
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

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

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
async function readChunks({ counts, runs, slots, refs, inMemory }: FileChunks): Promise<(Uint8Array | undefined)[]> {
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

/** Makes the file, or puts it in the place of the one that is there; what could not be set of its attributes. */
export function writeFile(file: NewFile, content: Uint8Array, options: WriteOptions): AttributeFailure[] {
  return makeFile(file, options, (fd) => {
    if (content.length > 0) write(fd, content, 0)
  })
}

/** Makes the file with the bytes that `fill` gives it. */
export function makeFile(
  { dir, name, attributes }: NewFile,
  { replaces, umask, suffix }: WriteOptions,
  fill: (fd: number) => void,
): AttributeFailure[] {
  const made = replaces ? temporaryName(suffix) : name
  // Nobody else is to see it before it has its owner; where nobody can, the mode is given at once.
  const { mode } = attributes
  const hasMode = umask !== undefined && mode <= 0o777 && (mode & umask) === 0
  const fd = openat(dir, made, CREATE, hasMode ? mode : 0o600)
  let isDone = false
  try {
    fill(fd)
    const failures = setAttributes(fd, attributes, { hasMode })
    if (replaces) renameat(dir, made, dir, name)
    isDone = true
    return failures
  } finally {
    close(fd)
    if (!isDone) remove(dir, made)
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
