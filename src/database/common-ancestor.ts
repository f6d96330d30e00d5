/** Where two histories part. SPEC "History". */

import type { Ref } from '../hash/ref.js'
import type { Commit } from './commit.js'
import { Frontier } from './frontier.js'
import { type ReadableStore, readCommit } from './history.js'
import { ParentReader } from './parent-reader.js'

/** The sides from which a commit was reached, as bits. */
const BOTH_SIDES = 3

/**
 * Of the common ancestors of the commits `a` and `b`, the one that comes first in the log: it has the highest
 * generation, so that no other one follows it. In a criss-cross history, where several do not follow each other, it is
 * of these the latest by time, and then by ref. A commit is its own ancestor. Undefined where there is none.
 *
 * Reads the commits of that generation and above, and their parents. Rejects with NOMSY_MISSING_CHUNK,
 * NOMSY_INVALID_NODE where one of these is no commit.
 */
export async function commonAncestor(store: ReadableStore, a: Ref, b: Ref): Promise<Commit | undefined> {
  const frontier = new Frontier()
  const reader = new ParentReader(store)
  /** The sides of each commit in the frontier, by ref. When one is taken, all that follow it have been. */
  const sides = new Map<string, number>()
  const reach = (commit: Commit, from: number): void => {
    const key = commit.ref.toString()
    sides.set(key, (sides.get(key) ?? 0) | from)
    frontier.add(commit)
  }
  reach(await readCommit(store, a), 1)
  reach(await readCommit(store, b), 2)
  for (;;) {
    const commit = frontier.take()
    if (commit === undefined) return undefined
    const key = commit.ref.toString()
    const from = sides.get(key)!
    if (from === BOTH_SIDES) return commit
    sides.delete(key)
    // Those further back may never have their turn.
    const next = frontier.waiting.filter(({ generation }) => generation === commit.generation)
    for (const parent of await reader.parentsOf(commit, next)) reach(parent, from)
  }
}
