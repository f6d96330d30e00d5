/**
 * History as a graph of text, as git draws it: a lane for each line of commits, and a star where one stands.
 *
 *     *      a merge
 *     |\
 *     | *    what was merged
 *     |/
 *     *      where they parted
 */

import type { Ref } from '../../hash/ref.js'

interface GraphedCommit {
  readonly ref: Ref
  readonly parents: readonly Ref[]
}

/** What stands to the left of a commit's text, and on lines of its own around it. */
export interface GraphLines {
  readonly before: readonly string[]
  readonly first: string
  /** To the left of all lines of its text but the first. */
  readonly rest: string
  readonly after: readonly string[]
}

export class CommitGraph {
  /** The ref of the commit that each lane waits for. */
  readonly #lanes: string[] = []

  /** Draws the next commit, which must come before those that it follows. */
  add({ ref, parents }: GraphedCommit): GraphLines {
    const key = ref.toString()
    const before: string[] = []
    let lane = this.#lanes.indexOf(key)
    if (lane < 0) lane = this.#lanes.push(key) - 1
    for (let other = this.#lanes.lastIndexOf(key); other > lane; other = this.#lanes.lastIndexOf(key)) {
      before.push(this.#joined(lane, other))
      this.#lanes.splice(other, 1)
    }
    const first = this.#row((index) => (index === lane ? '*' : '|'))
    const rest = this.#row((index) => (index === lane && parents.length === 0 ? ' ' : '|'))
    const after: string[] = []
    if (parents.length === 0) {
      if (lane < this.#lanes.length - 1) after.push(this.#ended(lane))
      this.#lanes.splice(lane, 1)
    } else {
      this.#lanes[lane] = parents[0]!.toString()
    }
    for (const [index, parent] of parents.slice(1).entries()) {
      after.push(this.#forked(lane + index))
      this.#lanes.splice(lane + index + 1, 0, parent.toString())
    }
    return { before, first, rest, after }
  }

  #row(symbol: (lane: number) => string): string {
    return this.#lanes.map((_, lane) => symbol(lane)).join(' ')
  }

  /** Lane `from` goes over to lane `to`, on its left, and those on its right close up. */
  #joined(to: number, from: number): string {
    let row = ''
    for (let lane = 0; lane < this.#lanes.length; lane++) {
      if (lane > 0) row += lane >= from ? '/' : lane > to && from - to > 1 ? '_' : ' '
      row += lane < from ? '|' : ' '
    }
    return row.trimEnd()
  }

  /** Lane `ended` ends, and those on its right close up. */
  #ended(ended: number): string {
    let row = ''
    for (let lane = 0; lane < this.#lanes.length; lane++) {
      if (lane > 0) row += lane > ended ? '/' : ' '
      row += lane < ended ? '|' : ' '
    }
    return row.trimEnd()
  }

  /** A lane comes up on the right of lane `from`, and those further right make room. */
  #forked(from: number): string {
    return this.#lanes
      .map((_, lane) => (lane < from ? '| ' : lane === from ? '|\\' : ' \\'))
      .join('')
      .trimEnd()
  }
}
