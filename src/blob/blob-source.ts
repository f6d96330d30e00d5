/** What a blob can be made of, and how each is read piece by piece. */

/** Whatever gives bytes: whole, in pieces, as a web stream, or as a web Blob (or File, or nomsy's own). */
export type BlobSource =
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

/** The bytes of `source` in pieces of at most 1 MiB; a piece is used up before the next one is asked for. */
export async function* piecesOf(source: BlobSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  for await (const piece of signal === undefined ? piecesIn(source) : abortable(piecesIn(source), signal)) {
    if (!(piece instanceof Uint8Array))
      throw new TypeError(`a blob is made of Uint8Arrays, not ${typeof piece}`)
    for (let start = 0; start < piece.length; start += PIECE_BYTES) {
      const part = piece.subarray(start, start + PIECE_BYTES)
      yield part
      signal?.throwIfAborted()
    }
  }
}

/** The same pieces, until `signal` says stop, be the source silent as it may. */
async function* abortable(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  let stop = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  stopped.catch(() => {})
  let isOver = false
  try {
    for (;;) {
      const result = await Promise.race([iterator.next(), stopped])
      if (result.done === true) {
        isOver = true
        return
      }
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // A source that is silent would not answer to this either.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

function piecesIn(source: BlobSource): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
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
