/** Reads commits, and those before them. SPEC "Commits", "History". */

import { MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { kindOf } from '../sequence/kind.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { COMMIT_KIND, type Commit, decodeCommit } from './commit.js'

export type ReadableStore = Pick<ChunkStore, 'get' | 'getMany'>

/** The commit `ref`. Rejects with NOMSY_MISSING_CHUNK, with NOMSY_INVALID_NODE where it is something else. */
export async function readCommit(store: ReadableStore, ref: Ref): Promise<Commit> {
  return decodeCommit(ref, await readChunk(store, ref))
}

/** The commit `ref`; undefined where it is something else. */
export async function findCommit(store: ReadableStore, ref: Ref): Promise<Commit | undefined> {
  const chunk = await readChunk(store, ref)
  return kindOf(chunk) === COMMIT_KIND ? decodeCommit(ref, chunk) : undefined
}

/** What a commit holds; of all else, the thing itself. */
export async function valueAt(store: ReadableStore, ref: Ref): Promise<Ref> {
  return (await findCommit(store, ref))?.value ?? ref
}

/** The commits `refs`, read at once. Rejects as {@link readCommit}. */
export async function readCommits(store: ReadableStore, refs: readonly Ref[]): Promise<Commit[]> {
  const chunks = await store.getMany(refs)
  return refs.map((ref, index) => decodeCommit(ref, present(ref, chunks[index])))
}

/** The generation of a commit with these parents. */
export function generationAfter(parents: readonly Commit[]): number {
  return 1 + parents.reduce((highest, { generation }) => Math.max(highest, generation), 0)
}

/** From the commit `start` up to `steps` commits back, along first parents: the last one there is. */
export async function firstAncestor(
  store: ReadableStore,
  start: Commit,
  steps: number,
): Promise<{ readonly commit: Commit; readonly stepsGone: number }> {
  let commit = start
  for (let stepsGone = 0; ; stepsGone++) {
    const parent = commit.parents[0]
    if (stepsGone === steps || parent === undefined) return { commit, stepsGone }
    commit = await readCommit(store, parent)
  }
}

async function readChunk(store: ReadableStore, ref: Ref): Promise<Uint8Array> {
  return present(ref, await store.get(ref))
}

function present(ref: Ref, chunk: Uint8Array | undefined): Uint8Array {
  if (chunk === undefined) throw new MissingChunkError(ref.toString())
  return chunk
}
