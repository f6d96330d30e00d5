/** What sets and maps have in common: items found by key, in the order of keys. */

import { Collection } from './collection.js'
import { itemAt } from './item-at.js'
import { encodeKey } from './item-batch.js'
import { ItemIterator } from './item-iterator.js'
import { type KeyRange, runsInRange } from './key-range.js'
import { findKey } from './key-search.js'
import { type ReadItem, readItemOf, readKey } from './read-item.js'
import type { Input, Key } from './value.js'

/** All methods that take keys throw a TypeError or RangeError where something cannot be a key. */
export abstract class SortedCollection<K extends Key> extends Collection {
  /** Number of keys. */
  get size(): number {
    return this.tree.root.length
  }

  /** Whether the key is there. */
  async has(key: Input<K>): Promise<boolean> {
    return (await findKey(this.tree, encodeKey(key))).isFound
  }

  /** The position of the key, which is the number of keys before it; undefined if it is not there. */
  async indexOf(key: Input<K>): Promise<number | undefined> {
    const { position, isFound } = await findKey(this.tree, encodeKey(key))
    return isFound ? position : undefined
  }

  /** The keys in a range, in order. */
  keys(range: KeyRange<K> = {}): AsyncIterableIterator<K> {
    return this.read(range, readKey<K>)
  }

  protected read<T>(range: KeyRange<K>, read: ReadItem<T>): AsyncIterableIterator<T> {
    return new ItemIterator(runsInRange(this.tree, range), read, range.reverse)
  }

  protected async readAt<T>(position: number, read: ReadItem<T>): Promise<T | undefined> {
    const place = await itemAt(this.tree, position)
    return place && readItemOf(place.leaf, place.index, read)
  }
}
