/** Changes of a map, collected until {@link MapEdit.done} makes a new map of them. */

import { EditList } from './edit-list.js'
import { encodeItem, encodeKey } from './item-batch.js'
import type { KeyedEdit } from './keyed-edit.js'
import type { SortedMap } from './sorted-map.js'
import type { Input, Key, Value } from './value.js'

export class MapEdit<K extends Key, V extends Value> {
  readonly #apply: (edits: readonly KeyedEdit[]) => Promise<SortedMap<K, V>>
  readonly #edits = new EditList()

  /** @internal */
  constructor(apply: (edits: readonly KeyedEdit[]) => Promise<SortedMap<K, V>>) {
    this.#apply = apply
  }

  /** Sets the key to the value as it is now. Throws a TypeError or RangeError where either cannot be stored. */
  set(key: Input<K>, value: Input<V>): this {
    this.#edits.put(encodeItem((batch) => batch.addEntry(key, value)))
    return this
  }

  /** Removes the key, if it is there. */
  delete(key: Input<K>): this {
    this.#edits.remove(encodeKey(key))
    return this
  }

  /**
   * The map with all changes so far. Writes what it needs, and nothing where the content stays the same. Rejects with
   * NOMSY_MISSING_CHUNK where a value refers to what the store does not hold.
   */
  done(): Promise<SortedMap<K, V>> {
    return this.#apply(this.#edits.sorted())
  }
}
