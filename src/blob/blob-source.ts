/** What a blob can be made of, and how each is read piece by piece. */

import { SourceError } from '../errors.js'
import type { FilePart } from '../parallel/jobs.js'
import { abortable } from '../sequence/abortable.js'
import { MAX_PART_BYTES } from '../sequence/byte-chunker.js'

/**
 * A regular file that is open for reading, such as Node's FileHandle: its bytes from the first one on, as many as it
 * has when reading begins. It is read by several threads at once, and to be left open and unchanged until then.
 */
export interface OpenFile {
  readonly fd: number
  stat(): Promise<{ readonly size: number; isFile(): boolean }>
}

/** Whatever gives bytes: whole, in pieces, as a web stream, a file, or a web Blob (or File, or nomsy's own). */
export type BlobSource =
  | OpenFile
  | Uint8Array
  | ArrayBuffer
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | ReadableStream<Uint8Array>
  | { stream(): ReadableStream<Uint8Array> }

/** Largest piece handed on at once, in bytes: so that progress, abort and back-pressure reach big pieces too. */
const PIECE_BYTES = 1024 * 1024

export interface PutOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes taken in, and the bytes of new chunks that the store has taken, since the last call. */
  readonly onProgress?: ((bytes: number, newBytes: number) => void) | undefined
}

/** The bytes of `source` in pieces of at most 1 MiB; a piece of bytes is used up before the next one is asked for. */
export async function* piecesOf(
  source: BlobSource,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array | FilePart> {
  signal?.throwIfAborted()
  if (isOpenFile(source)) return yield* partsOf(source, signal)
  for await (const piece of signal === undefined ? piecesIn(source) : abortable(piecesIn(source), signal)) {
    if (!(piece instanceof Uint8Array))
      throw new TypeError(`a blob is made of Uint8Arrays, not ${typeof piece}`)
    for (let start = 0; start < piece.length; start += PIECE_BYTES) {
      yield piece.subarray(start, start + PIECE_BYTES)
      signal?.throwIfAborted()
    }
  }
}

function isOpenFile(source: BlobSource): source is OpenFile {
  // What can be iterated is, though it may have a descriptor too, as Node's streams of files do.
  return typeof source === 'object' && source !== null && 'fd' in source && !(Symbol.asyncIterator in source)
}

async function* partsOf(file: OpenFile, signal: AbortSignal | undefined): AsyncGenerator<FilePart> {
  const stats = await statOf(file)
  if (!stats.isFile())
    throw new TypeError('only a regular file is read by its descriptor; of others give the stream')
  for (let position = 0; position < stats.size; position += MAX_PART_BYTES) {
    yield { fd: file.fd, position, length: Math.min(MAX_PART_BYTES, stats.size - position) }
    signal?.throwIfAborted()
  }
}

async function statOf(file: OpenFile): ReturnType<OpenFile['stat']> {
  try {
    return await file.stat()
  } catch (cause) {
    throw new SourceError(`a file cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function piecesIn(source: Exclude<BlobSource, OpenFile>): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (source instanceof Uint8Array) return [source]
  if (source instanceof ArrayBuffer) return [new Uint8Array(source)]
  if (typeof source !== 'object' || source === null) throw noSource()
  // Node's and current browsers' streams can be iterated; older browsers' cannot.
  if (Symbol.asyncIterator in source || Symbol.iterator in source) return source
  if ('stream' in source) return piecesIn(source.stream())
  if ('getReader' in source) return readAll(source)
  throw noSource()
}

function noSource(): TypeError {
  return new TypeError('a blob is made of bytes, an iterable of bytes, a stream or a Blob')
}

async function* readAll(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  let done = false
  try {
    for (;;) {
      const result = await reader.read()
      if (result.done) {
        done = true
        return
      }
      yield result.value
    }
  } finally {
    if (!done) await reader.cancel()
  }
}
