/**
 * Files and standard input to be stored: their bytes in order, in constant memory, and the certainty that a file
 * did not change while it was read.
 */

import { type BigIntStats, close as closeFd, constants, fstat, open as openFd, read as readFd } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Failure, failureAt, UsageError } from './failure.js'

/** How standard input is written in place of a file. */
export const STDIN = '-'

const STDIN_FD = 0

/** Bytes read at once. */
const BUFFER_BYTES = 1024 * 1024

const files = {
  open: promisify(openFd),
  close: promisify(closeFd),
  stat: (fd: number): Promise<BigIntStats> =>
    new Promise((resolve, reject) => {
      fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)))
    }),
  read: (fd: number, buffer: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      readFd(fd, buffer, 0, buffer.length, null, (error, count) => (error ? reject(error) : resolve(count)))
    }),
}

export interface Source {
  /** As it was written. */
  readonly name: string
  /** Bytes in it, where that is known before reading. */
  readonly size: number | undefined
  /**
   * The bytes, to be read once. A piece is used up before the next one is asked for. Rejects with a Failure where
   * the file cannot be read or changed while it was read, and with the signal's reason.
   */
  bytes(signal: AbortSignal): AsyncGenerator<Uint8Array>
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
  const name = path === STDIN ? 'standard input' : path
  try {
    const stats = path === STDIN ? await files.stat(STDIN_FD) : await stat(path, { bigint: true })
    if (stats.isDirectory()) {
      throw new Failure(`${name}: is a directory; directory trees are not supported yet, name its files`)
    }
    if (path !== STDIN) await access(path, constants.R_OK)
    // Files that the kernel makes up, as in /proc, say that they have no bytes.
    const size = stats.isFile() && stats.size > 0n ? Number(stats.size) : undefined
    return { name: path, size, bytes: (signal) => named(name, readerFor(path, stats), signal) }
  } catch (error) {
    throw failureAt(name, error)
  }
}

type Reader = (signal: AbortSignal) => AsyncGenerator<Uint8Array>

/** Gives system errors the source's name. */
async function* named(name: string, reader: Reader, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* reader(signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof ChangedError) {
      throw new Failure(
        `${name}: changed while it was read, ${error.message}; nothing refers to it, run it again when it rests`,
      )
    }
    throw failureAt(name, error)
  }
}

function readerFor(path: string, stats: BigIntStats): Reader {
  if (path === STDIN) return stats.isFile() ? (signal) => readFile(STDIN_FD, false, signal) : readStdin
  if (stats.isFIFO()) return (signal) => readFifo(path, signal)
  return async function* (signal) {
    const fd = await files.open(path, 'r')
    try {
      yield* readFile(fd, true, signal)
    } finally {
      await files.close(fd)
    }
  }
}

/** A file was not the same after reading as before. */
class ChangedError extends Error {}

/**
 * Reads an open file, one buffer ahead. `isWhole`: it is read from its beginning, as standard input need not be.
 */
async function* readFile(fd: number, isWhole: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const before = await files.stat(fd)
  const buffers = [new Uint8Array(BUFFER_BYTES), new Uint8Array(BUFFER_BYTES)]
  const counts = isWhole && before.isFile() && before.size > 0n
  let done = 0n
  let ahead = files.read(fd, buffers[0]!)
  try {
    for (let turn = 0; ; turn ^= 1) {
      const count = await ahead
      if (count === 0) break
      done += BigInt(count)
      if (counts && done > before.size) throw new ChangedError(`it had ${before.size} bytes and grew`)
      ahead = files.read(fd, buffers[turn ^ 1]!)
      yield buffers[turn]!.subarray(0, count)
      signal.throwIfAborted()
    }
  } finally {
    // The descriptor must not be closed under a read.
    await ahead.catch(() => {})
  }
  if (before.isFile()) checkUnchanged(before, await files.stat(fd), counts ? done : before.size)
}

function checkUnchanged(before: BigIntStats, after: BigIntStats, done: bigint): void {
  if (before.size !== after.size) throw new ChangedError(`from ${before.size} to ${after.size} bytes`)
  if (before.size !== done) throw new ChangedError(`it had ${before.size} bytes and gave ${done}`)
  if (before.mtimeNs !== after.mtimeNs) throw new ChangedError('it was written to')
}

/** Standard input that is a terminal, a pipe or a socket. */
async function* readStdin(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { addAbortSignal } = await import('node:stream')
  yield* addAbortSignal(signal, process.stdin)
}

/**
 * A named pipe, read as a socket is: a read of a file that waits for its writer cannot be given up, not even by
 * ending the program.
 */
async function* readFifo(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { Socket } = await import('node:net')
  const fd = await files.open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  yield* new Socket({ fd, readable: true, writable: false, signal })
}
