/**
 * From what a person writes to the ref it means: a head's name, a ref, or the first characters of a ref, six or
 * more, where no other chunk's ref begins so. A name comes first. `~N` after any of these goes N commits back along
 * first parents. SPEC "Objects".
 */

import { UnknownObjectError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { findCommit, firstAncestor } from './history.js'

/** Fewest characters of a ref that stand for it. */
export const MIN_PREFIX_CHARS = 6

/** What was written, and what it means. */
export interface ResolvedObject {
  readonly ref: Ref
  /** The head's name, where a name was written, with or without `~N`. */
  readonly head: string | undefined
}

/** Rejects with NOMSY_UNKNOWN_OBJECT where `object` means nothing in `store`, or more than one thing. */
export async function resolveObject(store: ChunkStore, object: string): Promise<ResolvedObject> {
  const tilde = object.indexOf('~')
  if (tilde < 0) return resolveBase(store, object)
  const base = await resolveBase(store, object.slice(0, tilde))
  return { ref: await ancestorOf(store, base.ref, object, tilde), head: base.head }
}

/** The ancestor of the commit `ref` that `object` means by what stands from `tilde` on: `~2`, `~`, `~~` and so on. */
async function ancestorOf(store: ChunkStore, ref: Ref, object: string, tilde: number): Promise<Ref> {
  if (!/^(~\d*)+$/.test(object.slice(tilde)))
    throw new UnknownObjectError(object, "after '~' comes how many commits to go back, as in main~2")
  const base = object.slice(0, tilde)
  const start = await findCommit(store, ref)
  if (start === undefined)
    throw new UnknownObjectError(object, `${base} is no commit, so nothing came before it`)
  const counts = object.slice(tilde + 1).split('~')
  const steps = counts.reduce((sum, count) => sum + (count === '' ? 1 : Number(count)), 0)
  const { commit, stepsGone } = await firstAncestor(store, start, steps)
  if (stepsGone === steps) return commit.ref
  throw new UnknownObjectError(object, `its history is too short: ${base}~${stepsGone} is the first commit`)
}

async function resolveBase(store: ChunkStore, object: string): Promise<ResolvedObject> {
  const ref = Ref.parse(object)
  if (ref !== undefined) {
    if (await store.has(ref)) return { ref, head: undefined }
    throw new UnknownObjectError(object, `this store (${store.location}) has no such object`)
  }
  const head = await store.heads.get(object)
  if (head !== undefined) return { ref: head, head: object }
  return { ref: await resolvePrefix(store, object), head: undefined }
}

async function resolvePrefix(store: ChunkStore, prefix: string): Promise<Ref> {
  if (!/^[0-9a-v]{6,31}$/.test(prefix)) {
    throw new UnknownObjectError(
      prefix,
      `no head of that name in ${store.location}, and no ref or first ${MIN_PREFIX_CHARS} characters of one; 'nomsy heads' shows what there is`,
    )
  }
  const found: Ref[] = []
  for await (const ref of store.refs(prefix)) {
    found.push(ref)
    if (found.length > 3) break
  }
  if (found.length === 1) return found[0]!
  if (found.length === 0) {
    throw new UnknownObjectError(
      prefix,
      `no head and no object of ${store.location} begins so; 'nomsy heads' shows what there is`,
    )
  }
  const shown = found.slice(0, 3).join(', ')
  throw new UnknownObjectError(
    prefix,
    `ambiguous: ${shown}${found.length > 3 ? ', ...' : ''}; write more characters`,
  )
}
