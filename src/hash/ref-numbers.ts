/**
 * A number for each of many refs, for walks of whole stores: some 24 to 72 bytes a ref, where a Map of their texts
 * takes 100 and ends at 2^24. Open addressing in one byte array, by the first bytes of a ref, which are as good as
 * random.
 */

import { REF_BYTES, Ref, sameRef } from './ref.js'

const FIRST_SLOTS = 1024

export class RefNumbers {
  #slots = FIRST_SLOTS
  #bytes = new Uint8Array(FIRST_SLOTS * REF_BYTES)
  #numbers = new Uint32Array(FIRST_SLOTS)
  #size = 0

  /** Refs that have a number. */
  get size(): number {
    return this.#size
  }

  /** The number of `ref`; 0 where it has none. */
  get(ref: Ref): number {
    return this.#numbers[this.#slotOf(ref.bytes)]!
  }

  /** Gives `ref` a number, 1 to 2^32-1; gives the one that it had, 0 where it had none. */
  set(ref: Ref, number: number): number {
    const slot = this.#slotOf(ref.bytes)
    const before = this.#numbers[slot]!
    this.#numbers[slot] = number
    if (before !== 0) return before
    this.#bytes.set(ref.bytes, slot * REF_BYTES)
    this.#size++
    // Two thirds full at most, so that a free slot is near.
    if (this.#size * 3 > this.#slots * 2) this.#grow()
    return 0
  }

  /** The refs that have a number, in no order. */
  *[Symbol.iterator](): Iterator<Ref> {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#numbers[slot] !== 0) yield Ref.fromBytes(this.#refAt(slot).slice())
    }
  }

  #refAt(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * REF_BYTES, (slot + 1) * REF_BYTES)
  }

  /** The slot that holds `ref`, or the free one where it belongs. */
  #slotOf(ref: Uint8Array): number {
    const first = ((ref[0]! << 24) | (ref[1]! << 16) | (ref[2]! << 8) | ref[3]!) >>> 0
    let slot = first & (this.#slots - 1)
    while (this.#numbers[slot] !== 0 && !sameRef(this.#bytes, slot * REF_BYTES, ref, 0)) {
      slot = (slot + 1) & (this.#slots - 1)
    }
    return slot
  }

  #grow(): void {
    const [bytes, numbers, slots] = [this.#bytes, this.#numbers, this.#slots]
    this.#slots = slots * 2
    this.#bytes = new Uint8Array(this.#slots * REF_BYTES)
    this.#numbers = new Uint32Array(this.#slots)
    for (let from = 0; from < slots; from++) {
      if (numbers[from] === 0) continue
      const ref = bytes.subarray(from * REF_BYTES, (from + 1) * REF_BYTES)
      const slot = this.#slotOf(ref)
      this.#bytes.set(ref, slot * REF_BYTES)
      this.#numbers[slot] = numbers[from]!
    }
  }
}
