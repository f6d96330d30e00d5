/**
 * What the log holds and the index does not know yet: chunks that are still in memory or written and not durable,
 * and heads. Once a stretch of the log is durable its heads come into force and the index is told of it, in the
 * order of the log.
 */

import type { Ref } from '../../hash/ref.js'
import type { Chunk } from '../chunk-store.js'
import type { ChunkIndex } from './chunk-index.js'
import { type ChunkPlace, comparePositions, type LogPosition } from './place.js'
import type { LoggedChunk, WrittenRecord } from './segment-log.js'

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
    const places = placesIn(chunks, written)
    const pending = chunks.map(({ ref }, index) => {
      const chunk = this.#chunks.get(ref.toString())!
      chunk.place = places[index]!
      chunk.bytes = undefined
      chunk.release?.()
      chunk.release = undefined
      return chunk
    })
    this.#stretches.push({ chunks: pending, head: undefined, end: written.end })
  }

  /** The block of `chunks`, which lie elsewhere in the log, has been written: from now on they lie here. */
  chunksMoved(chunks: readonly LoggedChunk[], written: WrittenRecord): void {
    const places = placesIn(chunks, written)
    const moved = chunks.map(({ ref }, index) => ({
      ref,
      bytes: undefined,
      place: places[index]!,
      release: undefined,
    }))
    this.#stretches.push({ chunks: moved, head: undefined, end: written.end })
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

  /** The head as it is written, durable or not, where the index may not know it yet. */
  writtenHead(name: string): HeadUpdate | undefined {
    return this.#written.get(name)
  }

  /** All heads, of those whose name begins with `prefix`, as the log has them up to its last written record. */
  writtenHeads(prefix: string): Promise<Map<string, Ref>> {
    return this.#headsWith(this.#written, prefix)
  }

  /** Everything before `durable` has been made durable. Resolves when heads are in force and the index knows. */
  advance(durable: LogPosition): Promise<void> {
    const stretches = this.#takeStretches(durable)
    return this.#inOrder(() => this.#toIndex(stretches))
  }

  /**
   * Ends a collection: `begin` begins the segment that says so, and gives where its records begin. Then the index is told
   * of all before it, and forgets the chunks that `dead` gives. Only the last batch takes it past that segment's
   * beginning, so that an index that has not forgotten them all can be told by its position.
   */
  endCollection(begin: () => Promise<LogPosition>, dead: () => AsyncIterable<readonly Ref[]>): Promise<void> {
    return this.#inOrder(async () => {
      const position = await begin()
      await this.#toIndex(this.#takeStretches(position))
      const index = this.#index
      const before = (await index.position(this.#storeId)) ?? position
      const batch = { storeId: this.#storeId, removed: [], chunks: [], heads: new Map<string, Ref>() }
      let last: readonly Ref[] = []
      for await (const removed of dead()) {
        if (last.length > 0) await index.write({ ...batch, removed: last, position: before })
        last = removed
      }
      await index.write({ ...batch, removed: last, position })
    })
  }

  #takeStretches(durable: LogPosition): Stretch[] {
    let count = 0
    while (count < this.#stretches.length && comparePositions(this.#stretches[count]!.end, durable) <= 0)
      count++
    const stretches = this.#stretches.splice(0, count)
    for (const { head } of stretches) if (head !== undefined) this.#durable.set(head.name, head)
    return stretches
  }

  /** Does what concerns the index after all that was asked before. */
  #inOrder(body: () => Promise<void>): Promise<void> {
    const done = this.#indexing.then(body)
    this.#indexing = done
    done.catch(() => {})
    return done
  }

  async #toIndex(stretches: readonly Stretch[]): Promise<void> {
    const last = stretches[stretches.length - 1]
    if (last === undefined) return
    const chunks = stretches.flatMap((stretch) => stretch.chunks)
    const updates = stretches.flatMap(({ head }) => (head === undefined ? [] : [head]))
    await this.#index.write({
      storeId: this.#storeId,
      removed: [],
      chunks: chunks.map(({ ref, place }) => [ref, place!]),
      heads: new Map(updates.map(({ name, ref }) => [name, ref])),
      position: last.end,
    })
    for (const chunk of chunks) {
      const key = chunk.ref.toString()
      if (this.#chunks.get(key) === chunk) this.#chunks.delete(key)
    }
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

/** Where the chunks of a block lie, now that it is written. */
function placesIn(chunks: readonly LoggedChunk[], written: WrittenRecord): ChunkPlace[] {
  const { segment, record, payload, storedBytes, codec } = written
  let offset = 0
  return chunks.map(({ bytes: { length } }) => {
    const place = { segment, record, payload, storedBytes, codec, offset, length }
    offset += length
    return place
  })
}
