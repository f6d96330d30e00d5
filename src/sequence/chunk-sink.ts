/**
 * Where new chunks go: hashed at once, handed to the store in batches, one batch under way while the next one
 * gathers. That bounds memory and keeps the store busy without an await for each chunk.
 */

import type { Ref } from '../hash/ref.js'
import { type Chunk, type ChunkStore, chunkOf } from '../store/chunk-store.js'
import type { MetaNode } from './node.js'

/** Bytes that gather before a batch is handed over. */
const BATCH_BYTES = 1024 * 1024

/** What a writer of trees needs of a store. */
export interface ChunkTarget extends Pick<ChunkStore, 'put'> {
  /** Is told of each meta node as it is made, before its chunk is put. */
  readonly onMeta?: (ref: Ref, chunk: Uint8Array, node: MetaNode) => void
}

/** Takes chunks and forgets them: for computing a ref without storing anything. */
export const DISCARD: ChunkTarget = {
  put: async (chunks) => {
    for (const { release } of chunks) release?.()
    return 0
  },
}

export class ChunkSink {
  readonly #target: ChunkTarget
  #batch: Chunk[] = []
  #batchBytes = 0
  #underWay: Promise<number> = Promise.resolve(0)
  #newBytes = 0

  constructor(target: ChunkTarget) {
    this.#target = target
  }

  /** Adds the chunk of `bytes`, which it keeps, and gives its ref. */
  add(bytes: Uint8Array): Ref {
    const chunk = chunkOf(bytes)
    this.addHashed(chunk)
    return chunk.ref
  }

  /** Adds a chunk whose ref is known to be right. */
  addHashed(chunk: Chunk): void {
    this.#batch.push(chunk)
    this.#batchBytes += chunk.bytes.length
  }

  /** Whether it is time to {@link drain}. */
  get isFull(): boolean {
    return this.#batchBytes >= BATCH_BYTES
  }

  /** Hands the batch over, once the one before it has been taken. */
  async drain(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    await this.#settle()
    this.#underWay = this.#target.put(batch)
    // Its failure is met at the next await; until then it is not an unhandled one.
    this.#underWay.catch(() => {})
  }

  /** Hands over what is left, and resolves when the store has taken all of it. */
  async end(): Promise<void> {
    if (this.#batch.length > 0) await this.drain()
    await this.#settle()
  }

  /** Bytes of chunks that were new to the store, of those that it has taken. */
  get newBytes(): number {
    return this.#newBytes
  }

  async #settle(): Promise<void> {
    const underWay = this.#underWay
    this.#underWay = Promise.resolve(0)
    this.#newBytes += await underWay
  }
}
