/**
 * Makes the history of a head shorter. Commits never change, so those that stay and come after one that goes are made
 * anew: with the same value, message, time and meta, following the one that stays before them. SPEC "Expiring".
 */

import { UnknownObjectError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { type Commit, decodeCommit, encodeCommit } from './commit.js'
import type { CommitContext } from './head-commit.js'
import { readCommit } from './history.js'
import { putClosed } from './put-closed.js'
import { checkRetention, type Retention, type RetentionRule, retained } from './retention.js'

export interface ExpireOptions extends Retention {
  /** Whether to find out only, and to change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Expired {
  /** What the head names then, or would not be made for a dry run: then what it names now. */
  readonly head: Ref
  /** The commits of the head, from the present one back along first parents, as they were; those without reasons go. */
  readonly commits: readonly { readonly commit: Commit; readonly reasons: readonly RetentionRule[] }[]
}

/** Keeps of the head's history what `options` say. See Database.expire. */
export function expireHead(
  { store, heads }: CommitContext,
  name: string,
  { dryRun = false, signal, ...retention }: ExpireOptions,
): Promise<Expired> {
  checkRetention(retention)
  return store.writing(async () => {
    const head = await heads.get(name)
    if (head === undefined) throw new UnknownObjectError(name, `no head of that name in ${store.location}`)
    const history: Commit[] = []
    for (let next: Ref | undefined = head; next !== undefined; next = history.at(-1)!.parents[0]) {
      signal?.throwIfAborted()
      history.push(await readCommit(store, next))
    }
    const reasons = retained(
      history.map(({ time }) => time),
      retention,
    )
    const commits = history.map((commit, index) => ({ commit, reasons: reasons[index]! }))
    if (dryRun) return { head, commits }
    let last: Commit | undefined
    for (const { commit, reasons } of commits.toReversed()) {
      signal?.throwIfAborted()
      if (reasons.length > 0) last = await after(store, last, commit)
    }
    if (!last!.ref.equals(head)) await heads.compareAndSet(name, head, last!.ref)
    return { head: last!.ref, commits }
  })
}

/** `commit` as one that follows `before`: itself where it does. */
async function after(
  store: CommitContext['store'],
  before: Commit | undefined,
  commit: Commit,
): Promise<Commit> {
  const [parent] = commit.parents
  if (parent === undefined ? before === undefined : before?.ref.equals(parent)) return commit
  const { message, time, value, meta } = commit
  const parents = before === undefined ? [] : [before.ref]
  const bytes = encodeCommit({
    generation: (before?.generation ?? 0) + 1,
    message,
    parents,
    time,
    value,
    meta,
  })
  return decodeCommit(await putClosed(store, bytes, 'commit'), bytes)
}
