/**
 * Looks at every chunk under some refs once, many at a time, and keeps what is wrong: chunks that are missing or
 * damaged, that are no valid nodes, or not what another one says of them. Of a blob's leaves it is enough that the
 * store has them, unless they are to be read.
 */

import { isNomsyError, type NomsyError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { RefSet } from '../../hash/ref-set.js'
import type { ChunkStore } from '../../store/chunk-store.js'
import type { Commit } from '../commit.js'
import { type Edge, edgeKey, edgeTo, isBlobLeaf, lookAt } from './edge.js'

/** Chunks read at once. */
const BATCH_CHUNKS = 64

/** Chunks that wait to be looked at while a history is followed, which gives one commit at a time. */
const WAITING_EDGES = 1024

export interface ClosureOptions {
  /** Whether the next leaf of a blob is to be read. */
  readonly readsLeaf: () => boolean
  /** Chunks that are known to be damaged, though the store has them. */
  readonly damaged?: RefSet
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of blobs' leaves seen since the last call. */
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined
}

/** A chunk as it was read: its bytes, undefined where it is missing, an error where it is damaged. */
type Read = Uint8Array | undefined | NomsyError

export class Closure {
  readonly #store: ChunkStore
  readonly #options: ClosureOptions
  /** Keys of the edges that have been followed, see {@link edgeKey}. */
  readonly #seen = new RefSet()
  /** What is wrong, by the text of a ref, or of an edge's key where it is about what the edge says. */
  readonly #wrong = new Map<string, string>()
  /** Refs of the chunks that are missing or damaged. */
  readonly lacking = new RefSet()

  constructor(store: ChunkStore, options: ClosureOptions) {
    this.#store = store
    this.#options = options
  }

  /** Whether nothing was found to be wrong. */
  get isSound(): boolean {
    return this.#wrong.size === 0
  }

  /** What is wrong with the chunk of `edge`; undefined where nothing is. */
  wrongWith(edge: Edge): string | undefined {
    return this.#wrong.get(edge.ref.toString()) ?? this.#wrong.get(edgeKey(edge).toString())
  }

  /** Follows everything under `ref`. */
  async follow(ref: Ref): Promise<void> {
    // Stacks, so that what waits is some paths with their siblings and not whole levels.
    const waiting: Edge[] = [edgeTo(ref)]
    const history: Edge[] = []
    while (waiting.length + history.length > 0) {
      this.#options.signal?.throwIfAborted()
      const isHistoryNext = history.length > 0 && waiting.length < WAITING_EDGES
      const batch = this.#takeUnseen(isHistoryNext ? history : waiting)
      const chunks = await this.#readMany(batch.map((edge) => edge.ref))
      for (const [slot, edge] of batch.entries()) await this.#take(edge, chunks[slot], waiting, history)
    }
  }

  #takeUnseen(from: Edge[]): Edge[] {
    const batch: Edge[] = []
    while (batch.length < BATCH_CHUNKS && from.length > 0) {
      const edge = from.pop()!
      if (this.#seen.add(edgeKey(edge))) batch.push(edge)
    }
    return batch
  }

  async #take(edge: Edge, chunk: Read, waiting: Edge[], history: Edge[]): Promise<void> {
    if (chunk === undefined || chunk instanceof Error) return this.#lacks(edge.ref, chunk)
    const found = lookAt(edge, chunk)
    if (typeof found === 'string') {
      this.#wrong.set(edgeKey(edge).toString(), found)
      return
    }
    const { commit, edges } = found
    if (commit !== undefined) {
      if (commit.parents.length > 1 && !(await this.#followsHighest(commit)))
        this.#wrong.set(edge.ref.toString(), 'no valid node')
      const parents = new Set(commit.parents.map(String))
      for (const next of edges) (parents.has(next.ref.toString()) ? history : waiting).push(next)
    } else if (edges.length > 0 && isBlobLeaf(edges[0]!)) {
      await this.#leaves(edges)
    } else {
      for (let index = edges.length - 1; index >= 0; index--) waiting.push(edges[index]!)
    }
  }

  /** Nothing is under a blob's leaves, so that they need not be read. */
  async #leaves(edges: readonly Edge[]): Promise<void> {
    const toRead: Edge[] = []
    const toFind: Edge[] = []
    for (const edge of edges) (this.#options.readsLeaf() ? toRead : toFind).push(edge)
    const isThere = await this.#store.hasMany(toFind.map(({ ref }) => ref))
    for (const [slot, { ref }] of toFind.entries()) {
      if (!isThere[slot]) this.#lacks(ref, undefined)
      else if (this.#options.damaged?.has(ref)) this.#lacks(ref, 'damaged')
    }
    for (let at = 0; at < toRead.length; at += BATCH_CHUNKS) {
      const batch = toRead.slice(at, at + BATCH_CHUNKS)
      const chunks = await this.#readMany(batch.map(({ ref }) => ref))
      for (const [slot, edge] of batch.entries()) await this.#take(edge, chunks[slot], [], [])
      this.#options.signal?.throwIfAborted()
      const bytes = batch.reduce((sum, { parent }) => sum + parent!.node.childLength(parent!.index), 0)
      this.#options.onProgress?.(bytes, 0)
    }
  }

  /** Whether the commit's generation is 1 + the highest of its parents, as far as they are there. */
  async #followsHighest({ parents, generation }: Commit): Promise<boolean> {
    const chunks = await this.#readMany(parents)
    const generations = chunks.map((chunk, slot) => {
      if (!(chunk instanceof Uint8Array)) return undefined
      const found = lookAt({ ref: parents[slot]! }, chunk)
      return typeof found === 'string' ? undefined : found.commit?.generation
    })
    if (generations.includes(undefined)) return true
    return Math.max(...generations.map((each) => each!)) === generation - 1
  }

  #lacks(ref: Ref, chunk: undefined | Error | 'damaged'): void {
    this.lacking.add(ref)
    this.#wrong.set(ref.toString(), chunk === undefined ? 'missing' : 'damaged')
  }

  async #readMany(refs: readonly Ref[]): Promise<Read[]> {
    try {
      if (refs.length === 1) return [await this.#store.get(refs[0]!)]
      return await this.#store.getMany(refs)
    } catch (error) {
      if (!isNomsyError(error, 'NOMSY_DAMAGED_CHUNK')) throw error
      return Promise.all(refs.map((ref) => this.#read(ref)))
    }
  }

  async #read(ref: Ref): Promise<Read> {
    try {
      return await this.#store.get(ref)
    } catch (error) {
      if (isNomsyError(error, 'NOMSY_DAMAGED_CHUNK')) return error
      throw error
    }
  }
}
