/**
 * Commits to heads: the commit is stored, and then the head moved to it by compare-and-set. Of two who do that at once
 * one is told that the head has moved, and can begin again from there.
 */

import type { CollectionContext } from '../collection/collection.js'
import type { Storable } from '../collection/value.js'
import { HeadConflictError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { type ChunkStore, checkHeadName, type Heads } from '../store/chunk-store.js'
import { type Commit, decodeCommit, encodeCommit } from './commit.js'
import { findCommit, generationAfter, readCommits, valueAt } from './history.js'
import { putStorable } from './plain-value.js'
import { putClosed } from './put-closed.js'

/** Where commits and what they hold live: a store, its heads, and the cache of its nodes. */
export interface CommitContext extends CollectionContext {
  readonly heads: Heads
}

/** What is said of a commit. */
export interface CommitWords {
  /** What it is about; empty where left out. */
  readonly message?: string | undefined
  /** Anything else to be said of it, such as its author, under names that commits have no field of. */
  readonly meta?: { readonly [key: string]: Storable } | undefined
  /** Milliseconds since 1970; now where left out. */
  readonly time?: number | undefined
}

export interface CommitOptions extends CommitWords {
  /** The commits that it follows. Left out, what the head names, if that is a commit. */
  readonly parents?: readonly Ref[] | undefined
  /** What the head must be, null for absent, so that it is moved. Left out, what it is when the call begins. */
  readonly expected?: Ref | null | undefined
}

export interface UpdateOptions extends CommitWords {
  /** How often to begin again where somebody else has moved the head meanwhile; 100 where left out. */
  readonly retries?: number | undefined
}

/** Makes the next value of the present one, whose ref it is given; undefined where there is none. */
export type ChangeValue = (value: Ref | undefined) => Storable | Promise<Storable>

const DEFAULT_RETRIES = 100

/** Stores a commit of `value` and moves the head `name` to it. See Database.commit. */
export async function commitToHead(
  { store, heads }: CommitContext,
  name: string,
  value: Storable,
  options: CommitOptions,
): Promise<Commit> {
  checkHeadName(name)
  return store.writing(async () => {
    const { parents, expected = (await heads.get(name)) ?? null } = options
    const commit = await putCommit(store, value, parents ?? (await parentsAt(store, expected)), options)
    await heads.compareAndSet(name, expected ?? undefined, commit.ref)
    return commit
  })
}

/** Commits what `change` makes of the head's value, again and again until the head stood still. See Database.update. */
export async function updateHead(
  context: CommitContext,
  name: string,
  change: ChangeValue,
  { retries = DEFAULT_RETRIES, ...words }: UpdateOptions,
): Promise<Commit> {
  checkHeadName(name)
  for (let retriesLeft = retries; ; retriesLeft--) {
    const head = await context.heads.get(name)
    const value = await change(head && (await valueAt(context.store, head)))
    try {
      return await commitToHead(context, name, value, { ...words, expected: head ?? null })
    } catch (error) {
      if (!(error instanceof HeadConflictError) || retriesLeft <= 0) throw error
    }
  }
}

async function parentsAt(store: ChunkStore, head: Ref | null): Promise<Ref[]> {
  return head !== null && (await findCommit(store, head)) !== undefined ? [head] : []
}

async function putCommit(
  store: ChunkStore,
  value: Storable,
  parents: readonly Ref[],
  { message = '', meta = {}, time = Date.now() }: CommitWords,
): Promise<Commit> {
  const generation = generationAfter(await readCommits(store, parents))
  const valueRef = await putStorable(store, value)
  const bytes = encodeCommit({ generation, message, parents, time, value: valueRef, meta })
  return decodeCommit(await putClosed(store, bytes, 'commit'), bytes)
}
