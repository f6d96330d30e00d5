/**
 * Cuts bytes, each of which is an item, into chunks: the leaves of a blob. Bytes gather in a slab; all places where a
 * boundary could be are found at once, and the cuts among them by size, so that the search need not know where a
 * chunk begins. SPEC "Boundaries".
 */

import { BoundaryFinder, type BoundaryRule } from './boundary.js'
import { MAX_SCAN_BYTES, SCAN_WINDOW_BYTES, scanBoundaries } from './boundary-scan.js'

/**
 * Whole chunks one after the other in `items`, each up to one of `ends`. The taker owns both, with the buffer in which
 * the items lie, and may hand that back to {@link ByteChunker.reuse}.
 */
export type EmitRun = (items: Uint8Array, ends: Uint32Array) => void

/** First size of a slab: little data costs little. */
const FIRST_SLAB_BYTES = 64 * 1024

/** Fewer bytes than this are looked at where they are. */
const MIN_SCAN_BYTES = 4096

export class ByteChunker {
  readonly #rule: BoundaryRule
  readonly #finder: BoundaryFinder
  readonly #emit: EmitRun
  /** Bytes since the last cut, of which those before `#scanned` have been looked at and hold no boundary. */
  #slab: Uint8Array = new Uint8Array(0)
  #length = 0
  #scanned = 0
  /** Slabs of the greatest size that were handed back. */
  readonly #spare: ArrayBufferLike[] = []

  constructor(rule: BoundaryRule, emit: EmitRun) {
    this.#rule = rule
    this.#finder = new BoundaryFinder(rule)
    this.#emit = emit
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, this.#scanned + MAX_SCAN_BYTES - this.#length)
      this.#append(bytes.subarray(at, at + count))
      at += count
      if (this.#length - this.#scanned === MAX_SCAN_BYTES) this.#cut(false)
    }
  }

  /** Whether the bytes so far end at a boundary. */
  get isAtBoundary(): boolean {
    this.#cut(false)
    return this.#length === 0
  }

  /** Ends the last chunk, if there is one. */
  flush(): void {
    this.#cut(true)
  }

  /** Hands over the chunks that are complete; at the end what is left is one too. */
  #cut(isEnd: boolean): void {
    const ends = this.#ends()
    const last = ends[ends.length - 1] ?? 0
    if (isEnd && last < this.#length) ends.push(this.#length)
    const end = ends[ends.length - 1]
    if (end === undefined) {
      this.#scanned = this.#length
      return
    }
    const slab = this.#slab
    const rest = slab.subarray(end, this.#length)
    this.#slab = new Uint8Array(0)
    this.#length = 0
    this.#scanned = 0
    if (rest.length > 0) this.#append(rest)
    this.#scanned = this.#length
    this.#emit(slab.subarray(0, end), Uint32Array.from(ends))
  }

  /** Where chunks end among the bytes gathered. */
  #ends(): number[] {
    const { minUnits, maxUnits, unitBytes, windowUnits } = this.#rule
    const isBulk =
      this.#length - this.#scanned >= MIN_SCAN_BYTES && unitBytes * windowUnits === SCAN_WINDOW_BYTES
    if (!isBulk) return this.#endsFound()
    const ends: number[] = []
    let start = 0
    for (const offset of this.#candidates()) {
      const at = this.#scanned + offset
      for (; at - start > maxUnits; start += maxUnits) ends.push(start + maxUnits)
      if (at - start < minUnits) continue
      ends.push(at)
      start = at
    }
    for (; this.#length - start >= maxUnits; start += maxUnits) ends.push(start + maxUnits)
    return ends
  }

  #candidates(): Uint32Array {
    // Before a chunk's own bytes nothing counts, since no window reaches there.
    const before = new Uint8Array(SCAN_WINDOW_BYTES)
    const known = this.#slab.subarray(Math.max(0, this.#scanned - SCAN_WINDOW_BYTES), this.#scanned)
    before.set(known, SCAN_WINDOW_BYTES - known.length)
    return scanBoundaries(this.#slab.subarray(this.#scanned, this.#length), before, this.#rule.ones)
  }

  /** The same, one chunk at a time. */
  #endsFound(): number[] {
    const ends: number[] = []
    let from = this.#scanned
    for (let start = 0; start < this.#length; ) {
      const end = this.#finder.find(this.#slab, start, from, this.#length)
      if (end < 0) break
      ends.push(end)
      start = end
      from = end
    }
    return ends
  }

  /** Takes a slab back that was handed over with `items`. */
  reuse(items: Uint8Array): void {
    if (items.buffer.byteLength === this.#mostBytes) this.#spare.push(items.buffer)
  }

  get #mostBytes(): number {
    return this.#rule.maxUnits + MAX_SCAN_BYTES
  }

  /** A slab for at least so many bytes: small at first, then the greatest there is. */
  #newSlab(byteCount: number): Uint8Array {
    if (byteCount <= FIRST_SLAB_BYTES) return new Uint8Array(FIRST_SLAB_BYTES)
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(Math.max(byteCount, this.#mostBytes)))
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#slab.length) {
      const grown = this.#newSlab(length)
      grown.set(this.#slab.subarray(0, this.#length))
      this.#slab = grown
    }
    this.#slab.set(bytes, this.#length)
    this.#length = length
  }
}
