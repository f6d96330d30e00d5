/** Brings what another commit has into a head: by moving the head forward, or by a commit that follows both. */

import { UnknownObjectError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { Commit } from './commit.js'
import { commonAncestor } from './common-ancestor.js'
import { type CommitContext, type CommitWords, commitToHead } from './head-commit.js'
import { readCommit } from './history.js'
import { conflictsOf, type MergeConflict, type MergeResolution, mergeValues } from './merge-values.js'

export interface MergeOptions extends CommitWords {
  /**
   * What to take where both sides changed the same: a side, or a function that is asked about each conflict. Left out,
   * the merge rejects with NOMSY_MERGE_CONFLICT.
   */
  readonly resolve?: MergeResolution | undefined
}

/** What a merge of two commits would ask about. See Database.conflicts. */
export async function* conflictsBetween(
  context: CommitContext,
  ours: Ref,
  theirs: Ref,
): AsyncGenerator<MergeConflict> {
  const { store } = context
  const [our, their] = [await readCommit(store, ours), await readCommit(store, theirs)]
  const base = await commonAncestor(store, ours, theirs)
  if (base?.ref.equals(ours) === true || base?.ref.equals(theirs) === true) return
  yield* conflictsOf(context, { base: base?.value, ours: our.value, theirs: their.value })
}

/** Merges the commit `other` into the head `name`. See Database.merge. */
export async function mergeIntoHead(
  context: CommitContext,
  name: string,
  other: Ref,
  { resolve, ...words }: MergeOptions,
): Promise<Commit> {
  const { store, heads } = context
  const head = await heads.get(name)
  if (head === undefined) throw new UnknownObjectError(name, `no head of that name in ${store.location}`)
  const ours = await readCommit(store, head)
  const theirs = await readCommit(store, other)
  const base = await commonAncestor(store, ours.ref, theirs.ref)
  if (base?.ref.equals(theirs.ref) === true) return ours
  if (base?.ref.equals(ours.ref) === true) {
    await heads.compareAndSet(name, ours.ref, theirs.ref)
    return theirs
  }
  const values = { base: base?.value, ours: ours.value, theirs: theirs.value }
  return store.writing(async () => {
    const value = await mergeValues(context, values, resolve)
    return commitToHead(context, name, value, {
      ...words,
      parents: [ours.ref, theirs.ref],
      expected: ours.ref,
    })
  })
}
