/**
 * The nodes of a tree in memory. Their bytes hold lengths, which are small; memory holds end offsets, so that a
 * position is found by binary search and the last one is the total.
 */

import type { Ref } from '../hash/ref.js'
import type { RefList } from '../hash/ref-list.js'

export type Node = Leaf | MetaNode

/** Encoded items, or keys, one after the other: number i ends at `ends[i]` of `items`. */
export interface EncodedItems {
  readonly items: Uint8Array
  readonly ends: Uint32Array
  /** What a search by keys has found out about items that begin with keys. */
  heads?: KeyHeads | undefined
}

/** Four bytes of each key, of keys that are ordered by their bytes. */
export interface KeyHeads {
  /** The kind of all these keys. */
  readonly kind: number
  /** Bytes of their payloads with which all of them begin. */
  readonly sharedBytes: number
  /** Of each key the four bytes after those, big-endian; zeros where it has ended. */
  readonly heads: Uint32Array
}

/** A node in the cache. */
export interface KeptNode {
  /** Undefined once it is kept no longer. */
  node: Node | undefined
  /** To be set by those who use the node. */
  isUsed: boolean
}

/** A run of items. `ends[i]` is the end of item i in `items`; without `ends` each byte is an item. */
export class Leaf {
  readonly level = 0
  readonly items: Uint8Array
  readonly ends: Uint32Array | undefined
  heads: KeyHeads | undefined = undefined

  constructor(items: Uint8Array, ends?: Uint32Array) {
    this.items = items
    this.ends = ends
  }

  /** Items in the leaf. */
  get length(): number {
    return this.ends === undefined ? this.items.length : this.ends.length
  }

  /** Bytes before item `index`. */
  offsetOf(index: number): number {
    if (this.ends === undefined) return index
    return index === 0 ? 0 : this.ends[index - 1]!
  }

  /** The encoded items from `start` to `end`. */
  slice(start: number, end: number): Uint8Array {
    return this.items.subarray(this.offsetOf(start), this.offsetOf(end))
  }
}

/** A run of children. */
export class MetaNode {
  readonly level: number
  readonly refs: RefList
  /** Items under the children up to and including each; rises strictly, the last is {@link length}. */
  readonly ends: Float64Array
  /** Last key under each child, in kinds ordered by keys. */
  readonly lastKeys: EncodedItems | undefined
  /** 1 for children that were read and found to be what this node says of them, which they then are for good. */
  readonly checked: Uint8Array
  /** Children that were found in the cache, of those that are {@link checked}. */
  readonly kept: (KeptNode | undefined)[]

  constructor(level: number, refs: RefList, ends: Float64Array, lastKeys?: EncodedItems) {
    this.level = level
    this.refs = refs
    this.ends = ends
    this.lastKeys = lastKeys
    this.checked = new Uint8Array(ends.length)
    this.kept = new Array<KeptNode | undefined>(ends.length)
  }

  /** Items under the node. */
  get length(): number {
    return this.ends[this.ends.length - 1]!
  }

  get childCount(): number {
    return this.ends.length
  }

  childRef(index: number): Ref {
    return this.refs.at(index)
  }

  /** Items under the children before `index`. */
  childStart(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1]!
  }

  /** Encoded last key under child `index`, in kinds ordered by keys. */
  lastKey(index: number): Uint8Array | undefined {
    if (this.lastKeys === undefined) return undefined
    const { items, ends } = this.lastKeys
    return items.subarray(index === 0 ? 0 : ends[index - 1]!, ends[index])
  }

  /** Items under child `index`. */
  childLength(index: number): number {
    return this.ends[index]! - this.childStart(index)
  }

  /** The child that holds item `position`, which is less than {@link length}: binary search by end offset. */
  childAt(position: number): number {
    let low = 0
    let high = this.ends.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.ends[middle]! > position) high = middle
      else low = middle + 1
    }
    return low
  }
}
