/**
 * What a client has put and nobody has acknowledged as durable: were the owner to end now, it would be gone, so that it
 * is to be put again to the next one.
 */

import type { Chunk } from '../chunk-store.js'

export interface Batch {
  readonly chunks: readonly Chunk[]
  /** Whether the put has resolved, so that a flush that begins now covers it. */
  isTaken: boolean
}

export class Unflushed {
  readonly #batches = new Set<Batch>()
  #byteCount = 0

  get byteCount(): number {
    return this.#byteCount
  }

  get isEmpty(): boolean {
    return this.#batches.size === 0
  }

  /** In the order in which they were put. */
  [Symbol.iterator](): Iterator<Batch> {
    return this.#batches.values()
  }

  /** Keeps chunks that are about to be put. */
  add(chunks: readonly Chunk[]): Batch {
    const batch = { chunks, isTaken: false }
    this.#batches.add(batch)
    this.#byteCount += byteCountOf(batch)
    return batch
  }

  delete(batch: Batch): void {
    if (this.#batches.delete(batch)) this.#byteCount -= byteCountOf(batch)
  }

  /** What a flush that begins now makes durable. */
  taken(): Batch[] {
    return [...this.#batches].filter(({ isTaken }) => isTaken)
  }
}

function byteCountOf({ chunks }: Batch): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
