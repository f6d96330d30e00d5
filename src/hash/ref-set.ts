/** A set of refs for walks of whole stores: some 24 to 72 bytes a ref, where a Set of their texts ends at 2^24. */

import type { Ref } from './ref.js'
import { RefNumbers } from './ref-numbers.js'

export class RefSet {
  readonly #refs = new RefNumbers()

  get size(): number {
    return this.#refs.size
  }

  has(ref: Ref): boolean {
    return this.#refs.get(ref) !== 0
  }

  /** Adds a ref; false where it is here already. */
  add(ref: Ref): boolean {
    return this.#refs.set(ref, 1) === 0
  }

  [Symbol.iterator](): Iterator<Ref> {
    return this.#refs[Symbol.iterator]()
  }
}
