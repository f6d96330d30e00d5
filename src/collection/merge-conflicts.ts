/** Gathers the conflicts of a merge that nobody resolves, in order to tell of them all at once. */

import { MergeConflictError } from '../errors.js'

/** Conflicts that the error names. */
const MAX_NAMED = 10

export class MergeConflicts {
  #count = 0
  readonly #first: unknown[] = []

  /** Notes a conflict at `place`, a key or position. */
  add(place: unknown): void {
    this.#count++
    if (this.#first.length < MAX_NAMED) this.#first.push(place)
  }

  /** The same edits; at their end it throws a MergeConflictError, if conflicts were noted meanwhile. */
  async *throwAfter<T>(edits: AsyncIterable<T>): AsyncGenerator<T> {
    yield* edits
    if (this.#count > 0) throw new MergeConflictError(this.#count, this.#first)
  }
}
