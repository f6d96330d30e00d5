/**
 * Reads the parents of commits on the way back through a history. Where several lines lie side by side, the parents of
 * those that come next are read along, in one request.
 */

import { InvalidNodeError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { Commit } from './commit.js'
import { generationAfter, type ReadableStore, readCommits } from './history.js'

/** Parents that are read along at once at most. */
const MAX_ALONG = 64

export class ParentReader {
  readonly #store: ReadableStore
  /** Parents that were read along, by the ref of the commit that they are parents of. */
  readonly #readAlong = new Map<string, readonly Commit[]>()

  constructor(store: ReadableStore) {
    this.#store = store
  }

  /**
   * The parents of `commit`, whose generation is held against theirs: NOMSY_INVALID_NODE where it does not fit.
   * `next` are commits whose parents will be asked for too, the first of them last.
   */
  async parentsOf(commit: Commit, next: readonly Commit[]): Promise<readonly Commit[]> {
    const key = commit.ref.toString()
    if (next.length > 0 && !this.#readAlong.has(key)) await this.#readTogether(commit, next)
    const parents = this.#readAlong.get(key) ?? (await readCommits(this.#store, commit.parents))
    this.#readAlong.delete(key)
    if (commit.generation !== generationAfter(parents))
      throw new InvalidNodeError(key, `generation ${commit.generation} is not 1 + the highest of its parents`)
    return parents
  }

  async #readTogether(commit: Commit, next: readonly Commit[]): Promise<void> {
    const children = [commit]
    let along = 0
    for (let at = next.length - 1; at >= 0; at--) {
      const { ref, parents } = next[at]!
      along += parents.length
      if (along > MAX_ALONG) break
      if (!this.#readAlong.has(ref.toString())) children.push(next[at]!)
    }
    const refs = new Map(
      children.flatMap(({ parents }) => parents.map((ref): [string, Ref] => [`${ref}`, ref])),
    )
    try {
      const read = await readCommits(this.#store, [...refs.values()])
      const found = new Map(read.map((parent) => [parent.ref.toString(), parent]))
      for (const { ref, parents } of children)
        this.#readAlong.set(
          ref.toString(),
          parents.map((parent) => found.get(parent.toString())!),
        )
    } catch {
      // What cannot be read is told of when its turn comes, if it ever does.
    }
  }
}
