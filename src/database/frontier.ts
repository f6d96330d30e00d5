/**
 * Commits that a look into the past has come to and not gone past yet, each once, in the order of SPEC "History":
 * descendants before those they followed. What is taken is never met again, since whatever is added later is further
 * back: so this holds what lies side by side, and not all that was seen.
 */

import type { Commit } from './commit.js'

export class Frontier {
  /** What comes next is last. */
  readonly #commits: Commit[] = []

  /** Adds the commit, if it is not there already. */
  add(commit: Commit): void {
    let low = 0
    let high = this.#commits.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = compareCommits(this.#commits[middle]!, commit)
      if (order === 0) return
      if (order < 0) low = middle + 1
      else high = middle
    }
    this.#commits.splice(low, 0, commit)
  }

  /** What it holds; what comes next is last. */
  get waiting(): readonly Commit[] {
    return this.#commits
  }

  /** Takes out the commit that comes next; undefined if there is none left. */
  take(): Commit | undefined {
    return this.#commits.pop()
  }
}

/** Below 0 where `a` is further back: by generation, then by time, then by ref. 0 for the same commit only. */
function compareCommits(a: Commit, b: Commit): number {
  if (a.generation !== b.generation) return a.generation - b.generation
  if (a.time !== b.time) return a.time - b.time
  const [aText, bText] = [a.ref.toString(), b.ref.toString()]
  if (aText === bText) return 0
  return aText < bText ? -1 : 1
}
