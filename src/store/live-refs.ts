/**
 * All refs of a store at one moment, and of each whether its chunk is known to be needed: what a collection marks.
 * Sorted bytes and a bit each, 20.1 MB for a million chunks, in pages that are never moved.
 */

import { REF_BYTES, Ref } from '../hash/ref.js'

/** Refs in a page, of 80 KiB: what a small store costs too. */
const PAGE_REFS = 4096

/** How far from where a ref should be, refs being evenly spread, it is looked for first. */
const FIRST_STEP = 64

interface Page {
  readonly refs: Uint8Array
  readonly marks: Uint8Array
}

export class LiveRefs {
  readonly #pages: Page[] = []
  #count = 0
  #liveCount = 0

  /** The table of `refs`, which come in order; none is live yet. */
  static async of(refs: AsyncIterable<Ref>, signal?: AbortSignal): Promise<LiveRefs> {
    const table = new LiveRefs()
    for await (const ref of refs) {
      if (table.#count % PAGE_REFS === 0) signal?.throwIfAborted()
      table.#push(ref)
    }
    return table
  }

  get count(): number {
    return this.#count
  }

  get liveCount(): number {
    return this.#liveCount
  }

  /** Makes a ref live: `false` where it was already, undefined where it is not in the table. */
  add(ref: Ref): boolean | undefined {
    const index = this.#find(ref.bytes)
    if (index === undefined) return undefined
    const { marks } = this.#pages[Math.floor(index / PAGE_REFS)]!
    const at = index % PAGE_REFS
    const bit = 1 << (at & 7)
    if ((marks[at >> 3]! & bit) !== 0) return false
    marks[at >> 3]! |= bit
    this.#liveCount++
    return true
  }

  /** Where in the order of the table the ref is; undefined where it is not in it. */
  indexOf(ref: Ref): number | undefined {
    return this.#find(ref.bytes)
  }

  /** Whether the table has the ref and it has not become live. */
  isDead(ref: Ref): boolean {
    const index = this.#find(ref.bytes)
    return index !== undefined && !this.#isLive(index)
  }

  /** All refs in order, with whether each is live. */
  *entries(): Generator<readonly [ref: Ref, isLive: boolean]> {
    for (let index = 0; index < this.#count; index++) yield [this.#at(index), this.#isLive(index)]
  }

  /** The refs that have not become live, in order. */
  *dead(): Generator<Ref> {
    for (let index = 0; index < this.#count; index++) if (!this.#isLive(index)) yield this.#at(index)
  }

  #push(ref: Ref): void {
    const at = this.#count % PAGE_REFS
    if (at === 0) {
      this.#pages.push({
        refs: new Uint8Array(PAGE_REFS * REF_BYTES),
        marks: new Uint8Array(PAGE_REFS / 8),
      })
    }
    this.#pages[this.#pages.length - 1]!.refs.set(ref.bytes, at * REF_BYTES)
    this.#count++
  }

  #at(index: number): Ref {
    const { refs } = this.#pages[Math.floor(index / PAGE_REFS)]!
    const at = (index % PAGE_REFS) * REF_BYTES
    return Ref.fromBytes(refs.subarray(at, at + REF_BYTES))
  }

  #isLive(index: number): boolean {
    const { marks } = this.#pages[Math.floor(index / PAGE_REFS)]!
    const at = index % PAGE_REFS
    return (marks[at >> 3]! & (1 << (at & 7))) !== 0
  }

  /** Where a ref is: searched outwards from where it should be, then by halves. */
  #find(bytes: Uint8Array): number | undefined {
    if (this.#count === 0) return undefined
    const share = (bytes[0]! * 2 ** 24 + bytes[1]! * 2 ** 16 + bytes[2]! * 2 ** 8 + bytes[3]!) / 2 ** 32
    const guess = Math.floor(share * this.#count)
    /** What is before `low` comes before the ref, what is from `high` on after it. */
    let low = 0
    let high = this.#count
    if (this.#compare(guess, bytes) <= 0) {
      low = guess
      for (let step = FIRST_STEP; low + step < high; step *= 2) {
        if (this.#compare(low + step, bytes) > 0) high = low + step
        else low += step
      }
    } else {
      high = guess
      for (let step = FIRST_STEP; high - step > low; step *= 2) {
        if (this.#compare(high - step, bytes) <= 0) low = high - step
        else high -= step
      }
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#compare(middle, bytes) <= 0) low = middle
      else high = middle
    }
    return low < high && this.#compare(low, bytes) === 0 ? low : undefined
  }

  /** Negative where the ref at `index` comes before `bytes`. */
  #compare(index: number, bytes: Uint8Array): number {
    const { refs } = this.#pages[Math.floor(index / PAGE_REFS)]!
    const at = (index % PAGE_REFS) * REF_BYTES
    for (let i = 0; i < REF_BYTES; i++) {
      const difference = refs[at + i]! - bytes[i]!
      if (difference !== 0) return difference
    }
    return 0
  }
}
