/** How many changes there are between two directories, and of how many bytes. */

import type { Entry } from '../../tree/entry.js'
import { formatSize } from '../size.js'
import type { EntryChange, Letter } from './entry-changes.js'

const NOUNS: readonly (readonly [Letter, string])[] = [
  ['A', 'added'],
  ['D', 'deleted'],
  ['M', 'modified'],
  ['R', 'renamed'],
  ['T', 'of another type'],
  ['m', 'with other metadata'],
]

export class Totals {
  readonly #counts = new Map<Letter, number>()
  /** Bytes of files that are on one side only, or not the same there. */
  #before = 0
  #after = 0

  get changes(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  add({ letter, change }: EntryChange): void {
    this.#counts.set(letter, (this.#counts.get(letter) ?? 0) + 1)
    if (letter === 'R' || letter === 'm') return
    if (change.kind !== 'added') this.#before += sizeOf(change.before)
    if (change.kind !== 'removed') this.#after += sizeOf(change.after)
  }

  inWords(): string {
    const counts = NOUNS.flatMap(([letter, noun]) =>
      this.#counts.has(letter) ? `${this.#counts.get(letter)} ${noun}` : [],
    )
    if (counts.length === 0) return 'no changes'
    return `${counts.join(', ')}: ${formatSize(this.#before)} became ${formatSize(this.#after)}`
  }

  toJSON(): object {
    const count = (letter: Letter): number => this.#counts.get(letter) ?? 0
    return {
      added: count('A'),
      removed: count('D'),
      changed: count('M'),
      renamed: count('R'),
      retyped: count('T'),
      metadata: count('m'),
      bytesBefore: this.#before,
      bytesAfter: this.#after,
    }
  }
}

function sizeOf(entry: Entry): number {
  return entry.type === 'file' ? entry.size : 0
}
