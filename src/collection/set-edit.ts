/** Changes of a set, collected until {@link SetEdit.done} makes a new set of them. */

import { EditList } from './edit-list.js'
import { encodeKey } from './item-batch.js'
import type { KeyedEdit } from './keyed-edit.js'
import type { SortedSet } from './sorted-set.js'
import type { Input, Key } from './value.js'

export class SetEdit<K extends Key> {
  readonly #apply: (edits: readonly KeyedEdit[]) => Promise<SortedSet<K>>
  readonly #edits = new EditList()

  /** @internal */
  constructor(apply: (edits: readonly KeyedEdit[]) => Promise<SortedSet<K>>) {
    this.#apply = apply
  }

  /** Adds the key as it is now. Throws a TypeError or RangeError where it cannot be a key. */
  add(key: Input<K>): this {
    this.#edits.put(encodeKey(key))
    return this
  }

  /** Removes the key, if it is there. */
  delete(key: Input<K>): this {
    this.#edits.remove(encodeKey(key))
    return this
  }

  /** The set with all changes so far. Writes what it needs, and nothing where the content stays the same. */
  done(): Promise<SortedSet<K>> {
    return this.#apply(this.#edits.sorted())
  }
}
