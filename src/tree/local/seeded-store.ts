/** A store of which some chunks can be had from files on this disk too: those are looked at first. */

import type { Ref } from '../../hash/ref.js'
import type {
  CheckOptions,
  Chunk,
  ChunkSize,
  ChunkStore,
  Collected,
  CollectOptions,
  Finding,
  Heads,
  Holder,
  StoredChunks,
  Usage,
} from '../../store/chunk-store.js'
import { scanSeeds } from './scan-seeds.js'
import type { Seeds } from './seeds.js'

/**
 * The context with a store that finds chunks in the files at `paths` too. Rejects with NOMSY_DESTINATION where there is
 * nothing at one of them.
 */
export async function seededContext<Context extends { readonly store: ChunkStore }>(
  context: Context,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Context & { readonly seeds?: Seeds }> {
  const seeds = await scanSeeds(paths, signal)
  return seeds.isEmpty ? context : { ...context, store: new SeededStore(context.store, seeds), seeds }
}

export class SeededStore implements ChunkStore {
  readonly #store: ChunkStore
  readonly #seeds: Seeds

  constructor(store: ChunkStore, seeds: Seeds) {
    this.#store = store
    this.#seeds = seeds
  }

  get location(): string {
    return this.#store.location
  }

  get heads(): Heads {
    return this.#store.heads
  }

  async get(ref: Ref): Promise<Uint8Array | undefined> {
    return (await this.getMany([ref]))[0]
  }

  async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    const chunks = this.#seeds.chunks(refs)
    const slots = [...refs.keys()].filter((slot) => chunks[slot] === undefined)
    if (slots.length === 0) return chunks
    const rest = await this.#store.getMany(slots.map((slot) => refs[slot]!))
    for (const [at, slot] of slots.entries()) chunks[slot] = rest[at]
    return chunks
  }

  /** Of chunks that no seed has. */
  async locate(refs: readonly Ref[]): Promise<StoredChunks | undefined> {
    const others = [...refs.keys()].filter((slot) => this.#seeds.find(refs[slot]!) === undefined)
    const found = await this.#store.locate?.(others.map((slot) => refs[slot]!))
    return found && { runs: found.runs, slots: found.slots.map((slot) => others[slot]!) }
  }

  has(ref: Ref): Promise<boolean> {
    return this.#store.has(ref)
  }

  hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return this.#store.hasMany(refs)
  }

  put(chunks: readonly Chunk[]): Promise<number> {
    return this.#store.put(chunks)
  }

  refs(prefix?: string): AsyncIterable<Ref> {
    return this.#store.refs(prefix)
  }

  sizes(): AsyncIterable<ChunkSize> {
    return this.#store.sizes()
  }

  usage(): Promise<Usage> {
    return this.#store.usage()
  }

  writing<T>(body: () => Promise<T>): Promise<T> {
    return this.#store.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#store.hold(holder)
  }

  collect(options: CollectOptions): Promise<Collected> {
    return this.#store.collect(options)
  }

  check(options?: CheckOptions): AsyncIterable<Finding> {
    return this.#store.check(options)
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
