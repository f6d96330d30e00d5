/**
 * What the log holds and the index does not know yet: chunks that are still in memory or written and not durable,
 * and heads. Once a stretch of the log is durable its heads come into force and the index is told of it, in the
 * order of the log.
 */

import type { Ref } from '../../hash/ref.js'
import type { Chunk } from '../chunk-store.js'
import type { ChunkIndex } from './chunk-index.js'
import { type ChunkPlace, comparePositions, type LogPosition } from './place.js'
import type { WrittenRecord } from './segment-log.js'

/** A chunk's bytes until they are written, its place from then on. */
interface PendingChunk {
  readonly ref: Ref
  bytes: Uint8Array | undefined
  place: ChunkPlace | undefined
  /** Gives the bytes back to whoever lent them. */
  release: (() => void) | undefined
}

/** A head's new ref; undefined where it is removed. */
export interface HeadUpdate {
  readonly name: string
  readonly ref: Ref | undefined
}

/** A record that is written. */
interface Stretch {
  readonly chunks: readonly PendingChunk[]
  readonly head: HeadUpdate | undefined
  readonly end: LogPosition
}

export class Pending {
  readonly #index: ChunkIndex
  readonly #storeId: Uint8Array
  readonly #chunks = new Map<string, PendingChunk>()
  /** Heads by name: as last asked for, as last written, as last made durable. */
  readonly #asked = new Map<string, HeadUpdate>()
  readonly #written = new Map<string, HeadUpdate>()
  readonly #durable = new Map<string, HeadUpdate>()
  readonly #stretches: Stretch[] = []
  #indexing: Promise<void> = Promise.resolve()

  constructor(index: ChunkIndex, storeId: Uint8Array) {
    this.#index = index
    this.#storeId = storeId
  }

  /** Whether everything has reached the index. */
  get isEmpty(): boolean {
    return this.#chunks.size === 0 && this.#asked.size === 0
  }

  has(ref: Ref): boolean {
    return this.#chunks.has(ref.toString())
  }

  /** The chunk's bytes while they are in memory, then its place; undefined where it is not pending. */
  take(ref: Ref): Uint8Array | ChunkPlace | undefined {
    const chunk = this.#chunks.get(ref.toString())
    if (chunk?.bytes === undefined) return chunk?.place
    return chunk.release === undefined ? chunk.bytes : new Uint8Array(chunk.bytes)
  }

  /** Takes a chunk that is to be written; false where it is here already. */
  addChunk({ ref, bytes, release }: Chunk): boolean {
    const key = ref.toString()
    if (this.#chunks.has(key)) return false
    this.#chunks.set(key, { ref, bytes, place: undefined, release })
    return true
  }

  /** The block of `chunks` has been written. */
  blockWritten(chunks: readonly Chunk[], written: WrittenRecord): void {
    const { segment, record, payload, storedBytes, codec, end } = written
    let offset = 0
    const pending = chunks.map(({ ref, bytes }) => {
      const chunk = this.#chunks.get(ref.toString())!
      chunk.place = { segment, record, payload, storedBytes, codec, offset, length: bytes.length }
      chunk.bytes = undefined
      chunk.release?.()
      chunk.release = undefined
      offset += bytes.length
      return chunk
    })
    this.#stretches.push({ chunks: pending, head: undefined, end })
  }

  /** A head's record is to be written. */
  headAsked(update: HeadUpdate): void {
    this.#asked.set(update.name, update)
  }

  headWritten(update: HeadUpdate, end: LogPosition): void {
    this.#written.set(update.name, update)
    this.#stretches.push({ chunks: [], head: update, end })
  }

  /** What the head was last asked to be, durable or not; undefined where the index knows. */
  askedHead(name: string): HeadUpdate | undefined {
    return this.#asked.get(name)
  }

  /** The head as it is durable, where the index may not know it yet. */
  durableHead(name: string): HeadUpdate | undefined {
    return this.#durable.get(name)
  }

  /** All durable heads whose name begins with `prefix`, by name. */
  durableHeads(prefix: string): Promise<Map<string, Ref>> {
    return this.#headsWith(this.#durable, prefix)
  }

  /** All heads as the log has them up to its last written record. */
  writtenHeads(): Promise<Map<string, Ref>> {
    return this.#headsWith(this.#written, '')
  }

  /** Everything before `durable` has been made durable. Resolves when heads are in force and the index knows. */
  advance(durable: LogPosition): Promise<void> {
    let count = 0
    while (count < this.#stretches.length && comparePositions(this.#stretches[count]!.end, durable) <= 0)
      count++
    const stretches = this.#stretches.splice(0, count)
    for (const { head } of stretches) if (head !== undefined) this.#durable.set(head.name, head)
    const indexed = this.#indexing.then(() => this.#toIndex(stretches))
    this.#indexing = indexed
    return indexed
  }

  async #toIndex(stretches: readonly Stretch[]): Promise<void> {
    const last = stretches[stretches.length - 1]
    if (last === undefined) return
    const chunks = stretches.flatMap((stretch) => stretch.chunks)
    const updates = stretches.flatMap(({ head }) => (head === undefined ? [] : [head]))
    await this.#index.write({
      storeId: this.#storeId,
      chunks: chunks.map(({ ref, place }) => [ref, place!]),
      heads: new Map(updates.map(({ name, ref }) => [name, ref])),
      position: last.end,
    })
    for (const chunk of chunks) this.#chunks.delete(chunk.ref.toString())
    for (const update of updates) {
      for (const heads of [this.#asked, this.#written, this.#durable]) {
        if (heads.get(update.name) === update) heads.delete(update.name)
      }
    }
  }

  async #headsWith(updates: ReadonlyMap<string, HeadUpdate>, prefix: string): Promise<Map<string, Ref>> {
    const over = [...updates.values()].filter(({ name }) => name.startsWith(prefix))
    const heads = new Map<string, Ref>()
    for await (const { name, ref } of this.#index.heads(prefix)) heads.set(name, ref)
    for (const { name, ref } of over) {
      if (ref === undefined) heads.delete(name)
      else heads.set(name, ref)
    }
    return heads
  }
}
