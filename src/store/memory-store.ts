/** A store in memory: for tests, for scratch work, and as the plainest reading of the contract. */

import { HeadConflictError, MissingChunkError, StoreError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import {
  type Chunk,
  type ChunkSize,
  type ChunkStore,
  type Collected,
  type CollectOptions,
  checkHeadName,
  type Finding,
  type Head,
  type Heads,
  type Holder,
  keptBytes,
  type Usage,
} from './chunk-store.js'
import { Collector } from './collector.js'
import type { LiveRefs } from './live-refs.js'

export class MemoryStore implements ChunkStore {
  readonly location = 'memory:'
  readonly heads: Heads
  readonly #chunks = new Map<string, Uint8Array>()
  readonly #heads = new Map<string, Ref>()
  readonly #collector = new Collector()
  #closed = false

  constructor() {
    this.heads = {
      get: async (name) => {
        this.#checkOpen()
        return this.#heads.get(name)
      },
      list: (prefix) => this.#listHeads(prefix),
      compareAndSet: (name, expected, next) => this.#compareAndSet(name, expected, next),
    }
  }

  async get(ref: Ref): Promise<Uint8Array | undefined> {
    this.#checkOpen()
    return this.#find(ref)
  }

  async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen()
    return refs.map((ref) => this.#find(ref))
  }

  async has(ref: Ref): Promise<boolean> {
    this.#checkOpen()
    return this.#find(ref) !== undefined
  }

  async hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    this.#checkOpen()
    return refs.map((ref) => this.#find(ref) !== undefined)
  }

  async put(chunks: readonly Chunk[]): Promise<number> {
    this.#checkOpen()
    let newBytes = 0
    for (const chunk of chunks) {
      const key = chunk.ref.toString()
      this.#collector.put(chunk)
      if (this.#chunks.has(key)) {
        chunk.release?.()
        continue
      }
      this.#chunks.set(key, keptBytes(chunk))
      newBytes += chunk.bytes.length
    }
    return newBytes
  }

  async *refs(prefix = ''): AsyncGenerator<Ref> {
    this.#checkOpen()
    for (const text of [...this.#chunks.keys()].sort()) {
      if (text.startsWith(prefix)) yield Ref.parse(text)!
    }
  }

  async *sizes(): AsyncGenerator<ChunkSize> {
    for await (const ref of this.refs()) {
      const bytes = this.#chunks.get(ref.toString())?.length
      if (bytes !== undefined) yield { ref, bytes }
    }
  }

  async usage(): Promise<Usage> {
    this.#checkOpen()
    let storedBytes = 0
    for (const { length } of this.#chunks.values()) storedBytes += length
    return { storedBytes, segmentCount: 0 }
  }

  async writing<T>(body: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    return this.#collector.holders.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#collector.holders.add(holder)
  }

  async collect(options: CollectOptions): Promise<Collected> {
    this.#checkOpen()
    return this.#collector.run(this, options, async (refs) => this.#sweep(refs, options.dryRun === true))
  }

  #sweep(refs: LiveRefs, isDryRun: boolean): Collected {
    let freedBytes = 0
    for (const ref of refs.dead()) {
      const key = ref.toString()
      freedBytes += this.#chunks.get(key)!.length
      if (!isDryRun) this.#chunks.delete(key)
    }
    const keptChunks = refs.liveCount
    return { keptChunks, freedChunks: refs.count - keptChunks, freedBytes, storedBytes: freedBytes }
  }

  #find(ref: Ref): Uint8Array | undefined {
    const bytes = this.#chunks.get(ref.toString())
    if (bytes !== undefined) this.#collector.found(ref)
    return bytes
  }

  /** Memory is trusted: there is nothing to find. */
  async *check(): AsyncGenerator<Finding> {
    this.#checkOpen()
  }

  async flush(): Promise<void> {
    this.#checkOpen()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#chunks.clear()
    this.#heads.clear()
  }

  async *#listHeads(prefix = ''): AsyncGenerator<Head> {
    this.#checkOpen()
    for (const name of [...this.#heads.keys()].sort()) {
      const ref = this.#heads.get(name)
      if (name.startsWith(prefix) && ref !== undefined) yield { name, ref }
    }
  }

  async #compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    this.#checkOpen()
    checkHeadName(name)
    const actual = this.#heads.get(name)
    if (actual?.toString() !== expected?.toString()) {
      throw new HeadConflictError(name, expected?.toString(), actual?.toString())
    }
    if (next === undefined) {
      this.#heads.delete(name)
      return
    }
    if (this.#find(next) === undefined) throw new MissingChunkError(next.toString())
    this.#heads.set(name, next)
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('NOMSY_CLOSED', 'this store has been closed')
  }
}
