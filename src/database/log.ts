/** The log of a commit: all that came before it, in the order of SPEC "History". */

import type { Ref } from '../hash/ref.js'
import type { Commit } from './commit.js'
import { Frontier } from './frontier.js'
import { type ReadableStore, readCommit } from './history.js'
import { ParentReader } from './parent-reader.js'

export interface LogOptions {
  /** Most commits to give; all where left out. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The commit `start` and all before it, each once, in the order of SPEC "History": newest generation first. */
export async function* log(
  store: ReadableStore,
  start: Ref,
  { limit = Number.POSITIVE_INFINITY, signal }: LogOptions = {},
): AsyncGenerator<Commit> {
  const frontier = new Frontier()
  const reader = new ParentReader(store)
  if (limit > 0) frontier.add(await readCommit(store, start))
  for (let count = 1; ; count++) {
    signal?.throwIfAborted()
    const commit = frontier.take()
    if (commit === undefined) return
    yield commit
    if (count >= limit) return
    const next = frontier.waiting.slice(-(limit - count))
    for (const parent of await reader.parentsOf(commit, next)) frontier.add(parent)
  }
}
