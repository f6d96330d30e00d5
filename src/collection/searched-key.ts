/**
 * A key that is looked for: binary search among encoded items that are sorted by their keys. Where all keys are
 * strings, byte strings or refs, most of it goes over four bytes of each key that lie side by side (the "poor man's
 * normalized keys" of Graefe, Modern B-Tree Techniques, 2011): what has to be fetched from memory is what a search
 * waits for.
 */

import type { EncodedItems, KeyHeads } from '../sequence/node.js'
import { compareKeys, isOrderedByBytes, keyKind, payloadBytes, payloadStart } from './key-order.js'

const HEAD_BYTES = 4

/** Of items that have no heads: no key is of this kind. */
const NO_HEADS: KeyHeads = { kind: -1, sharedBytes: 0, heads: new Uint32Array(0) }

/** Of items that have been searched once: their heads are worth finding the next time. */
const NO_HEADS_YET: KeyHeads = { ...NO_HEADS }

export class SearchedKey {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #kind: number

  /** The encoded key that begins at `start` of `bytes`; what comes after it is not looked at. */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes
    this.#start = start
    this.#kind = keyKind(bytes, start)
  }

  /**
   * Index of the item that has the key; where none has it, `~index`, which is below 0, of the first item whose key comes
   * after it, `~length` where none does.
   */
  searchIn(sorted: EncodedItems): number {
    if (sorted.heads === undefined) sorted.heads = NO_HEADS_YET
    else if (sorted.heads === NO_HEADS_YET) sorted.heads = headsOf(sorted)
    const { kind, heads } = sorted.heads
    if (kind !== this.#kind) return this.#searchBetween(sorted, 0, sorted.ends.length)
    const order = this.#compareShared(sorted.items, sorted.heads)
    if (order !== 0) return order < 0 ? ~0 : ~heads.length
    const first = payloadStart(this.#bytes, this.#start)
    const end = first + payloadBytes(this.#bytes, this.#start)
    const head = headAt(this.#bytes, first + sorted.heads.sharedBytes, end)
    const low = firstFrom(heads, 0, head)
    if (heads[low] !== head) return ~low
    const high = heads[low + 1] === head ? firstFrom(heads, low + 2, head + 1) : low + 1
    return this.#searchBetween(sorted, low, high)
  }

  /** As {@link searchIn}, where those before `low` come before the key, and those from `high` on after it. */
  #searchBetween({ items, ends }: EncodedItems, low: number, high: number): number {
    let from = low
    let to = high
    while (from < to) {
      const middle = (from + to) >>> 1
      const order = compareKeys(items, middle === 0 ? 0 : ends[middle - 1]!, this.#bytes, this.#start)
      if (order === 0) return middle
      if (order < 0) from = middle + 1
      else to = middle
    }
    return ~from
  }

  /** Compares the key with what all keys of `items` begin with: below 0 where it comes before all of them. */
  #compareShared(items: Uint8Array, { sharedBytes }: KeyHeads): number {
    const bytes = this.#bytes
    const first = payloadStart(bytes, this.#start)
    const length = payloadBytes(bytes, this.#start)
    const itemFirst = payloadStart(items, 0)
    for (let at = 0; at < sharedBytes; at++) {
      if (at === length) return -1
      const difference = bytes[first + at]! - items[itemFirst + at]!
      if (difference !== 0) return difference
    }
    return 0
  }
}

/** Found once, and kept with the items. */
function headsOf({ items, ends }: EncodedItems): KeyHeads {
  const count = ends.length
  const kind = count === 0 ? NO_HEADS.kind : keyKind(items, 0)
  const lastStart = count < 2 ? 0 : ends[count - 2]!
  if (!isOrderedByBytes(kind) || keyKind(items, lastStart) !== kind) return NO_HEADS
  const sharedBytes = commonBytes(items, 0, lastStart)
  const heads = new Uint32Array(count)
  for (let index = 0, start = 0; index < count; index++) {
    const first = payloadStart(items, start)
    heads[index] = headAt(items, first + sharedBytes, first + payloadBytes(items, start))
    start = ends[index]!
  }
  return { kind, sharedBytes, heads }
}

/** How many bytes the payloads of the keys at `a` and at `b` have in common from their beginning on. */
function commonBytes(items: Uint8Array, a: number, b: number): number {
  const limit = Math.min(payloadBytes(items, a), payloadBytes(items, b))
  const [aFirst, bFirst] = [payloadStart(items, a), payloadStart(items, b)]
  let count = 0
  while (count < limit && items[aFirst + count] === items[bFirst + count]) count++
  return count
}

/** The four bytes at `at` as a number, those from `end` on being zeros. */
function headAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + HEAD_BYTES <= end)
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  let head = 0
  for (let index = at; index < at + HEAD_BYTES; index++) head = head * 256 + (index < end ? bytes[index]! : 0)
  return head
}

/** Index of the first of `heads` from `low` on that is not below `head`. */
function firstFrom(heads: Uint32Array, low: number, head: number): number {
  let from = low
  let to = heads.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (heads[middle]! < head) from = middle + 1
    else to = middle
  }
  return from
}
