/**
 * New items on their way into a tree: checked, encoded and gathered, many at a time. What cannot be stored throws a
 * TypeError or RangeError that names the place inside the key or value. SPEC "Collections".
 */

import { Writer } from '../encoding/encode.js'
import { ITEM_RULES } from '../encoding/value.js'
import { EncodingError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { MAX_ITEM_BYTES, MAX_KEY_BYTES } from '../sequence/format.js'
import { compareKeys, keyEnd } from './key-order.js'

/** A batch with so many bytes is handed on. */
const BATCH_BYTES = 64 * 1024

export class ItemBatch {
  readonly #writer: Writer
  /** Where each item ends in {@link items}. */
  readonly ends: number[] = []

  constructor(capacity = BATCH_BYTES) {
    this.#writer = new Writer(capacity, ITEM_RULES)
  }

  /** The items one after the other, as a view that holds until the batch is cleared. */
  get items(): Uint8Array {
    return this.#writer.bytes()
  }

  /** A copy of the items. */
  copy(): Uint8Array {
    return this.#writer.copy()
  }

  get isFull(): boolean {
    return this.#writer.length >= BATCH_BYTES
  }

  /** A copy of the last key, of items that begin with one. */
  lastKey(): Uint8Array {
    const { items } = this
    const start = this.#startOf(this.ends.length - 1)
    return items.slice(start, keyEnd(items, start))
  }

  /** Whether the last key comes after the one before it, which is `before` where the batch has no other. */
  isRising(before: Uint8Array | undefined): boolean {
    const { buffer } = this.#writer
    const last = this.ends.length - 1
    if (last > 0) return compareKeys(buffer, this.#startOf(last - 1), buffer, this.#startOf(last)) < 0
    return before === undefined || compareKeys(before, 0, buffer, 0) < 0
  }

  /** Adds a value: an item of a list. */
  addValue(value: unknown): void {
    this.#writer.item(value, 'value')
    this.#endItem('value is')
  }

  /** Adds a key: an item of a set. */
  addKey(key: unknown): void {
    this.#writeKey(key)
    this.#endItem('key is')
  }

  /** Adds a key and a value: an item of a map. */
  addEntry(key: unknown, value: unknown): void {
    this.#writeKey(key)
    this.#writer.item(value, 'value')
    this.#endItem('key and value are')
  }

  /** Empties the batch, also of an item that could not be added. */
  clear(): void {
    this.#writer.clear()
    this.ends.length = 0
  }

  /** Where item `index` begins in {@link items}. */
  #startOf(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1]!
  }

  #writeKey(key: unknown): void {
    const start = this.#writer.length
    this.#writer.item(key, 'key')
    const byteCount = this.#writer.length - start
    if (byteCount > MAX_KEY_BYTES)
      throw new RangeError(`key is ${byteCount} bytes encoded, above ${MAX_KEY_BYTES}`)
    if (typeof key !== 'string') checkKey(key, this.#writer.buffer, start)
  }

  #endItem(what: string): void {
    const end = this.#writer.length
    const byteCount = end - this.#startOf(this.ends.length)
    if (byteCount > MAX_ITEM_BYTES) {
      throw new RangeError(
        `${what} ${byteCount} bytes encoded, above ${MAX_ITEM_BYTES}; make it a blob or collection of its own and store that`,
      )
    }
    this.ends.push(end)
  }
}

/** A batch to encode single items with, while nobody else does. */
let spare: ItemBatch | undefined

/** The bytes of the one item that `add` adds to a batch. */
export function encodeItem(add: (batch: ItemBatch) => void): Uint8Array {
  const batch = spare ?? new ItemBatch(256)
  // A getter of a value may come back to here.
  spare = undefined
  try {
    add(batch)
    return batch.copy()
  } finally {
    // Not one that has grown large.
    spare = batch.isFull ? undefined : batch
    batch.clear()
  }
}

/** The bytes of a key. */
export function encodeKey(key: unknown): Uint8Array {
  return encodeItem((batch) => batch.addKey(key))
}

/** Throws a TypeError if `key`, whose encoding begins at `start` of `bytes`, is a value and no key. */
function checkKey(key: unknown, bytes: Uint8Array, start: number): void {
  try {
    keyEnd(bytes, start)
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error
    throw new TypeError(whyNoKey(key, 'key') ?? 'key cannot be a key')
  }
}

/** What in `key`, which is called `name`, keeps it from being a key. */
function whyNoKey(key: unknown, name: string): string | undefined {
  if (Array.isArray(key)) {
    for (const [index, element] of key.entries()) {
      const why = whyNoKey(element, `${name}[${index}]`)
      if (why !== undefined) return why
    }
    return undefined
  }
  if (Number.isNaN(key))
    return `${name} is NaN, which cannot be a key: it has no place in the order of numbers`
  if (typeof key !== 'object' || key === null || key instanceof Uint8Array || key instanceof Ref)
    return undefined
  return `${name} is a record, which cannot be a key; make it an array of what it is to be ordered by`
}
