/**
 * A set of refs for walks of whole stores: some 20 to 60 bytes a ref, where a Set of their texts takes 100 and ends at
 * 2^24. Open addressing in one byte array, by the first bytes of a ref, which are as good as random.
 */

import { REF_BYTES, Ref, sameRef } from './ref.js'

const FIRST_SLOTS = 1024

export class RefSet {
  #slots = FIRST_SLOTS
  #bytes = new Uint8Array(FIRST_SLOTS * REF_BYTES)
  #used = new Uint8Array(FIRST_SLOTS)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(ref: Ref): boolean {
    return this.#used[this.#slotOf(ref.bytes)] === 1
  }

  /** Adds a ref; false where it is here already. */
  add(ref: Ref): boolean {
    const slot = this.#slotOf(ref.bytes)
    if (this.#used[slot] === 1) return false
    this.#put(slot, ref.bytes)
    this.#size++
    // Two thirds full at most, so that a free slot is near.
    if (this.#size * 3 > this.#slots * 2) this.#grow()
    return true
  }

  *[Symbol.iterator](): Iterator<Ref> {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#used[slot] === 1) yield Ref.fromBytes(this.#refAt(slot).slice())
    }
  }

  #refAt(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * REF_BYTES, (slot + 1) * REF_BYTES)
  }

  #put(slot: number, ref: Uint8Array): void {
    this.#bytes.set(ref, slot * REF_BYTES)
    this.#used[slot] = 1
  }

  /** The slot that holds `ref`, or the free one where it belongs. */
  #slotOf(ref: Uint8Array): number {
    const first = ((ref[0]! << 24) | (ref[1]! << 16) | (ref[2]! << 8) | ref[3]!) >>> 0
    let slot = first & (this.#slots - 1)
    while (this.#used[slot] === 1 && !sameRef(this.#bytes, slot * REF_BYTES, ref, 0)) {
      slot = (slot + 1) & (this.#slots - 1)
    }
    return slot
  }

  #grow(): void {
    const [bytes, used, slots] = [this.#bytes, this.#used, this.#slots]
    this.#slots = slots * 2
    this.#bytes = new Uint8Array(this.#slots * REF_BYTES)
    this.#used = new Uint8Array(this.#slots)
    for (let slot = 0; slot < slots; slot++) {
      if (used[slot] !== 1) continue
      const ref = bytes.subarray(slot * REF_BYTES, (slot + 1) * REF_BYTES)
      this.#put(this.#slotOf(ref), ref)
    }
  }
}
