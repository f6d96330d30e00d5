/** Decodes items. What is given is copied, so that nobody's changes to it reach the nodes that are kept in memory. */

import { Reader } from '../encoding/decode.js'
import { ITEM_RULES } from '../encoding/value.js'
import type { Leaf } from '../sequence/node.js'
import type { Key, Value } from './value.js'

/** Makes something of the item at which `reader` stands. */
export type ReadItem<T> = (reader: Reader) => T

/** A reader of `items`, which are encoded items one after the other. */
export function itemReader(items: Uint8Array): Reader {
  return new Reader(items, { rules: ITEM_RULES, copies: true })
}

/** What `read` makes of one encoded item. */
export function readItem<T>(item: Uint8Array, read: ReadItem<T>): T {
  return read(itemReader(item))
}

/** What `read` makes of item `index` of `leaf`. */
export function readItemOf<T>(leaf: Leaf, index: number, read: ReadItem<T>): T {
  const reader = itemReader(leaf.items)
  reader.seek(leaf.offsetOf(index))
  return read(reader)
}

/** The item of a list. */
export function readListItem<T extends Value>(reader: Reader): T {
  return reader.value() as T
}

/** The key of an item of a set or map. */
export function readKey<K extends Key>(reader: Reader): K {
  return reader.value() as K
}

/** The value of an item of a map. */
export function readValue<V extends Value>(reader: Reader): V {
  reader.skip()
  return reader.value() as V
}

/** The key and the value of an item of a map. */
export function readEntry<K extends Key, V extends Value>(reader: Reader): [K, V] {
  const key = reader.value() as K
  return [key, reader.value() as V]
}
