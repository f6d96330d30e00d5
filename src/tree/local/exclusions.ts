/**
 * What is left out of a tree: patterns as in .gitignore files, those that were given for the whole of it and those in
 * files named .nomsyignore, which hold from their directory down. What was given decides first, then the innermost
 * file; nothing in a directory that is left out is looked at.
 */

import { createRequire } from 'node:module'
import type { Ignore } from 'ignore'

const makeIgnore = createRequire(import.meta.url)('ignore') as () => Ignore

/** Names of files with patterns. */
export const IGNORE_FILE = '.nomsyignore'

/** The library keeps what it was asked for: after so many questions it begins anew. */
const MAX_QUESTIONS = 10_000

/** Patterns, one a line, and the path from the top of the directory in which they hold. */
export interface Patterns {
  readonly base: string
  readonly text: string
}

/** A list of patterns, and the one that is asked where this one says nothing. */
export class Exclusions {
  readonly #patterns: Patterns
  readonly #next: Exclusions | undefined
  #ignore: Ignore | undefined
  #questions = 0

  constructor(patterns: Patterns, next: Exclusions | undefined) {
    this.#patterns = patterns
    this.#next = next
  }

  /** Whether the entry at `path`, from the top, is left out; undefined where nothing is said of it. */
  decide(path: string, isDirectory: boolean): boolean | undefined {
    const { base, text } = this.#patterns
    if (this.#ignore === undefined || ++this.#questions > MAX_QUESTIONS) {
      this.#questions = 0
      this.#ignore = makeIgnore().add(text)
    }
    const below = base === '' ? path : path.slice(base.length + 1)
    const { ignored, unignored } = this.#ignore.test(isDirectory ? `${below}/` : below)
    if (ignored || unignored) return ignored
    return this.#next?.decide(path, isDirectory)
  }
}
