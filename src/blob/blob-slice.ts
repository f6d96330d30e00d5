/**
 * Bytes of a blob from one offset to another, read when asked for: the reading half of a blob, with the methods
 * of the web platform's Blob. Every byte handed out has been verified against the blob's ref.
 */

import { leafRuns } from '../sequence/leaves.js'
import { MetaNode } from '../sequence/node.js'
import type { Tree } from '../sequence/node-reader.js'
import { checkIndex, clampPosition } from '../sequence/position.js'

/** Where {@link BlobSlice.read} puts bytes and takes them from, as in `fs.read`. */
export interface ReadOptions {
  /** Place in the buffer; 0 where left out. */
  readonly offset?: number | undefined
  /** Most bytes to read; up to the end of the buffer where left out. */
  readonly length?: number | undefined
  /** Offset in the slice of the first byte to read; 0 where left out. */
  readonly position?: number | undefined
}

/** Reads of no more than this go leaf by leaf. */
const SMALL_READ_BYTES = 16 * 1024

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined
}

export class BlobSlice implements AsyncIterable<Uint8Array> {
  /** Bytes in the slice. */
  readonly size: number
  /** @internal The tree it is a part of, and where it begins there: for what works on trees. */
  readonly tree: Tree & { readonly start: number }

  /** @internal */
  constructor(tree: Tree, start: number, end: number) {
    this.tree = { ...tree, start }
    this.size = end - start
  }

  /** The bytes from `start` to `end` (exclusive); negative offsets count from the end, as in Blob.slice. */
  slice(start = 0, end = this.size): BlobSlice {
    const from = clampPosition(start, this.size)
    const to = Math.max(clampPosition(end, this.size), from)
    return new BlobSlice(this.tree, this.tree.start + from, this.tree.start + to)
  }

  /** All bytes in one array. Throws a RangeError where no array is that long. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(this.size)
    await this.read(bytes)
    return bytes
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer
  }

  /** The bytes as UTF-8; what is none becomes U+FFFD, as in Blob.text. */
  async text(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const piece of this) text += decoder.decode(piece, { stream: true })
    return text + decoder.decode()
  }

  /**
   * Fills `buffer` with bytes from `position` on; resolves to the number of bytes read, which is less than was
   * asked for only at the end.
   */
  async read(buffer: Uint8Array, options: ReadOptions = {}): Promise<number> {
    const { offset = 0, position = 0 } = options
    const { length = buffer.length - offset } = options
    checkIndex('offset', offset, buffer.length)
    checkIndex('length', length, buffer.length - offset)
    checkIndex('position', position, Number.MAX_SAFE_INTEGER)
    const start = Math.min(position, this.size)
    const end = Math.min(start + length, this.size)
    if (start === end) return 0
    const into = buffer.subarray(offset, offset + end - start)
    if (into.length <= SMALL_READ_BYTES) {
      await this.#readByLeaf(into, this.tree.start + start)
    } else {
      for await (const run of this.#runs(start, end)) {
        into.set(run.leaf.slice(run.from, run.to), run.start - this.tree.start - start)
      }
    }
    return end - start
  }

  /** The bytes as a web stream of bytes that reads ahead by one batch of chunks and no further. */
  stream(options: StreamOptions = {}): ReadableStream<Uint8Array> {
    let pieces: AsyncGenerator<Uint8Array>
    return new ReadableStream({
      type: 'bytes',
      start: () => {
        pieces = this.pieces(options)
      },
      pull: async (controller) => {
        const next = await pieces.next()
        if (next.done !== true) {
          // A byte stream takes over the buffer of what it is given, and a Buffer's own slice is no copy.
          controller.enqueue(new Uint8Array(next.value))
          return
        }
        controller.close()
        controller.byobRequest?.respond(0)
      },
      cancel: async () => {
        await pieces.return(undefined)
      },
    })
  }

  /** The bytes in pieces of up to 64 KiB, which must not be written to. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return this.pieces()
  }

  /** As iterating, with options. */
  async *pieces(options: StreamOptions = {}): AsyncGenerator<Uint8Array> {
    options.signal?.throwIfAborted()
    for await (const run of this.#runs(0, this.size)) {
      yield run.leaf.slice(run.from, run.to)
      options.signal?.throwIfAborted()
    }
  }

  #runs(start: number, end: number): ReturnType<typeof leafRuns> {
    return leafRuns(this.tree, this.tree.start + start, this.tree.start + end)
  }

  /** The short way for small reads: down the cached path to each leaf. */
  async #readByLeaf(into: Uint8Array, start: number): Promise<void> {
    const { root, reader } = this.tree
    for (let done = 0; done < into.length; ) {
      let node = root
      let from = start + done
      while (node instanceof MetaNode) {
        const index = node.childAt(from)
        from -= node.childStart(index)
        node = reader.cachedChild(node, index) ?? (await reader.child(node, index))
      }
      const part = node.slice(from, Math.min(from + into.length - done, node.length))
      into.set(part, done)
      done += part.length
    }
  }
}
