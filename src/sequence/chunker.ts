/**
 * Cuts one level of a tree into chunks: items go in, runs of items that make one node come out. An item is a byte
 * string that is never cut: an entry of a collection in its leaves, a ref in meta nodes. What a node is made of is
 * the caller's business.
 */

import { BoundaryFinder, type BoundaryRule } from './boundary.js'

/** One node's items, concatenated. `items` is reused by the chunker: whoever keeps them copies them. */
export type EmitItems = (items: Uint8Array, count: number, lastItemStart: number) => void

/** First size of a chunker's buffer. */
const FIRST_BYTES = 4096

/** Buffers of chunkers that have ended, for the next ones: an edit takes one on each level, and little else. */
const SPARES: Uint8Array[] = []
const MAX_SPARES = 8
const MAX_SPARE_BYTES = 64 * 1024

export class Chunker {
  readonly #finder: BoundaryFinder
  readonly #emit: EmitItems
  /** Item bytes since the last boundary. */
  #buffer: Uint8Array = SPARES.pop() ?? new Uint8Array(0)
  #length = 0
  #count = 0
  #lastItemStart = 0

  constructor(rule: BoundaryRule, emit: EmitItems) {
    this.#finder = new BoundaryFinder(rule)
    this.#emit = emit
  }

  /** Items since the last boundary. */
  get count(): number {
    return this.#count
  }

  /** Adds one item: a boundary inside it takes effect at its end. */
  push(item: Uint8Array): void {
    this.pushRun(item, [item.length], 0, 1)
  }

  /** Adds items `from` to `to` of those that lie one after the other in `items`, each up to one of `ends`. */
  pushRun(items: Uint8Array, ends: ArrayLike<number>, from: number, to: number): void {
    if (from === to) return
    const first = startOf(ends, from)
    /** What is at `offset` of `items` is at `offset + shift` of the buffer. */
    const shift = this.#length - first
    this.#append(items.subarray(first, ends[to - 1]!))
    let start = 0
    let looked = first + shift
    let next = from
    for (;;) {
      const boundary = this.#finder.find(this.#buffer, start, looked, this.#length)
      if (boundary < 0) break
      let last = next
      while (ends[last]! + shift < boundary) last++
      const end = ends[last]! + shift
      this.#count += last + 1 - next
      this.#emit(this.#buffer.subarray(start, end), this.#count, startOf(ends, last) + shift - start)
      this.#count = 0
      next = last + 1
      start = end
      looked = end
    }
    this.#count += to - next
    this.#lastItemStart = startOf(ends, to - 1) + shift - start
    if (start > 0) this.#buffer.copyWithin(0, start, this.#length)
    this.#length -= start
  }

  /** Ends the last chunk, if there is one. Nothing can be added after it. */
  flush(): void {
    const buffer = this.#buffer
    if (this.#count > 0) this.#emit(buffer.subarray(0, this.#length), this.#count, this.#lastItemStart)
    this.#length = 0
    this.#count = 0
    this.#buffer = new Uint8Array(0)
    if (SPARES.length < MAX_SPARES && buffer.length > 0 && buffer.length <= MAX_SPARE_BYTES)
      SPARES.push(buffer)
  }

  #append(items: Uint8Array): void {
    const length = this.#length + items.length
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, this.#buffer.length * 2, FIRST_BYTES))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(items, this.#length)
    this.#length = length
  }
}

function startOf(ends: ArrayLike<number>, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!
}
