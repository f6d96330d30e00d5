/** Edits of a set or map as they are asked for, in any order, until they are done all at once. */

import { compareKeys } from './key-order.js'
import type { KeyedEdit } from './keyed-edit.js'

export class EditList {
  readonly #edits: KeyedEdit[] = []

  /** The item, which begins with its key, is to be there. */
  put(item: Uint8Array): void {
    this.#edits.push({ key: item, item })
  }

  /** No item is to be there under `key`. */
  remove(key: Uint8Array): void {
    this.#edits.push({ key, item: undefined })
  }

  /** One edit for each key, the last one asked for, rising by key. */
  sorted(): KeyedEdit[] {
    const compare = (a: KeyedEdit, b: KeyedEdit): number => compareKeys(a.key, 0, b.key, 0)
    const sorted = this.#edits.toSorted(compare)
    return sorted.filter((edit, index) => {
      const next = sorted[index + 1]
      return next === undefined || compare(edit, next) !== 0
    })
  }
}
