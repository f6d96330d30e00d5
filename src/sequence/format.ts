/**
 * What one kind of sequence (a blob, a list, a map) tells the tree code about itself. Everything else about
 * trees, writing, reading, splicing, walking and comparing them, is the same for all kinds.
 */

import type { EncodedChunks } from '../parallel/jobs.js'
import type { BoundaryRule } from './boundary.js'
import type { Leaf } from './node.js'

export interface SequenceFormat {
  /** First element of this kind's nodes. */
  readonly kind: string
  /** Whether `chunk`, the bytes of some node of this kind, is a leaf. */
  isLeaf(chunk: Uint8Array): boolean
  /** The chunk of the leaf whose `count` encoded items are `items`, one after the other; copies them. */
  encodeLeaf(items: Uint8Array, count: number): Uint8Array
  /**
   * In kinds whose items are bytes: the chunks of many leaves at once, each with the bytes of `items` up to one of
   * `ends`, in `memory` where they fit. It may take its time, on another thread; the buffers of all three are given
   * away.
   */
  readonly encodeLeaves?: (
    items: Uint8Array,
    ends: Uint32Array,
    memory: Uint8Array,
  ) => EncodedChunks | Promise<EncodedChunks>
  /** The leaf in `chunk`, as a view of it; throws an EncodingError where it is no canonical leaf. */
  decodeLeaf(chunk: Uint8Array): Leaf
  /** In kinds ordered by keys, whose items begin with them. */
  readonly keys?: KeyOrder
}

/** Most bytes of an encoded key, and of an encoded item. SPEC "Limits". */
export const MAX_KEY_BYTES = 1024
export const MAX_ITEM_BYTES = 1024 * 1024

/** What there is to know of encoded keys. Offsets are in bytes; what is there has been found canonical. */
export interface KeyOrder {
  /** Where the key that begins at `offset` ends. Throws an EncodingError where the value there cannot be a key. */
  end(bytes: Uint8Array, offset: number): number
  /** Below, at or above 0 as the key at `aOffset` of `a` comes before, is, or comes after that at `bOffset` of `b`. */
  compare(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number
}

/** Where the nodes of a tree end. An argument, so that tests can grow deep trees from little data. */
export interface TreeParams {
  readonly leaf: BoundaryRule
  readonly meta: BoundaryRule
}

/** Boundaries of meta nodes: a window of 8 refs, 160 bytes to the hasher. SPEC "Boundaries". */
export const META_BOUNDARY: BoundaryRule = {
  unitBytes: 20,
  windowUnits: 8,
  ones: 8,
  minUnits: 16,
  maxUnits: 2048,
}
