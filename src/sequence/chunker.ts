/**
 * Cuts one level of a tree into chunks: items go in, runs of items that make one node come out. What a node is
 * made of is the caller's business; here an item is a byte string, and only boundaries are decided.
 */

import { BoundaryFinder, type BoundaryRule } from './boundary.js'

/** One node's items, concatenated. `items` is reused by the chunker: whoever keeps them copies them. */
export type EmitItems = (items: Uint8Array, count: number, lastItemStart: number) => void

export class Chunker {
  readonly #finder: BoundaryFinder
  readonly #emit: EmitItems
  /** Item bytes since the last boundary. */
  #buffer: Uint8Array
  #length = 0
  #count = 0
  #lastItemStart = 0

  constructor(rule: BoundaryRule, emit: EmitItems) {
    this.#finder = new BoundaryFinder(rule)
    this.#emit = emit
    this.#buffer = new Uint8Array(this.#finder.maxBytes)
  }

  /** Items since the last boundary. */
  get count(): number {
    return this.#count
  }

  /** Adds one item, which is never cut: a boundary inside it takes effect at its end. */
  pushItem(item: Uint8Array): void {
    const from = this.#length
    this.#append(item, 0, item.length)
    this.#count++
    this.#lastItemStart = from
    if (this.#finder.find(this.#buffer, 0, from, this.#length) >= 0) this.flush()
  }

  /** Adds bytes each of which is an item. Chunks that lie whole within `bytes` are not copied. */
  pushBytes(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      at = this.#length > 0 ? this.#continueChunk(bytes, at) : this.#wholeChunk(bytes, at)
    }
  }

  /** Ends the last chunk, if there is one. */
  flush(): void {
    const length = this.#length
    const count = this.#count
    this.#length = 0
    this.#count = 0
    if (count > 0) this.#emit(this.#buffer.subarray(0, length), count, this.#lastItemStart)
  }

  /** Emits the chunk that begins at `start` straight from `bytes`, or keeps it where it is not complete. */
  #wholeChunk(bytes: Uint8Array, start: number): number {
    const end = this.#finder.find(bytes, start, start, bytes.length)
    if (end >= 0) {
      this.#emit(bytes.subarray(start, end), end - start, end - start - 1)
      return end
    }
    this.#append(bytes, start, bytes.length)
    this.#count = this.#length
    this.#lastItemStart = this.#length - 1
    return bytes.length
  }

  /** Adds to a chunk that began in an earlier piece. */
  #continueChunk(bytes: Uint8Array, at: number): number {
    const before = this.#length
    this.#append(bytes, at, Math.min(bytes.length, at + this.#finder.maxBytes - before))
    const end = this.#finder.find(this.#buffer, 0, before, this.#length)
    const taken = (end >= 0 ? end : this.#length) - before
    this.#length = before + taken
    this.#count = this.#length
    this.#lastItemStart = this.#length - 1
    if (end >= 0) this.flush()
    return at + taken
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length)
    this.#length = length
  }
}
