/**
 * Files and standard input to be stored: their bytes in order, in constant memory, and the certainty that a file
 * did not change while it was read.
 */

import { type BigIntStats, constants, createReadStream, fstat, open as openFd } from 'node:fs'
import { access, type FileHandle, open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { ArchiveError, SourceError } from '../errors.js'
import { Failure, failureAt, UsageError } from './failure.js'

/** How standard input is written in place of a file. */
export const STDIN = '-'

const STDIN_FD = 0

/** Bytes read at once where they come one after the other. */
const READ_BYTES = 1024 * 1024

/** Bytes to be read once: a file whose parts can be read at once, or bytes one after the other. */
export type SourceBytes = FileHandle | AsyncIterable<Uint8Array>

export interface Source {
  /** As it was written. */
  readonly name: string
  /** What it is called in messages. */
  readonly title: string
  /** Bytes in it, where that is known before reading. */
  readonly size: number | undefined
  /**
   * What `use` makes of the bytes, which are there to be read once, until it resolves. Rejects with a Failure where
   * the file cannot be read or changed while it was read, and with the signal's reason.
   */
  read<T>(signal: AbortSignal, use: (bytes: SourceBytes) => Promise<T>): Promise<T>
  /** As {@link read}, the bytes coming in pieces, in order. */
  readInOrder<T>(signal: AbortSignal, use: (pieces: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T>
}

/** The sources that `paths` name, each a file or `-`. Looks at all of them before any is read. */
export async function findSources(paths: readonly string[]): Promise<Source[]> {
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new UsageError("'-' is given twice, but standard input can be read only once")
  }
  const sources: Source[] = []
  for (const path of paths) sources.push(await findSource(path))
  return sources
}

/** The source that `path` names, a file or `-`. */
export async function findSource(path: string): Promise<Source> {
  const title = path === STDIN ? 'standard input' : path
  try {
    const stats = path === STDIN ? await statStdin() : await stat(path, { bigint: true })
    if (stats.isDirectory()) {
      throw new Failure(`${title}: is a directory, which cannot be read as a file; name its files`)
    }
    if (path !== STDIN) await access(path, constants.R_OK)
    // Files that the kernel makes up, as in /proc, say that they have no bytes.
    const size = stats.isFile() && stats.size > 0n ? Number(stats.size) : undefined
    const readAny = readerFor(path, stats)
    const read: Source['read'] = (signal, use) => named(title, () => readAny(signal, use), signal)
    const readInOrder: Source['readInOrder'] = (signal, use) =>
      read(signal, (bytes) => use(inOrder(bytes, signal)))
    return { name: path, title, size, read, readInOrder }
  } catch (error) {
    throw failureAt(title, error)
  }
}

function statStdin(): Promise<BigIntStats> {
  return new Promise((resolve, reject) => {
    fstat(STDIN_FD, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)))
  })
}

/** Gives errors of reading the source's name. */
async function named<T>(name: string, read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof ArchiveError) throw new Failure(`${name}: ${error.message}`, { cause: error })
    if (error instanceof ChangedError || (error instanceof SourceError && error.cause === undefined)) {
      throw new Failure(
        `${name}: changed while it was read, ${error.message}; nothing refers to it, run it again when it rests`,
      )
    }
    throw error instanceof SourceError ? failureAt(name, error.cause) : error
  }
}

/** A file was not the same after reading as before. */
class ChangedError extends Error {}

function readerFor(path: string, stats: BigIntStats): Source['read'] {
  if (path === STDIN)
    return stats.isFile() ? readStdinFile : (signal, use) => use(inputOf(process.stdin, signal))
  if (stats.isFIFO()) return async (signal, use) => use(inputOf(await openFifo(path), signal))
  // Files that say that they have no bytes, and devices, are read to their end.
  return stats.isFile() && stats.size > 0n
    ? (_, use) => readFile(path, use)
    : (signal, use) => use(streamOf(path, signal))
}

/** A file of a known size, many parts of which are read at once. */
async function readFile<T>(path: string, use: (bytes: SourceBytes) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    const before = await file.stat({ bigint: true })
    const result = await use(file)
    checkUnchanged(before, await file.stat({ bigint: true }))
    return result
  } finally {
    await file.close()
  }
}

/** A file from where standard input stands in it. */
async function readStdinFile<T>(signal: AbortSignal, use: (bytes: SourceBytes) => Promise<T>): Promise<T> {
  const before = await statStdin()
  const result = await use(streamOf(STDIN_FD, signal))
  checkUnchanged(before, await statStdin())
  return result
}

function checkUnchanged(before: BigIntStats, after: BigIntStats): void {
  if (before.size !== after.size) throw new ChangedError(`from ${before.size} to ${after.size} bytes`)
  if (before.mtimeNs !== after.mtimeNs) throw new ChangedError('it was written to')
}

function inOrder(bytes: SourceBytes, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (Symbol.asyncIterator in bytes) return bytes
  return sourced(bytes.createReadStream({ highWaterMark: READ_BYTES, signal, autoClose: false }))
}

/** The bytes of a path or an open descriptor from where it stands, one after the other. */
function streamOf(file: string | number, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const options = { highWaterMark: READ_BYTES, signal }
  return sourced(
    typeof file === 'string'
      ? createReadStream(file, options)
      : createReadStream('', { ...options, fd: file, autoClose: false }),
  )
}

/** The bytes of a terminal, a pipe or a socket. */
function inputOf(input: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  // What is given up before anybody reads it is told of when it is read.
  input.on('error', () => {})
  return sourced(addAbortSignal(signal, input))
}

/** Tells what goes wrong with the input from what goes wrong with the store. */
async function* sourced(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (cause) {
    throw new SourceError((cause as Error).message, { cause })
  }
}

/**
 * A named pipe, read as a socket is: a read of a file that waits for its writer cannot be given up, not even by
 * ending the program.
 */
async function openFifo(path: string): Promise<Readable> {
  const fd = await promisify(openFd)(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}
