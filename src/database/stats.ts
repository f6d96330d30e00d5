/**
 * What a store holds and what that takes up: in all, and of each head what no other holds. A table of all chunks is
 * kept meanwhile, of 25 bytes each.
 */

import { MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { LiveRefs } from '../store/live-refs.js'
import { childrenIn } from './gc.js'

/** Chunks read at once. */
const BATCH_CHUNKS = 64

/** Owners of chunks: nobody, several heads, or a head by its number. */
const NOBODY = 0
const SEVERAL = 0xffff_ffff

export interface StatsOptions {
  readonly signal?: AbortSignal | undefined
}

/** Chunks and their bytes, not packed. */
export interface Amount {
  readonly chunks: number
  readonly bytes: number
}

export interface Stats extends Amount {
  /** Bytes that the store's files take up, undefined where it does not know; and the files that hold chunks. */
  readonly storedBytes: number | undefined
  readonly segments: number
  /** What several heads or pins hold. */
  readonly shared: Amount
  /** What none holds: what a collection would free. */
  readonly dead: Amount
  /** Heads and pins by name, with what only they hold. */
  readonly heads: readonly HeadStats[]
}

export interface HeadStats {
  readonly name: string
  readonly ref: Ref
  readonly own: Amount
}

/** Reads all nodes that heads lead to, but for the leaves of blobs. What is put meanwhile may not count. */
export async function statsOf(store: ChunkStore, { signal }: StatsOptions = {}): Promise<Stats> {
  const heads: { readonly name: string; readonly ref: Ref }[] = []
  await store.flush().catch(() => {})
  for await (const head of store.heads.list()) heads.push(head)
  const refs = await LiveRefs.of(store.refs(), signal)
  const owners = new Uint32Array(refs.count)
  for (const [index, { ref }] of heads.entries()) await own(store, ref, index + 1, refs, owners, signal)
  const amounts = new Map<number, { chunks: number; bytes: number }>()
  const all = { chunks: 0, bytes: 0 }
  for await (const { ref, bytes } of store.sizes()) {
    const index = refs.indexOf(ref)
    if (index === undefined) continue
    const owner = owners[index]!
    if (!amounts.has(owner)) amounts.set(owner, { chunks: 0, bytes: 0 })
    for (const amount of [all, amounts.get(owner)!]) {
      amount.chunks++
      amount.bytes += bytes
    }
  }
  const amountOf = (owner: number): Amount => amounts.get(owner) ?? { chunks: 0, bytes: 0 }
  const { storedBytes, segmentCount } = await store.usage()
  return {
    ...all,
    storedBytes,
    segments: segmentCount,
    shared: amountOf(SEVERAL),
    dead: amountOf(NOBODY),
    heads: heads.map((head, index) => ({ ...head, own: amountOf(index + 1) })),
  }
}

/** Makes a head the owner of all that it leads to; of what another owns already, one of several. */
async function own(
  store: ChunkStore,
  root: Ref,
  owner: number,
  refs: LiveRefs,
  owners: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const open: Ref[] = []
  const visit = (ref: Ref, isLeaf: boolean): void => {
    const index = refs.indexOf(ref)
    // Put since, or missing: then whoever reads it is told.
    if (index === undefined) return
    const before = owners[index]!
    if (before === owner || before === SEVERAL) return
    owners[index] = before === NOBODY ? owner : SEVERAL
    if (!isLeaf) open.push(ref)
  }
  visit(root, false)
  while (open.length > 0) {
    signal?.throwIfAborted()
    const batch = open.splice(-BATCH_CHUNKS)
    for (const [slot, bytes] of (await store.getMany(batch)).entries()) {
      const ref = batch[slot]!
      if (bytes === undefined) throw new MissingChunkError(ref.toString())
      const children = childrenIn({ ref, bytes })
      for (const child of children.refs) visit(child, children.areLeaves)
    }
  }
}
