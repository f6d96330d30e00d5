/** A store in memory that counts the chunks read from it, and can lose some. */

import type { Ref } from '../../src/hash/ref.js'
import type { Chunk } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'

export class WatchedStore extends MemoryStore {
  /** Chunks read, and how often some were asked for. */
  reads = 0
  requests = 0
  /** Chunks put, and their bytes. */
  puts = 0
  putBytes = 0
  readonly #lost = new Set<string>()

  /** Makes the chunk `ref` absent from now on. */
  lose(ref: Ref): void {
    this.#lost.add(ref.toString())
  }

  override async get(ref: Ref): Promise<Uint8Array | undefined> {
    return (await this.getMany([ref]))[0]
  }

  override async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    this.reads += refs.length
    this.requests++
    const chunks = await super.getMany(refs)
    return chunks.map((chunk, index) => (this.#lost.has(refs[index]!.toString()) ? undefined : chunk))
  }

  override put(chunks: readonly Chunk[]): Promise<number> {
    this.puts += chunks.length
    for (const { bytes } of chunks) this.putBytes += bytes.length
    return super.put(chunks)
  }
}
