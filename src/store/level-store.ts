/**
 * A store in one LevelDB database through the package `level`, or in one IndexedDB where it runs in a browser.
 * src/store/level-record.ts has the layout.
 *
 * Every batch is synced, so that batches are durable in the order in which they were written: LevelDB may lose
 * an earlier batch that was not synced and keep a later one that was. The last batch of a head's update holds
 * the head and the chunks put just before. In a browser durable means what IndexedDB means by it, and nothing
 * keeps two tabs from moving heads at once.
 *
 * LevelDB reads tables through mmap and does not notice flipped bits: chunks are hashed on every read and heads
 * are sealed, but a disk that fails to read ends the process. The segment store has none of these limits.
 */

import type { AbstractLevel } from 'abstract-level'
import { Level } from 'level'
import {
  DamagedChunkError,
  HeadConflictError,
  MissingChunkError,
  StoreError,
  StoreLockedError,
} from '../errors.js'
import { REF_BYTES, Ref } from '../hash/ref.js'
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
  keptBytes,
  sampler,
  type Usage,
} from './chunk-store.js'
import { Collector } from './collector.js'
import { absentError, claimDirectory, foreignError, UNSEEN_PLACE } from './level-directory.js'
import {
  ascii,
  CHUNK_PREFIX,
  chunkKey,
  chunkKeys,
  FORMAT_KEY,
  FORMAT_NAME,
  FORMAT_VERSION,
  HEAD_PREFIX,
  headKey,
  nameOfKey,
  refOfKey,
  sameBytes,
  sealed,
  unsealed,
} from './level-record.js'
import type { LiveRefs } from './live-refs.js'

/** Bytes of chunks in one batch, at least one chunk; half of what may be pending when a put resolves. */
const BATCH_BYTES = 4 * 1024 * 1024

/** Chunks that are looked up at once while dead ones are counted. */
const COUNTED_CHUNKS = 256

/** Bytes read between two calls of a check's onProgress. */
const PROGRESS_BYTES = 1024 * 1024

const KEYS = { keyEncoding: 'view' } as const
const ENTRIES = { keyEncoding: 'view', valueEncoding: 'view' } as const
const SYNCED = { keyEncoding: 'view', valueEncoding: 'view', sync: true } as const

/**
 * LevelDB's sizes of its log and its tables, 4 and 2 MiB where not told: larger, chunks are written fewer times
 * over and a large store needs fewer files; opening replays the log, at about 150 MB/s.
 */
const SIZES = { writeBufferSize: 32 * 1024 * 1024, maxFileSize: 32 * 1024 * 1024 } as const

type Database = AbstractLevel<string | Uint8Array, Uint8Array, Uint8Array>
type Operation = { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array }

export interface LevelStoreOptions {
  /** Whether to create the store where there is none; true where left out. */
  readonly create?: boolean | undefined
  /** The database to use in place of the one at the location. The store opens and closes it. */
  readonly database?: Database | undefined
}

export class LevelStore implements ChunkStore {
  readonly location: string
  readonly heads: Heads
  readonly #database: Database
  /** Lets others in this process open the same location. */
  readonly #release: () => void
  /** Chunks put and not yet known to be written, by their refs' text, in the order of their puts. */
  readonly #pending = new Map<string, Chunk>()
  #pendingBytes = 0
  /** The end of the chain of all that writes; never rejects. */
  #lastWrite: Promise<unknown> = Promise.resolve()
  /** Writes full batches, while there are any. */
  #writer: Promise<void> | undefined
  /** The first write that failed. */
  #failure: unknown
  readonly #running = new Set<Promise<unknown>>()
  readonly #collector = new Collector()
  /** While a collection sweeps: what is not live in it is absent, though it may still be stored. */
  #swept: LiveRefs | undefined
  #closing: Promise<void> | undefined

  private constructor(location: string, database: Database, release: () => void) {
    this.location = location
    this.#database = database
    this.#release = release
    this.heads = {
      get: (name) => this.#run(() => this.#readHead(name)),
      list: (prefix) => this.#listHeads(prefix),
      compareAndSet: (name, expected, next) => this.#write(() => this.#compareAndSet(name, expected, next)),
    }
  }

  /**
   * Opens the store in the directory `location` (in a browser: the IndexedDB of that name). Rejects with
   * NOMSY_NO_STORE, NOMSY_FOREIGN_STORE, NOMSY_NEWER_STORE, NOMSY_LOCKED, NOMSY_DAMAGED_STORE.
   */
  static async open(location: string, options: LevelStoreOptions = {}): Promise<LevelStore> {
    const { create = true } = options
    const place = options.database === undefined ? claimDirectory(location, create) : UNSEEN_PLACE
    const database = options.database ?? openedBy(new Level(location, { ...ENTRIES, ...SIZES }))
    try {
      await database.open({ createIfMissing: create && !place.exists })
      await checkFormat(database, location, create)
    } catch (error) {
      await database.close().catch(() => {})
      place.release()
      throw openError(error, location)
    }
    return new LevelStore(location, database, place.release)
  }

  get(ref: Ref): Promise<Uint8Array | undefined> {
    return this.#run(() => this.#get(ref))
  }

  getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    return this.#run(async () => {
      const results: (Uint8Array | undefined)[] = refs.map((ref) => this.#pendingBytesOf(ref))
      const stored = refs.map((_, index) => index).filter((index) => results[index] === undefined)
      const values = await this.#readStored(stored.map((index) => refs[index]!))
      stored.forEach((index, i) => {
        const value = values[i]
        results[index] = value && verified(refs[index]!, value, this.location)
      })
      return results
    })
  }

  async has(ref: Ref): Promise<boolean> {
    return (await this.hasMany([ref]))[0]!
  }

  hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return this.#run(() => this.#hasMany(refs))
  }

  put(chunks: readonly Chunk[]): Promise<number> {
    return this.#write(async () => {
      this.#checkWritable()
      let newBytes = 0
      for (const some of batchesOf(chunks)) {
        const lacking = new Set(await this.#lacking(some))
        this.#checkWritable()
        for (const chunk of some) {
          this.#collector.put(chunk)
          if (lacking.has(chunk)) newBytes += this.#addPending(chunk)
          else chunk.release?.()
        }
        await this.#relievePressure()
      }
      return newBytes
    })
  }

  /** {@link ChunkStore.refs}; what is put while it runs may or may not be among them. */
  async *refs(prefix = ''): AsyncGenerator<Ref> {
    this.#checkOpen()
    const range = chunkKeys(prefix)
    if (range === undefined) return
    // Taken in the same moment as the iterator's snapshot, so that nothing falls between the two.
    const pending = [...this.#pending.keys()].filter((text) => text.startsWith(prefix)).sort()
    const keys = this.#database.keys({ ...range, ...KEYS })
    let next = 0
    try {
      for await (const key of keys) {
        const ref = refOfKey(key)
        const text = ref.toString()
        if (this.#swept?.isDead(ref) === true) continue
        while (next < pending.length && pending[next]! < text) yield Ref.parse(pending[next++]!)!
        if (pending[next] === text) next++
        yield ref
      }
    } catch (error) {
      throw this.#readError(error)
    }
    while (next < pending.length) yield Ref.parse(pending[next++]!)!
  }

  /** Reads the chunks, which have their lengths nowhere else. */
  async *sizes(): AsyncGenerator<ChunkSize> {
    await this.flush()
    const range = { gte: Uint8Array.of(CHUNK_PREFIX), lt: Uint8Array.of(CHUNK_PREFIX + 1) }
    try {
      for await (const [key, value] of this.#database.iterator({ ...range, ...ENTRIES })) {
        const ref = refOfKey(key)
        if (this.#swept?.isDead(ref) !== true) yield { ref, bytes: value.length }
      }
    } catch (error) {
      throw this.#readError(error)
    }
  }

  async usage(): Promise<Usage> {
    this.#checkOpen()
    return { storedBytes: undefined, segmentCount: 0 }
  }

  async writing<T>(body: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    return this.#collector.holders.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#collector.holders.add(holder)
  }

  async collect(options: CollectOptions): Promise<Collected> {
    return this.#run(() =>
      this.#collector.run(this, options, (refs) => this.#sweep(refs, options.dryRun === true)),
    )
  }

  /** One batch takes all dead chunks away, so that none is left without what is under it. */
  async #sweep(refs: LiveRefs, isDryRun: boolean): Promise<Collected> {
    const keptChunks = refs.liveCount
    const freedChunks = refs.count - keptChunks
    if (isDryRun || freedChunks === 0) {
      const freedBytes = freedChunks === 0 ? 0 : await this.#deadBytes(refs)
      return { keptChunks, freedChunks, freedBytes, storedBytes: undefined }
    }
    this.#swept = refs
    try {
      const freedBytes = await this.#deadBytes(refs)
      await this.#exclusive(async () => {
        this.#checkWritable()
        const batch = this.#database.batch()
        for (const ref of refs.dead()) batch.del(chunkKey(ref), KEYS)
        await batch.write({ sync: true } as object).catch((error: unknown) => {
          this.#failure = error
          throw this.#failedError()
        })
      })
      return { keptChunks, freedChunks, freedBytes, storedBytes: undefined }
    } finally {
      this.#swept = undefined
    }
  }

  async #deadBytes(refs: LiveRefs): Promise<number> {
    let sum = 0
    const count = async (some: readonly Ref[]): Promise<void> => {
      const values = await this.#database.getMany(some.map(chunkKey), ENTRIES).catch(() => [])
      for (const value of values) sum += value?.length ?? 0
    }
    let some: Ref[] = []
    for (const ref of refs.dead()) {
      if (some.push(ref) < COUNTED_CHUNKS) continue
      await count(some)
      some = []
    }
    await count(some)
    return sum
  }

  /** {@link ChunkStore.check}, in the order of refs. The total is an estimate until the end, when it is exact. */
  async *check(options: CheckOptions = {}): AsyncGenerator<Finding> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    yield* this.#checkOthers({ lt: Uint8Array.of(CHUNK_PREFIX) })
    yield* this.#checkOthers({ gte: Uint8Array.of(CHUNK_PREFIX + 1) })

    let sum = 0
    let told = 0
    /** `position` is the share of all refs that come before the place reached; refs are evenly spread. */
    const progress = (position: number): void => {
      options.onProgress?.(sum - told, Math.round(sum / position))
      told = sum
    }
    const isChosen = options.sample === undefined ? () => true : sampler(options.sample)
    // LevelDB leaves off at a table that it cannot read: parts, so that it goes on with the next.
    for (let part = 0; part < 256; part++) {
      if (!isChosen()) continue
      const gte = part === 0 ? Uint8Array.of(CHUNK_PREFIX) : Uint8Array.of(CHUNK_PREFIX, part)
      const lt = part === 255 ? Uint8Array.of(CHUNK_PREFIX + 1) : Uint8Array.of(CHUNK_PREFIX, part + 1)
      try {
        for await (const [key, value] of this.#database.iterator({ gte, lt, ...ENTRIES })) {
          options.signal?.throwIfAborted()
          sum += key.length + value.length
          if (sum - told >= PROGRESS_BYTES) progress((part * 256 + key[2]! + 1) / 65536)
          const finding = await this.#checkChunk(key, value)
          if (finding !== undefined) yield finding
        }
      } catch (error) {
        options.signal?.throwIfAborted()
        this.#checkOpen()
        const first = part.toString(16).padStart(2, '0')
        yield unreadable(`${this.location}: chunks whose ref's first byte is ${first}`, error)
      }
    }
    progress(1)
  }

  flush(): Promise<void> {
    return this.#run(() => this.#exclusive(() => this.#writePending()))
  }

  /** {@link ChunkStore.close}. Rejects the first time if chunks could not be written; it lets go all the same. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.catch(() => {})
    this.#closing = this.#letGo()
    return this.#closing
  }

  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#running)
    try {
      if (this.#pending.size > 0) await this.#exclusive(() => this.#writePending())
    } finally {
      await this.#database.close().finally(this.#release)
    }
  }

  // Reading

  async #get(ref: Ref): Promise<Uint8Array | undefined> {
    const pending = this.#pendingBytesOf(ref)
    if (pending !== undefined) return pending
    let value: Uint8Array | undefined
    try {
      value = await this.#database.get(chunkKey(ref), ENTRIES)
    } catch (error) {
      if (!isCorruption(error)) throw this.#readError(error)
      throw new DamagedChunkError(ref.toString(), this.location, { cause: error })
    }
    return value && this.#isHere(ref) ? verified(ref, value, this.location) : undefined
  }

  #pendingBytesOf(ref: Ref): Uint8Array | undefined {
    const chunk = this.#pending.get(ref.toString())
    if (chunk !== undefined) this.#collector.found(ref)
    return chunk?.bytes
  }

  /** Whether a chunk that was found stored counts as such. */
  #isHere(ref: Ref): boolean {
    this.#collector.found(ref)
    return this.#swept?.isDead(ref) !== true
  }

  /** The values of chunks' keys, not verified, pending ones not looked at. Rejects as {@link #get} does. */
  async #readStored(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    if (refs.length === 0) return []
    try {
      const values = await this.#database.getMany(refs.map(chunkKey), ENTRIES)
      return values.map((value, index) => (value && this.#isHere(refs[index]!) ? value : undefined))
    } catch (error) {
      // The error does not say which of them it is about.
      for (const ref of refs) await this.#get(ref)
      throw this.#readError(error)
    }
  }

  async #hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    const results = refs.map((ref) => this.#pendingBytesOf(ref) !== undefined)
    const stored = refs.map((_, index) => index).filter((index) => !results[index])
    if (stored.length === 0) return results
    try {
      const keys = stored.map((index) => chunkKey(refs[index]!))
      const values = await this.#database.hasMany(keys, KEYS)
      stored.forEach((index, i) => {
        results[index] = values[i]! && this.#isHere(refs[index]!)
      })
    } catch (error) {
      throw this.#readError(error)
    }
    return results
  }

  /** Those of `chunks` that the store does not hold, or holds damaged. */
  async #lacking(chunks: readonly Chunk[]): Promise<Chunk[]> {
    const unknown = chunks.filter((chunk) => !this.#pending.has(chunk.ref.toString()))
    const refs = unknown.map((chunk) => chunk.ref)
    const values = await this.#readStored(refs).catch((error: unknown) => {
      if (error instanceof DamagedChunkError) return Promise.all(refs.map((ref) => this.#getWhole(ref)))
      throw error
    })
    return unknown.filter(({ ref, bytes }, index) => {
      const value = values[index]
      return value === undefined || !(sameBytes(value, bytes) || Ref.of(value).equals(ref))
    })
  }

  /** As {@link #get}; undefined where the chunk is damaged. */
  async #getWhole(ref: Ref): Promise<Uint8Array | undefined> {
    return this.#get(ref).catch((error: unknown) => {
      if (error instanceof DamagedChunkError) return undefined
      throw error
    })
  }

  async #readHead(name: string): Promise<Ref | undefined> {
    const key = headKey(name)
    let value: Uint8Array | undefined
    try {
      value = await this.#database.get(key, ENTRIES)
    } catch (error) {
      throw this.#readError(error)
    }
    return value && this.#headOf(key, value)
  }

  async *#listHeads(prefix = ''): AsyncGenerator<Head> {
    this.#checkOpen()
    const gte = headKey(prefix)
    // Names are ASCII, so that no key that begins with `gte` comes after it.
    const lt = Uint8Array.of(...gte, 0xff)
    try {
      for await (const [key, value] of this.#database.iterator({ gte, lt, ...ENTRIES })) {
        yield { name: nameOfKey(key), ref: this.#headOf(key, value) }
      }
    } catch (error) {
      throw this.#readError(error)
    }
  }

  #headOf(key: Uint8Array, value: Uint8Array): Ref {
    const ref = unsealed(key, value)
    if (ref === undefined) throw this.#damagedError(`head '${nameOfKey(key)}' is damaged`)
    return ref
  }

  async #checkChunk(key: Uint8Array, value: Uint8Array): Promise<Finding | undefined> {
    if (key.length !== 1 + REF_BYTES) {
      return { message: `${this.location}: a chunk's key has ${key.length} bytes`, refs: [] }
    }
    const ref = refOfKey(key)
    // A chunk may have been healed since the iterator began.
    if (Ref.of(value).equals(ref) || (await this.#getWhole(ref)) !== undefined) return undefined
    return { message: `${this.location}: chunk ${ref} is damaged`, refs: [ref] }
  }

  /** Checks what is no chunk. */
  async *#checkOthers(range: { lt?: Uint8Array; gte?: Uint8Array }): AsyncGenerator<Finding> {
    try {
      for await (const [key, value] of this.#database.iterator({ ...range, ...ENTRIES })) {
        if (sameBytes(key, FORMAT_KEY)) continue
        if (key[0] !== HEAD_PREFIX) {
          yield { message: `${this.location}: a key that is neither chunk nor head`, refs: [] }
        } else if (unsealed(key, value) === undefined) {
          yield { message: `${this.location}: head '${nameOfKey(key)}' is damaged`, refs: [] }
        }
      }
    } catch (error) {
      this.#checkOpen()
      yield unreadable(`${this.location}: heads`, error)
    }
  }

  // Writing

  async #compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    checkHeadName(name)
    await this.#exclusive(async () => {
      this.#checkWritable()
      const actual = await this.#readHead(name)
      if (actual?.toString() !== expected?.toString()) {
        throw new HeadConflictError(name, expected?.toString(), actual?.toString())
      }
      const key = headKey(name)
      if (next === undefined) return this.#writePending({ type: 'del', key })
      if (!(await this.#hasMany([next]))[0]) throw new MissingChunkError(next.toString())
      await this.#writePending({ type: 'put', key, value: sealed(key, next) })
    })
  }

  /** The bytes that this adds to the store. */
  #addPending(chunk: Chunk): number {
    const text = chunk.ref.toString()
    if (this.#pending.has(text)) {
      chunk.release?.()
      return 0
    }
    this.#pending.set(text, { ref: chunk.ref, bytes: keptBytes(chunk) })
    this.#swept?.add(chunk.ref)
    this.#pendingBytes += chunk.bytes.length
    return chunk.bytes.length
  }

  /** Has full batches written; waits for it where more than one is pending. */
  async #relievePressure(): Promise<void> {
    if (this.#pendingBytes < BATCH_BYTES) return
    if (this.#writer === undefined) {
      this.#writer = this.#exclusive(async () => {
        while (this.#pendingBytes >= BATCH_BYTES) {
          const [batch] = batchesOf(this.#pending.values())
          await this.#writeBatch(batch!)
        }
      }).finally(() => {
        this.#writer = undefined
      })
      // Where nobody waits for it, the next write tells of its failure.
      this.#writer.catch(() => {})
    }
    if (this.#pendingBytes >= 2 * BATCH_BYTES) await this.#writer
  }

  /** Runs `job`, which writes, after all such jobs before it. */
  #exclusive<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(job)
    this.#lastWrite = result.catch(() => {})
    return result
  }

  /** Writes the chunks that are pending now, the last of them together with `head`. */
  async #writePending(head?: Operation): Promise<void> {
    this.#checkWritable()
    let last: Chunk[] = []
    for (const batch of batchesOf([...this.#pending.values()])) {
      if (last.length > 0) await this.#writeBatch(last)
      last = batch
    }
    if (last.length > 0 || head !== undefined) await this.#writeBatch(last, head)
  }

  async #writeBatch(chunks: readonly Chunk[], head?: Operation): Promise<void> {
    this.#checkWritable()
    const operations: Operation[] = chunks.map(({ ref, bytes }) => {
      return { type: 'put', key: chunkKey(ref), value: bytes }
    })
    if (head !== undefined) operations.push(head)
    try {
      await this.#database.batch(operations, SYNCED)
    } catch (error) {
      this.#failure = error
      throw this.#failedError()
    }
    for (const { ref, bytes } of chunks) {
      if (this.#pending.delete(ref.toString())) this.#pendingBytes -= bytes.length
    }
  }

  // States and errors

  /** As {@link #run}, of what relies on what it finds. */
  #write<T>(body: () => Promise<T>): Promise<T> {
    return this.#run(() => this.#collector.holders.writing(body))
  }

  /** Runs a method's body; closing waits for it. */
  async #run<T>(body: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    const running = body()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError()
  }

  #checkWritable(): void {
    if (this.#failure !== undefined) throw this.#failedError()
  }

  #closedError(cause?: unknown): StoreError {
    return new StoreError('NOMSY_CLOSED', `${this.location} has been closed`, cause ? { cause } : undefined)
  }

  #failedError(): StoreError {
    return new StoreError(
      'NOMSY_STORE_FAILED',
      `a write to ${this.location} failed (${messageOf(this.#failure)}) and it takes no more; reads still work, close it and open it again to write`,
      { cause: this.#failure },
    )
  }

  #damagedError(what: string, cause?: unknown): StoreError {
    return new StoreError(
      'NOMSY_DAMAGED_STORE',
      `${this.location}: ${what}; 'nomsy check' lists what is affected`,
      cause === undefined ? undefined : { cause },
    )
  }

  /** What a failed read of the database is to the caller. */
  #readError(error: unknown): unknown {
    if (error instanceof StoreError) return error
    if (isCorruption(error)) return this.#damagedError(`LevelDB cannot read it (${messageOf(error)})`, error)
    if (this.#closing !== undefined && isNotOpen(error)) return this.#closedError(error)
    return new StoreError('NOMSY_STORE_FAILED', `cannot read ${this.location}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** A stored chunk's bytes, as a plain Uint8Array; throws where they do not have the hash `ref`. */
function verified(ref: Ref, value: Uint8Array, location: string): Uint8Array {
  if (!Ref.of(value).equals(ref)) throw new DamagedChunkError(ref.toString(), location)
  return new Uint8Array(value.buffer, value.byteOffset, value.length)
}

/** `chunks` in runs of BATCH_BYTES, or of one chunk that is larger; no run is empty. */
function* batchesOf(chunks: Iterable<Chunk>): Generator<Chunk[]> {
  let batch: Chunk[] = []
  let bytes = 0
  for (const chunk of chunks) {
    batch.push(chunk)
    bytes += chunk.bytes.length
    if (bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

// Errors of `level`

function isCorruption(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_CORRUPTION'
}

function isNotOpen(error: unknown): boolean {
  return /^LEVEL_(DATABASE|ITERATOR)_NOT_OPEN$/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function unreadable(what: string, error: unknown): Finding {
  return { message: `${what} cannot all be read: ${messageOf(error)}`, refs: [] }
}

// Opening

/** The same database by the type that all kinds have; TypeScript finds their hooks at odds. */
function openedBy(database: unknown): Database {
  return database as Database
}

/** What a failure to open the database is to the caller. */
function openError(error: unknown, location: string): unknown {
  if (error instanceof StoreError) return error
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new StoreLockedError(location, 'another process', { cause: error })
  }
  const code = isCorruption(cause) ? 'NOMSY_DAMAGED_STORE' : 'NOMSY_STORE_FAILED'
  return new StoreError(code, `cannot open ${location}: ${messageOf(cause)}`, { cause: error })
}

/** Makes sure that the open database is a store of this version; makes an empty one such a store. */
async function checkFormat(database: Database, location: string, create: boolean): Promise<void> {
  const value = await database.get(FORMAT_KEY, ENTRIES)
  if (value === undefined) {
    for await (const _ of database.keys({ limit: 1, ...KEYS })) throw foreignError(location)
    if (!create) throw absentError(location)
    const record = ascii(`${FORMAT_NAME} ${FORMAT_VERSION}`)
    await database.batch([{ type: 'put', key: FORMAT_KEY, value: record }], SYNCED)
    return
  }
  const [, name, version] = /^(.*) ([1-9]\d*)$/.exec(new TextDecoder().decode(value)) ?? []
  if (name !== FORMAT_NAME) throw foreignError(location)
  if (Number(version) > FORMAT_VERSION) {
    throw new StoreError(
      'NOMSY_NEWER_STORE',
      `${location} is a level store of version ${version}, this nomsy knows ${FORMAT_VERSION}; use a newer nomsy`,
    )
  }
}
