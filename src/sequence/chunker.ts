/**
 * Cuts one level of a tree into chunks: items go in, runs of items that make one node come out. An item is a byte
 * string that is never cut: an entry of a collection in its leaves, a ref in meta nodes. What a node is made of is
 * the caller's business.
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
    this.#buffer = new Uint8Array(1024)
  }

  /** Items since the last boundary. */
  get count(): number {
    return this.#count
  }

  /** Adds one item: a boundary inside it takes effect at its end. */
  push(item: Uint8Array): void {
    const from = this.#length
    this.#append(item)
    this.#count++
    this.#lastItemStart = from
    if (this.#finder.find(this.#buffer, 0, from, this.#length) >= 0) this.flush()
  }

  /** Ends the last chunk, if there is one. */
  flush(): void {
    const length = this.#length
    const count = this.#count
    this.#length = 0
    this.#count = 0
    if (count > 0) this.#emit(this.#buffer.subarray(0, length), count, this.#lastItemStart)
  }

  #append(item: Uint8Array): void {
    const length = this.#length + item.length
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(item, this.#length)
    this.#length = length
  }
}
