/** Random histories, and what their plain reading says: sets of ancestors and nothing clever. */

import fc from 'fast-check'
import type { Commit } from '../../src/database/commit.js'
import type { Database } from '../../src/database/database.js'
import type { Ref } from '../../src/hash/ref.js'

/** A commit to be made: which of those made before it are its parents, and its time. */
export interface CommitPlan {
  readonly parents: readonly number[]
  readonly time: number
}

/** Up to 25 commits, some without parents, some with several; few times, so that many have the same. */
export const histories: fc.Arbitrary<CommitPlan[]> = fc
  .array(
    fc.record({
      picks: fc.array(fc.nat(), { maxLength: 3 }),
      reach: fc.integer({ min: 1, max: 6 }),
      time: fc.nat(3),
    }),
    {
      minLength: 1,
      maxLength: 25,
    },
  )
  .map((plans) =>
    plans.map(({ picks, reach, time }, index) => {
      const near = picks.map((pick) => index - 1 - (pick % reach)).filter((parent) => parent >= 0)
      return { parents: [...new Set(near)], time }
    }),
  )

export class ModelHistory {
  readonly commits: readonly Commit[]
  readonly #parents: readonly (readonly number[])[]
  /** Of each commit, itself and all before it. */
  readonly #pasts: ReadonlySet<number>[] = []
  readonly #generations: number[] = []

  private constructor(commits: readonly Commit[], plans: readonly CommitPlan[]) {
    this.commits = commits
    this.#parents = plans.map(({ parents }) => parents)
    for (const [index, parents] of this.#parents.entries()) {
      this.#pasts.push(new Set([index, ...parents.flatMap((parent) => [...this.#pasts[parent]!])]))
      this.#generations.push(1 + Math.max(0, ...parents.map((parent) => this.#generations[parent]!)))
    }
  }

  /** Makes the commits in `db`: number n under the head `n<n>`. */
  static async make(db: Database, plans: readonly CommitPlan[]): Promise<ModelHistory> {
    const commits: Commit[] = []
    for (const [index, { parents, time }] of plans.entries()) {
      const refs = parents.map((parent) => commits[parent]!.ref)
      commits.push(await db.commit(`n${index}`, index, { parents: refs, time }))
    }
    return new ModelHistory(commits, plans)
  }

  /** The number of the commit `ref`. */
  numberOf(ref: Ref): number {
    return this.commits.findIndex((commit) => commit.ref.equals(ref))
  }

  /** The length of the longest way from the commit back to a first one, in commits. */
  generation(index: number): number {
    return this.#generations[index]!
  }

  /** The commit and all before it. */
  past(index: number): ReadonlySet<number> {
    return this.#pasts[index]!
  }

  /** In the order of the log. */
  sorted(indices: Iterable<number>): number[] {
    const key = (index: number): string => {
      const { time, ref } = this.commits[index]!
      return `${String(this.generation(index)).padStart(5)} ${time} ${ref}`
    }
    return [...indices].sort((a, b) => (key(a) < key(b) ? 1 : -1))
  }

  /** The common ancestors of two commits that no other common ancestor follows. */
  lowestCommonAncestors(a: number, b: number): number[] {
    const past = this.past(b)
    const common = [...this.past(a)].filter((index) => past.has(index))
    return common.filter((index) => !common.some((other) => other !== index && this.past(other).has(index)))
  }

  /** Along first parents; undefined where the history is too short. */
  ancestor(index: number, steps: number): number | undefined {
    const parent = this.#parents[index]![0]
    if (steps === 0) return index
    return parent === undefined ? undefined : this.ancestor(parent, steps - 1)
  }
}
