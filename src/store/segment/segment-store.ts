/**
 * The default store on disk: an append-only log of segments holds chunks and heads, and an index that can be made
 * anew tells where each lies. SPEC "Segment store".
 *
 * A put gathers new chunks into blocks and adds them to the log. A head's update adds a record after the chunks it
 * names and waits for one fdatasync; since the log is read in order and only as far as it verifies, a head that is
 * found has everything before it. Only what is durable is handed to the index.
 */

import { encode } from '../../encoding/encode.js'
import { HeadConflictError, MissingChunkError, NomsyError, StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import {
  type CheckOptions,
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
  type StoredChunks,
  type Usage,
} from '../chunk-store.js'
import { Collector } from '../collector.js'
import type { LiveRefs } from '../live-refs.js'
import type { LostChunks } from '../lost-chunks.js'
import { BlockPacker } from './block-packer.js'
import type { Wanted } from './block-reader.js'
import type { Durability } from './durability.js'
import { checkLog } from './log-check.js'
import { readLost, writeLost } from './lost-file.js'
import { type OpenedStore, openSegmentStore, type SegmentStoreOptions } from './open-segment-store.js'
import type { ChunkPlace } from './place.js'
import { plainRecord, SEGMENT_BYTES, type SegmentLog } from './segment-log.js'
import { listSegments } from './store-format.js'
import { Sweep } from './sweep.js'

/** A block is full once it has this many bytes, or chunks. */
const BLOCK_BYTES = 32 * 1024
const BLOCK_CHUNKS = 4096

/**
 * The log is made durable each time this much has been added, so that what is pending stays bounded; where durability
 * is `none`, each time a segment may be full, which asks for it in any case.
 */
const BARRIER_BYTES = 64 * 1024 * 1024
const RARE_BARRIER_BYTES = SEGMENT_BYTES

/** What a pending chunk counts for at least: what is remembered of it takes up memory too. */
const PENDING_BYTES = 1024

/** Where durability is `lazy`: for how long a head that has moved may be lost with the power. */
const LAZY_MS = 1000

/** Chunks that are looked up at once while sizes are listed. */
const LOOKED_UP_CHUNKS = 1024

export class SegmentStore implements ChunkStore {
  readonly location: string
  readonly directory: string | undefined
  readonly heads: Heads
  readonly lost: LostChunks
  readonly #parts: OpenedStore
  readonly #packer: BlockPacker
  /** Chunks of the block being gathered, and blocks that are full and not yet packed. */
  #block: Chunk[] = []
  #blockBytes = 0
  #fullBlocks: Chunk[][] = []
  #bytesSinceBarrier = 0
  readonly #collector = new Collector()
  readonly #segmentBytes: number
  readonly #durability: Durability
  /** Makes durable what was acknowledged before it was. */
  #lazyBarrier: NodeJS.Timeout | undefined
  /** While dead chunks are taken away: which are. */
  #sweep: Sweep | undefined
  #sweeping: Promise<unknown> = Promise.resolve()
  /** Calls under way, which closing waits for. */
  readonly #calls = new Set<Promise<unknown>>()
  /** The last head's update to have read and asked; the next one comes after it. */
  #headTurn: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(
    location: string,
    parts: OpenedStore,
    { segmentBytes = SEGMENT_BYTES, durability = 'commit' }: SegmentStoreOptions,
  ) {
    this.location = location
    this.directory = parts.log === undefined ? undefined : location
    this.#segmentBytes = segmentBytes
    this.#durability = durability
    this.#parts = parts
    this.#packer = new BlockPacker(parts.compressionLevel)
    this.lost = {
      list: () => this.#call(() => readLost(parts.fs, parts.path)),
      replace: (refs) =>
        this.#call(() => {
          this.#requireLog()
          return writeLost(parts.fs, parts.path, refs)
        }),
    }
    this.heads = {
      get: (name) => this.#call(() => this.#head(name)),
      list: (prefix) => this.#listHeads(prefix),
      compareAndSet: (name, expected, next) => this.#write(() => this.#compareAndSet(name, expected, next)),
    }
  }

  /**
   * Opens the store in the directory `path`. Rejects with NOMSY_NO_STORE, NOMSY_FOREIGN_STORE, NOMSY_NEWER_STORE,
   * NOMSY_LOCKED, NOMSY_READ_ONLY (open it with `readOnly`), NOMSY_DAMAGED_STORE (likewise).
   */
  static async open(path: string, options: SegmentStoreOptions = {}): Promise<SegmentStore> {
    return new SegmentStore(path, await openSegmentStore(path, options), options)
  }

  /** @internal The store of parts that are open, which it closes. */
  static of(path: string, parts: OpenedStore): SegmentStore {
    return new SegmentStore(path, parts, {})
  }

  get(ref: Ref): Promise<Uint8Array | undefined> {
    return this.#call(async () => {
      const { index, reader } = this.#parts
      const found = this.#take(ref) ?? this.#present(ref, await index.get(ref))
      if (found === undefined || found instanceof Uint8Array) return found
      return reader.read({ ref, place: found })
    })
  }

  getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    return this.#call(async () => {
      const result = new Array<Uint8Array | undefined>(refs.length)
      const wanted: Wanted[] = []
      const slots: number[] = []
      const places = await this.#places(refs)
      for (const [slot, ref] of refs.entries()) {
        const place = places[slot]
        if (place instanceof Uint8Array) result[slot] = place
        else if (place !== undefined) {
          wanted.push({ ref, place })
          slots.push(slot)
        }
      }
      const chunks = await this.#parts.reader.readMany(wanted)
      for (const [index, slot] of slots.entries()) result[slot] = chunks[index]
      return result
    })
  }

  locate(refs: readonly Ref[]): Promise<StoredChunks | undefined> {
    return this.#call(async () => {
      const places = await this.#places(refs)
      const slots = [...places.keys()].filter((slot) => isPlace(places[slot]))
      const wanted = slots.map((slot) => ({ ref: refs[slot]!, place: places[slot] as ChunkPlace }))
      const found = await this.#parts.reader.locate(wanted)
      return found && { runs: found.runs, slots: found.slots.map((slot) => slots[slot]!) }
    })
  }

  has(ref: Ref): Promise<boolean> {
    return this.#call(async () => (await this.#knows([ref]))[0]!)
  }

  hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return this.#call(() => this.#knows(refs))
  }

  put(chunks: readonly Chunk[]): Promise<number> {
    return this.#write(async () => {
      await this.#log.ready()
      let newBytes = 0
      const lacking = await this.#withoutKnown(chunks)
      if (this.#collector.isMarking) for (const chunk of chunks) this.#collector.put(chunk)
      for (const chunk of lacking) newBytes += this.#addToBlock(chunk)
      this.#logBlocks()
      if (this.#bytesSinceBarrier >= (this.#durability === 'none' ? RARE_BARRIER_BYTES : BARRIER_BYTES)) {
        this.#bytesSinceBarrier = 0
        // A failure stays with the log, and meets whoever asks for something next.
        this.#barrier().catch(() => {})
      }
      return newBytes
    })
  }

  /** Chunks that are not durable yet may be among them, or not. */
  async *refs(prefix = ''): AsyncGenerator<Ref> {
    if (this.#closed !== undefined) throw closedError()
    await this.#flushIfPossible()
    const { index } = this.#parts
    for await (const ref of index.refs(prefix)) {
      if (this.#sweep === undefined || this.#present(ref, await index.get(ref)) !== undefined) yield ref
    }
  }

  async *sizes(): AsyncGenerator<ChunkSize> {
    if (this.#closed !== undefined) throw closedError()
    await this.#flushIfPossible()
    let refs: Ref[] = []
    for await (const ref of this.#parts.index.refs('')) {
      if (refs.push(ref) < LOOKED_UP_CHUNKS) continue
      yield* await this.#sizesOf(refs)
      refs = []
    }
    yield* await this.#sizesOf(refs)
  }

  async #sizesOf(refs: readonly Ref[]): Promise<ChunkSize[]> {
    const places = await this.#parts.index.getMany(refs)
    return refs.flatMap((ref, slot) => {
      const place = places[slot]
      return place === undefined || this.#sweep?.isDead(ref, place) ? [] : [{ ref, bytes: place.length }]
    })
  }

  usage(): Promise<Usage> {
    return this.#call(async () => {
      const { fs, path, files } = this.#parts
      const segments = await listSegments(fs, path)
      let storedBytes = 0
      for (const segment of segments) storedBytes += await (await files.get(segment)).size()
      return { storedBytes, segmentCount: segments.length }
    })
  }

  writing<T>(body: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    return this.#collector.holders.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#collector.holders.add(holder)
  }

  async collect(options: CollectOptions): Promise<Collected> {
    if (this.#closed !== undefined) throw closedError()
    const isDryRun = options.dryRun === true
    if (!isDryRun) this.#log.throwIfFailed()
    // Nothing is awaited before the marking begins: what is put from now on is to stay.
    const store = {
      flush: async () => {
        if (!isDryRun) await this.#parts.ballast.giveUp()
        await this.#flushIfPossible()
      },
      refs: () => this.refs(),
      heads: this.heads,
      getMany: (refs: readonly Ref[]) => this.getMany(refs),
      hasMany: (refs: readonly Ref[]) => this.hasMany(refs),
    }
    return this.#collector.run(store, options, (refs) => {
      const swept = this.#swept(refs, isDryRun)
      this.#sweeping = swept
      return swept
    })
  }

  async #swept(refs: LiveRefs, isDryRun: boolean): Promise<Collected> {
    if (this.#closed !== undefined) throw closedError()
    const sweep = new Sweep({
      store: this.#parts,
      segmentBytes: this.#segmentBytes,
      refs,
      packer: this.#packer,
      callsEnded: async () => {
        await Promise.allSettled(this.#calls)
      },
    })
    if (isDryRun) return sweep.plan()
    const log = this.#log
    this.#sweep = sweep
    try {
      return await sweep.run(log)
    } catch (cause) {
      if (cause instanceof NomsyError) throw cause
      throw new StoreError(
        'NOMSY_STORE_FAILED',
        `${this.location}: the collection could not go on: ${(cause as Error).message}; nothing that is needed is lost, mend the cause and collect again`,
        { cause },
      )
    } finally {
      // Of what has failed halfway some is gone for good: what was dead stays so.
      if (log.failure === undefined) this.#sweep = undefined
    }
  }

  /** What is pending of a chunk. */
  #take(ref: Ref): Uint8Array | ChunkPlace | undefined {
    const taken = this.#parts.pending.take(ref)
    if (taken !== undefined) this.#collector.found(ref)
    return taken
  }

  /** A place that the index gave, if the chunk is there as far as collections go. */
  #present(ref: Ref, place: ChunkPlace | undefined): ChunkPlace | undefined {
    if (place === undefined) return undefined
    this.#collector.found(ref)
    return this.#sweep?.isDead(ref, place) ? undefined : place
  }

  /** Where the index has the chunks that are there. */
  async #lookUp(refs: readonly Ref[]): Promise<(ChunkPlace | undefined)[]> {
    const places = await this.#parts.index.getMany(refs)
    if (this.#sweep === undefined && !this.#collector.isMarking) return places
    return places.map((place, slot) => this.#present(refs[slot]!, place))
  }

  async *check(options: CheckOptions = {}): AsyncGenerator<Finding> {
    if (this.#closed !== undefined) throw closedError()
    await this.#flushIfPossible()
    yield* checkLog(this.#parts, options)
  }

  flush(): Promise<void> {
    return this.#call(async () => {
      if (this.#parts.log === undefined) return
      this.#logAll()
      await this.#barrier()
    })
  }

  /** A number that no two collections leave the same; 0 before the first. */
  get collected(): number {
    return this.#parts.catalog.collected
  }

  /** Resolves once those of `refs` that are in the store are durable: for those who may outlive this process. */
  async makeDurable(refs: readonly Ref[]): Promise<void> {
    if (refs.some((ref) => this.#parts.pending.has(ref))) await this.flush()
  }

  /** A store that has failed can still be read. */
  async #flushIfPossible(): Promise<void> {
    if (this.#parts.log !== undefined && this.#parts.log.failure === undefined) await this.flush()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { log, pending, release } = this.#parts
    clearTimeout(this.#lazyBarrier)
    await Promise.allSettled([...this.#calls, this.#sweeping])
    try {
      if (log === undefined) return
      if (log.failure !== undefined) {
        if (!pending.isEmpty) throw log.failure
        return
      }
      this.#logAll()
      await this.#barrier()
      if (!log.isDirty) return
      // The mark says that all before it is durable, for whoever finds it without an index.
      log.add(plainRecord('mark', new Uint8Array(0)))
      await log.barrier()
    } finally {
      await release()
    }
  }

  /** Where each chunk lies, its bytes where they are in memory, undefined where it is absent. */
  async #places(refs: readonly Ref[]): Promise<(ChunkPlace | Uint8Array | undefined)[]> {
    const places = refs.map((ref) => this.#take(ref))
    const slots = refs.flatMap((_, slot) => (places[slot] === undefined ? [slot] : []))
    if (slots.length === 0) return places
    const found = await this.#lookUp(slots.map((slot) => refs[slot]!))
    for (const [at, slot] of slots.entries()) places[slot] = found[at]
    return places
  }

  /** Whether each chunk is on its way to the log or in the index. */
  async #knows(refs: readonly Ref[]): Promise<boolean[]> {
    const { pending } = this.#parts
    // In this order: what is no longer pending when it is asked for is in the index.
    const isPending = refs.map((ref) => pending.has(ref))
    for (const [slot, ref] of refs.entries()) if (isPending[slot]) this.#collector.found(ref)
    const places = await this.#lookUp(refs)
    return places.map((place, slot) => isPending[slot]! || place !== undefined)
  }

  /** Those of `chunks` that are not in the store, or lie there damaged. */
  async #withoutKnown(chunks: readonly Chunk[]): Promise<Chunk[]> {
    const { pending, reader } = this.#parts
    const some = chunks.filter(({ ref }) => !pending.has(ref))
    const places = await this.#lookUp(some.map(({ ref }) => ref))
    const lacking = new Set<Chunk>()
    for (const [slot, chunk] of some.entries()) {
      const place = places[slot]
      if (place === undefined || !(await reader.isWhole({ ref: chunk.ref, place }))) lacking.add(chunk)
    }
    for (const chunk of chunks) if (!lacking.has(chunk)) chunk.release?.()
    return [...lacking]
  }

  /** The bytes that this adds to the store. */
  #addToBlock(chunk: Chunk): number {
    if (!this.#parts.pending.addChunk(chunk)) {
      chunk.release?.()
      return 0
    }
    this.#block.push(chunk)
    this.#blockBytes += chunk.bytes.length
    this.#bytesSinceBarrier += Math.max(chunk.bytes.length, PENDING_BYTES)
    if (this.#blockBytes >= BLOCK_BYTES || this.#block.length >= BLOCK_CHUNKS) this.#endBlock()
    return chunk.bytes.length
  }

  #endBlock(): void {
    if (this.#block.length === 0) return
    this.#fullBlocks.push(this.#block)
    this.#block = []
    this.#blockBytes = 0
  }

  /** Hands all that was gathered to the log. */
  #logAll(): void {
    this.#endBlock()
    this.#logBlocks()
  }

  /** Packs full blocks, all at once, and hands them to the log. */
  #logBlocks(): void {
    const blocks = this.#fullBlocks
    if (blocks.length === 0) return
    this.#fullBlocks = []
    for (const [index, payload] of this.#packer.pack(blocks).entries()) {
      const chunks = blocks[index]!
      this.#log.add({
        type: 'block',
        chunks,
        rawBytes: chunks.reduce((sum, { bytes }) => sum + bytes.length, 0),
        payload,
        onWritten: (written) => this.#parts.pending.blockWritten(chunks, written),
      })
    }
  }

  /** Makes everything in the log durable and known. */
  async #barrier(): Promise<void> {
    const log = this.#log
    await log.barrier()
    const { pending, catalog, ballast } = this.#parts
    await pending.advance(log.durable).catch((error: unknown) => {
      throw log.fail(error)
    })
    void ballast.keep(catalog.bytes + log.position.offset)
  }

  /** Resolves when heads that were asked for may be said to have moved: when they are as durable as is asked for. */
  async #acknowledgeable(): Promise<void> {
    if (this.#durability === 'commit') return this.#barrier()
    await this.#log.written()
    if (this.#durability === 'none') return
    this.#lazyBarrier ??= setTimeout(() => {
      this.#lazyBarrier = undefined
      // A failure stays with the log, and meets whoever asks for something next.
      this.flush().catch(() => {})
    }, LAZY_MS)
  }

  async #head(name: string): Promise<Ref | undefined> {
    const { pending, index } = this.#parts
    const update = this.#durability === 'commit' ? pending.durableHead(name) : pending.writtenHead(name)
    return update === undefined ? index.head(name) : update.ref
  }

  async *#listHeads(prefix = ''): AsyncGenerator<Head> {
    const { pending } = this.#parts
    const heads = await this.#call(() =>
      this.#durability === 'commit' ? pending.durableHeads(prefix) : pending.writtenHeads(prefix),
    )
    for (const name of [...heads.keys()].sort()) yield { name, ref: heads.get(name)! }
  }

  async #compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    checkHeadName(name)
    const turn = this.#headTurn.then(() => this.#askForHead(name, expected, next))
    this.#headTurn = turn.catch(() => {})
    const actual = await turn
    // What a conflict reports is to be durable too.
    await this.#acknowledgeable()
    if (actual !== expected) throw new HeadConflictError(name, expected?.toString(), actual?.toString())
  }

  /** Adds the head's record if it is what was expected; what it was, which is `expected` itself if so. */
  async #askForHead(
    name: string,
    expected: Ref | undefined,
    next: Ref | undefined,
  ): Promise<Ref | undefined> {
    const log = this.#log
    const { pending, index, ballast } = this.#parts
    if (next === undefined) await ballast.giveUp()
    const asked = pending.askedHead(name)
    const actual = asked === undefined ? await index.head(name) : asked.ref
    if (actual?.toString() !== expected?.toString()) return actual
    if (next !== undefined && !(await this.#knows([next]))[0]) throw new MissingChunkError(next.toString())
    this.#logAll()
    const update = { name, ref: next }
    pending.headAsked(update)
    const payload = encode([name, next ?? null])
    log.add(plainRecord('head', payload, ({ end }) => pending.headWritten(update, end)))
    return expected
  }

  /** Throws where the store is open for reading only. */
  #requireLog(): void {
    void this.#log
  }

  get #log(): SegmentLog {
    const { log } = this.#parts
    if (log === undefined) {
      throw new StoreError(
        'NOMSY_READ_ONLY',
        `${this.location} is open for reading only; nothing can be written to it`,
      )
    }
    return log
  }

  /** As {@link #call}, of one that relies on what it finds. */
  #write<T>(body: () => Promise<T>): Promise<T> {
    return this.#call(() => this.#collector.holders.writing(body))
  }

  /** Runs `body` as one of the calls that closing waits for. */
  #call<T>(body: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    const call = body()
    this.#calls.add(call)
    const done = (): void => {
      this.#calls.delete(call)
    }
    call.then(done, done)
    return call
  }
}

function isPlace(found: ChunkPlace | Uint8Array | undefined): found is ChunkPlace {
  return found !== undefined && !(found instanceof Uint8Array)
}

function closedError(): StoreError {
  return new StoreError('NOMSY_CLOSED', 'this store has been closed')
}
