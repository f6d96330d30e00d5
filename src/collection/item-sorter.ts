/**
 * Sorts any number of encoded items by their keys in bounded memory: runs of them are sorted in memory and set aside,
 * then merged (Knuth, The Art of Computer Programming 3, 5.4). They are not set aside in the store, where they would
 * stay as garbage. Where a key comes again the later item wins.
 */

import { compareKeys } from './key-order.js'
import { LENGTH_BYTES, mergeRuns } from './run-merge.js'
import { openScratch, type Scratch } from './scratch.js'

/** How much is sorted in memory at a time. */
export interface RunLimits {
  readonly bytes: number
  readonly items: number
}

const RUN_LIMITS: RunLimits = { bytes: 32 * 1024 * 1024, items: 1024 * 1024 }

/** Bytes set aside at once. */
const WRITE_BYTES = 1024 * 1024

export class ItemSorter {
  readonly #limits: RunLimits
  readonly #openScratch: () => Promise<Scratch>
  /** The run being gathered: items one after the other, and where each ends. */
  #items: Uint8Array = new Uint8Array(64 * 1024)
  #ends: number[] = []
  #scratch: Scratch | undefined
  /** Where each run that was set aside ends in the scratch. */
  readonly #runEnds: number[] = []

  constructor(limits = RUN_LIMITS, open = openScratch) {
    this.#limits = limits
    this.#openScratch = open
  }

  /** Adds items that lie one after the other, each up to one of `ends`; copies them. */
  async add(items: Uint8Array, ends: readonly number[]): Promise<void> {
    const { bytes, items: count } = this.#limits
    const isFull =
      this.#startOf(this.#ends.length) + items.length > bytes || this.#ends.length + ends.length > count
    if (isFull && this.#ends.length > 0) await this.#setAside()
    const start = this.#startOf(this.#ends.length)
    this.#reserve(start + items.length)
    this.#items.set(items, start)
    for (const end of ends) this.#ends.push(start + end)
  }

  /** All items, rising by key, one for each key. To be asked for once, after the last was added. */
  async *sorted(): AsyncGenerator<Uint8Array> {
    if (this.#scratch === undefined) {
      yield* this.#sortedRun()
      return
    }
    if (this.#ends.length > 0) await this.#setAside()
    yield* mergeRuns(this.#scratch, this.#runEnds)
  }

  /** Gives back what room was taken. */
  async close(): Promise<void> {
    await this.#scratch?.close()
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!
  }

  /** The items of the run being gathered, rising by key; of equal keys the last. */
  *#sortedRun(): Generator<Uint8Array> {
    const items = this.#items
    const compare = (a: number, b: number): number =>
      compareKeys(items, this.#startOf(a), items, this.#startOf(b))
    const order = Array.from(this.#ends.keys()).sort(compare)
    for (const [place, index] of order.entries()) {
      const next = order[place + 1]
      if (next !== undefined && compare(index, next) === 0) continue
      yield items.subarray(this.#startOf(index), this.#ends[index])
    }
  }

  /** Ends the run being gathered. */
  async #setAside(): Promise<void> {
    this.#scratch ??= await this.#openScratch()
    let runBytes = 0
    let piece = new Uint8Array(WRITE_BYTES)
    let length = 0
    for (const item of this.#sortedRun()) {
      const needed = LENGTH_BYTES + item.length
      if (length + needed > piece.length) {
        await this.#scratch.append(piece.subarray(0, length))
        piece = new Uint8Array(Math.max(WRITE_BYTES, needed))
        length = 0
      }
      new DataView(piece.buffer).setUint32(length, item.length)
      piece.set(item, length + LENGTH_BYTES)
      length += needed
      runBytes += needed
    }
    await this.#scratch.append(piece.subarray(0, length))
    this.#runEnds.push((this.#runEnds.at(-1) ?? 0) + runBytes)
    this.#ends = []
  }

  #reserve(byteCount: number): void {
    if (byteCount <= this.#items.length) return
    const grown = new Uint8Array(Math.max(byteCount, this.#items.length * 2))
    grown.set(this.#items.subarray(0, this.#startOf(this.#ends.length)))
    this.#items = grown
  }
}
