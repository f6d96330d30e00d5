/** An index in memory: for stores that are only read, where no LevelDB can be opened. */

import { Ref } from '../../hash/ref.js'
import type { Head } from '../chunk-store.js'
import type { ChunkIndex, IndexBatch } from './chunk-index.js'
import type { ChunkPlace, LogPosition } from './place.js'

export class MemoryIndex implements ChunkIndex {
  readonly #chunks = new Map<string, ChunkPlace>()
  readonly #heads = new Map<string, Ref>()
  #position: LogPosition | undefined

  async position(): Promise<LogPosition | undefined> {
    return this.#position
  }

  async clear(): Promise<void> {
    this.#chunks.clear()
    this.#heads.clear()
    this.#position = undefined
  }

  async get(ref: Ref): Promise<ChunkPlace | undefined> {
    return this.#chunks.get(ref.toString())
  }

  async getMany(refs: readonly Ref[]): Promise<(ChunkPlace | undefined)[]> {
    return refs.map((ref) => this.#chunks.get(ref.toString()))
  }

  async *refs(prefix: string): AsyncGenerator<Ref> {
    const texts = [...this.#chunks.keys()].filter((text) => text.startsWith(prefix))
    for (const text of texts.sort()) yield Ref.parse(text)!
  }

  async head(name: string): Promise<Ref | undefined> {
    return this.#heads.get(name)
  }

  async *heads(prefix: string): AsyncGenerator<Head> {
    const names = [...this.#heads.keys()].filter((name) => name.startsWith(prefix))
    for (const name of names.sort()) {
      const ref = this.#heads.get(name)
      if (ref !== undefined) yield { name, ref }
    }
  }

  async write(batch: IndexBatch): Promise<void> {
    for (const ref of batch.removed) this.#chunks.delete(ref.toString())
    for (const [ref, place] of batch.chunks) this.#chunks.set(ref.toString(), place)
    for (const [name, ref] of batch.heads) {
      if (ref === undefined) this.#heads.delete(name)
      else this.#heads.set(name, ref)
    }
    this.#position = batch.position
  }

  async close(): Promise<void> {}
}
