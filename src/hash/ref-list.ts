/**
 * Many refs as one byte string, 20 bytes each, one after the other: the form in which nodes store them
 * (SPEC "Refs") and in which they are hashed for boundaries, so that reading a node copies nothing.
 */

import { REF_BYTES, Ref } from './ref.js'

export class RefList implements Iterable<Ref> {
  /** The refs' bytes; never written after construction. */
  readonly bytes: Uint8Array

  /** The list over `bytes`, which it keeps; their number must be a multiple of 20. */
  constructor(bytes: Uint8Array) {
    if (bytes.length % REF_BYTES !== 0)
      throw new RangeError(`${bytes.length} bytes are no whole number of refs`)
    this.bytes = bytes
  }

  static of(refs: readonly Ref[]): RefList {
    const bytes = new Uint8Array(refs.length * REF_BYTES)
    refs.forEach((ref, index) => {
      bytes.set(ref.bytes, index * REF_BYTES)
    })
    return new RefList(bytes)
  }

  get length(): number {
    return this.bytes.length / REF_BYTES
  }

  at(index: number): Ref {
    return Ref.fromBytes(this.bytes.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
  }

  *[Symbol.iterator](): Iterator<Ref> {
    for (let index = 0; index < this.length; index++) yield this.at(index)
  }
}
