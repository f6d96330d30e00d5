/**
 * An index that a crash takes back: like LevelDB without sync it keeps what it was told up to some moment, which
 * may be the last or none.
 */

import type { Ref } from '../../src/hash/ref.js'
import type { Head } from '../../src/store/chunk-store.js'
import type { ChunkIndex, IndexBatch } from '../../src/store/segment/chunk-index.js'
import { MemoryIndex } from '../../src/store/segment/memory-index.js'
import type { ChunkPlace, LogPosition } from '../../src/store/segment/place.js'

/** What an index was told: a batch, or to empty itself. */
export type IndexStep = IndexBatch | 'clear'

export interface CrashIndexOptions {
  /** What it was told before, in order. */
  readonly steps: readonly IndexStep[]
  /** Told of each step, when it may first be on the disk. */
  readonly onStep?: (step: IndexStep) => void
  readonly turns?: () => number
}

export class CrashIndex implements ChunkIndex {
  readonly #options: CrashIndexOptions
  readonly #index = new MemoryIndex()
  #storeId: Uint8Array | undefined

  private constructor(options: CrashIndexOptions) {
    this.#options = options
  }

  static async open(options: CrashIndexOptions): Promise<CrashIndex> {
    const index = new CrashIndex(options)
    for (const step of options.steps) await index.#take(step)
    return index
  }

  async position(storeId: Uint8Array): Promise<LogPosition | undefined> {
    if (this.#storeId === undefined || Buffer.compare(this.#storeId, storeId) !== 0) return undefined
    return this.#index.position()
  }

  async clear(): Promise<void> {
    await this.#tell('clear')
  }

  async write(batch: IndexBatch): Promise<void> {
    await this.#tell(batch)
  }

  get(ref: Ref): Promise<ChunkPlace | undefined> {
    return this.#index.get(ref)
  }

  getMany(refs: readonly Ref[]): Promise<(ChunkPlace | undefined)[]> {
    return this.#index.getMany(refs)
  }

  refs(prefix: string): AsyncIterable<Ref> {
    return this.#index.refs(prefix)
  }

  head(name: string): Promise<Ref | undefined> {
    return this.#index.head(name)
  }

  heads(prefix: string): AsyncIterable<Head> {
    return this.#index.heads(prefix)
  }

  async close(): Promise<void> {}

  async #tell(step: IndexStep): Promise<void> {
    this.#options.onStep?.(step)
    for (let turns = this.#options.turns?.() ?? 0; turns > 0; turns--) await undefined
    await this.#take(step)
  }

  async #take(step: IndexStep): Promise<void> {
    if (step === 'clear') {
      this.#storeId = undefined
      await this.#index.clear()
    } else {
      this.#storeId = step.storeId
      await this.#index.write(step)
    }
  }
}

/** Equal for indexes that were told the same. */
export function stepsKey(steps: readonly IndexStep[]): string {
  return steps
    .slice(steps.lastIndexOf('clear') + 1)
    .map(stepKey)
    .join(';')
}

const keys = new WeakMap<IndexBatch, string>()

function stepKey(step: IndexStep): string {
  if (step === 'clear') return step
  let key = keys.get(step)
  if (key === undefined) {
    const { position, chunks, heads } = step
    const places = chunks.map(([ref, place]) => `${ref} ${Object.values(place)}`)
    const names = [...heads].map(([name, ref]) => `${name} ${ref}`)
    keys.set(step, (key = `${position.segment}:${position.offset} ${places} ${names}`))
  }
  return key
}
