/**
 * Changes of a list, collected until {@link ListEdit.done} makes a new list of them. Positions are those of the list as
 * the changes before have left it. What the new list is made of is kept as pieces, in order: runs of the old list, and
 * new items.
 */

import { checkIndex } from '../sequence/position.js'
import { encodeItem } from './item-batch.js'
import type { List } from './list.js'
import { type ListSplice, writeEncoded } from './list-splice.js'
import type { Input, Value } from './value.js'

/** Items `start` to `end` of the old list, or new ones, encoded. */
type Piece = OldItems | Uint8Array[]

interface OldItems {
  readonly start: number
  readonly end: number
}

export class ListEdit<T extends Value> {
  readonly #oldLength: number
  readonly #apply: (splices: readonly ListSplice[]) => Promise<List<T>>
  readonly #pieces: Piece[]
  #length: number

  /** @internal */
  constructor(length: number, apply: (splices: readonly ListSplice[]) => Promise<List<T>>) {
    this.#oldLength = length
    this.#apply = apply
    this.#pieces = [{ start: 0, end: length }]
    this.#length = length
  }

  /** Number of items after the changes so far. */
  get length(): number {
    return this.#length
  }

  /** Replaces item `index` by the value as it is now. Throws a TypeError or RangeError where it cannot be stored. */
  set(index: number, value: Input<T>): this {
    checkIndex('index', index, this.#length - 1)
    return this.splice(index, 1, [value])
  }

  /** Replaces `removed` items at `at` by the values as they are now. Throws as {@link set}. */
  splice(at: number, removed: number, values: Iterable<Input<T>> = []): this {
    checkIndex('at', at, this.#length)
    checkIndex('removed', removed, this.#length - at)
    const items = Array.from(values, (value) => encodeItem((batch) => batch.addValue(value)))
    const first = this.#cutAt(at)
    const end = this.#cutAt(at + removed)
    this.#pieces.splice(first, end - first)
    this.#length += items.length - removed
    const before = this.#pieces[first - 1]
    if (Array.isArray(before)) for (const item of items) before.push(item)
    else if (items.length > 0) this.#pieces.splice(first, 0, items)
    return this
  }

  /** Adds values at the end. Throws as {@link set}. */
  push(...values: readonly Input<T>[]): this {
    return this.splice(this.#length, 0, values)
  }

  /**
   * The list with all changes so far. Writes what it needs. Rejects with NOMSY_MISSING_CHUNK where a value refers to
   * what the store does not hold.
   */
  done(): Promise<List<T>> {
    return this.#apply([...this.#splices()])
  }

  /** Index of the piece that begins at `position`; a piece that holds it is made two. */
  #cutAt(position: number): number {
    if (position === this.#length) return this.#pieces.length
    let index = 0
    let start = 0
    for (; start < position; index++) {
      const piece = this.#pieces[index]!
      const end = start + lengthOf(piece)
      if (position < end) this.#pieces.splice(index, 1, ...halves(piece, position - start))
      start = Math.min(end, position)
    }
    return index
  }

  *#splices(): Generator<ListSplice> {
    let at = 0
    let items: Uint8Array[] = []
    for (const piece of [...this.#pieces, { start: this.#oldLength, end: this.#oldLength }]) {
      if (Array.isArray(piece)) {
        for (const item of piece) items.push(item)
        continue
      }
      const removed = piece.start - at
      const inserted = items
      if (removed + inserted.length > 0) {
        yield { at, removed, insert: (writer, store) => writeEncoded(writer, store, inserted) }
      }
      at = piece.end
      items = []
    }
  }
}

function lengthOf(piece: Piece): number {
  return Array.isArray(piece) ? piece.length : piece.end - piece.start
}

function halves(piece: Piece, at: number): [Piece, Piece] {
  if (Array.isArray(piece)) return [piece.slice(0, at), piece.slice(at)]
  const middle = piece.start + at
  return [
    { start: piece.start, end: middle },
    { start: middle, end: piece.end },
  ]
}
