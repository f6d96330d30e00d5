/**
 * A segment store that several processes have open at once. One of them owns it, and is the only one to touch its files;
 * the others are its clients. When the owner ends, however it ends, the next call of a client makes that one the owner,
 * or a client of another one, and goes on there. SPEC "Sharing".
 *
 * Reads are asked again. What was put since the last flush is put again before anything else is asked. A head's update
 * whose answer was lost is settled by looking at the head.
 */

import { HeadConflictError, OwnerGoneError, StoreError } from '../../errors.js'
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
  keptBytes,
  type StoredChunks,
  type Usage,
} from '../chunk-store.js'
import { Holders } from '../holders.js'
import type { LostChunks } from '../lost-chunks.js'
import { readLost, writeLost } from '../segment/lost-file.js'
import { nodeFileSystem } from '../segment/node-file-system.js'
import { openSession, type Session, type SharedStoreOptions } from './session.js'
import { Unflushed } from './unflushed.js'

/** A client flushes once it has put this much, so that what it keeps to put again stays bounded. */
const BARRIER_BYTES = 64 * 1024 * 1024

/** Owners that may go during one call. */
const MAX_OWNERS = 100

export class SharedStore implements ChunkStore {
  readonly location: string
  readonly directory: string | undefined
  readonly heads: Heads
  readonly #options: SharedStoreOptions
  /** The session to ask; undefined where the last one's owner has gone. */
  #session: Session | undefined
  /** The next one, while it is being opened. */
  #opening: Promise<Session> | undefined
  /** The store that this process has for itself, once it has: it is asked at once. */
  #own: ChunkStore | undefined
  readonly #unflushed = new Unflushed()
  readonly #holders = new Holders()
  /** What the last owner said of collections when it went. */
  #collected: number | undefined
  #failure: StoreError | undefined
  /** Calls under way, which closing waits for. */
  readonly #calls = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  private constructor(location: string, options: SharedStoreOptions) {
    this.location = location
    this.directory = options.readOnly === true ? undefined : location
    this.#options = options
    this.heads = {
      get: (name) => this.#ask((store) => store.heads.get(name)),
      list: (prefix) =>
        this.#listed(
          ({ heads }) => heads.list(prefix),
          ({ name }: Head) => name,
        ),
      compareAndSet: (name, expected, next) => {
        if (this.#own !== undefined) return this.#own.heads.compareAndSet(name, expected, next)
        return this.#call(() => this.#compareAndSet(name, expected, next))
      },
    }
  }

  /**
   * Opens the store in the directory `path`, whoever else has it open. Rejects as SegmentStore.open; with NOMSY_LOCKED
   * only where a process holds it that does not answer.
   */
  static async open(path: string, options: SharedStoreOptions = {}): Promise<SharedStore> {
    const store = new SharedStore(path, options)
    await store.#begin(options, false)
    return store
  }

  get(ref: Ref): Promise<Uint8Array | undefined> {
    return this.#ask((store) => store.get(ref))
  }

  getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    return this.#ask((store) => store.getMany(refs))
  }

  /** Of the files that this process has open itself. */
  async locate(refs: readonly Ref[]): Promise<StoredChunks | undefined> {
    return this.#own?.locate?.(refs)
  }

  has(ref: Ref): Promise<boolean> {
    return this.#ask((store) => store.has(ref))
  }

  hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return this.#ask((store) => store.hasMany(refs))
  }

  put(chunks: readonly Chunk[]): Promise<number> {
    if (this.#own !== undefined) return this.#own.put(chunks)
    return this.#call(() => this.#put(chunks))
  }

  refs(prefix?: string): AsyncIterable<Ref> {
    return this.#listed((store) => store.refs(prefix), String)
  }

  sizes(): AsyncIterable<ChunkSize> {
    return this.#listed(
      (store) => store.sizes(),
      ({ ref }) => ref.toString(),
    )
  }

  usage(): Promise<Usage> {
    return this.#ask((store) => store.usage())
  }

  writing<T>(body: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    return this.#holders.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#holders.add(holder)
  }

  /** Begins anew where an owner has gone: then what that one freed is not in the result. */
  async collect(options: CollectOptions): Promise<Collected> {
    if (this.#options.readOnly === true && options.dryRun !== true) throw this.#readOnlyError()
    const results = this.#overSessions(async function* (store) {
      yield await store.collect(options)
    })
    for await (const collected of results) return collected
    throw closedError()
  }

  /** A file, that any process can read and replace. */
  get lost(): LostChunks {
    const { location } = this
    return (
      this.#own?.lost ?? {
        list: () => readLost(nodeFileSystem, location),
        replace: async (refs) => {
          if (this.#options.readOnly === true) throw this.#readOnlyError()
          await writeLost(nodeFileSystem, location, refs)
        },
      }
    )
  }

  /** Begins anew where an owner has gone, and tells nothing twice. */
  async *check({ signal, onProgress, ...others }: CheckOptions = {}): AsyncGenerator<Finding> {
    const told = new Set<string>()
    let toldBytes = 0
    yield* this.#overSessions(async function* (store) {
      let bytes = 0
      const progress = (count: number, totalBytes: number): void => {
        bytes += count
        if (bytes <= toldBytes) return
        onProgress?.(bytes - toldBytes, totalBytes)
        toldBytes = bytes
      }
      for await (const finding of store.check({ signal, onProgress: progress, ...others })) {
        const text = `${finding.message}\n${finding.refs.join()}`
        if (!told.has(text)) yield finding
        told.add(text)
      }
    })
  }

  flush(): Promise<void> {
    if (this.#own !== undefined) return this.#own.flush()
    return this.#call(() => this.#flush())
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls)
    if (this.#own === undefined && !this.#unflushed.isEmpty) await this.#flush()
    await this.#opening?.catch(() => {})
    await this.#session?.end()
  }

  async #put(chunks: readonly Chunk[]): Promise<number> {
    if (this.#options.readOnly === true) {
      for (const { release } of chunks) release?.()
      throw this.#readOnlyError()
    }
    const batch = this.#unflushed.add(chunks.map((chunk) => ({ ref: chunk.ref, bytes: keptBytes(chunk) })))
    try {
      const newBytes = await this.#askAny((store) => store.put(batch.chunks))
      batch.isTaken = true
      if (this.#own !== undefined) this.#unflushed.delete(batch)
      else if (this.#unflushed.byteCount >= BARRIER_BYTES) await this.#flush()
      return newBytes
    } catch (error) {
      this.#unflushed.delete(batch)
      throw error
    }
  }

  async #flush(): Promise<void> {
    if (this.#options.readOnly === true) return
    await this.#askAny((store) => this.#covering(() => store.flush()))
  }

  /** Runs what makes durable all that was put before. */
  async #covering<T>(body: () => Promise<T>): Promise<T> {
    const covered = this.#unflushed.taken()
    const result = await body()
    for (const batch of covered) this.#unflushed.delete(batch)
    return result
  }

  async #compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    checkHeadName(name)
    if (this.#options.readOnly === true) throw this.#readOnlyError()
    let isLost = false
    await this.#askAny(async ({ heads }) => {
      if (isLost) {
        const actual = await heads.get(name)
        if (sameRef(actual, next)) return
        if (!sameRef(actual, expected)) {
          throw new HeadConflictError(name, expected?.toString(), actual?.toString(), true)
        }
      }
      try {
        await this.#covering(() => heads.compareAndSet(name, expected, next))
      } catch (error) {
        isLost ||= error instanceof OwnerGoneError && !error.isRefused
        throw error
      }
    })
  }

  /** Runs `ask` on the store, again with the next owner where one goes. */
  #ask<T>(ask: (store: ChunkStore) => Promise<T>): Promise<T> {
    return this.#own !== undefined ? ask(this.#own) : this.#call(() => this.#askAny(ask))
  }

  async #askAny<T>(ask: (store: ChunkStore) => Promise<T>): Promise<T> {
    for (let count = 1; ; count++) {
      const session = await this.#current()
      try {
        return await ask(session.store)
      } catch (error) {
        this.#leave(session, error, count)
      }
    }
  }

  /** All that `list` gives, in order; where an owner goes it is begun anew, and what came before is passed over. */
  #listed<T>(list: (store: ChunkStore) => AsyncIterable<T>, keyOf: (item: T) => string): AsyncGenerator<T> {
    let last: string | undefined
    return this.#overSessions(async function* (store) {
      for await (const item of list(store)) {
        const key = keyOf(item)
        if (last !== undefined && key <= last) continue
        last = key
        yield item
      }
    })
  }

  async *#overSessions<T>(list: (store: ChunkStore) => AsyncIterable<T>): AsyncGenerator<T> {
    for (let count = 1; ; count++) {
      if (this.#closed !== undefined) throw closedError()
      const session = await this.#current()
      try {
        yield* list(session.store)
        return
      } catch (error) {
        this.#leave(session, error, count)
      }
    }
  }

  /** Lets go of a session whose owner has gone; throws any other `error`. */
  #leave(session: Session, error: unknown, count: number): void {
    if (!(error instanceof OwnerGoneError) || count >= MAX_OWNERS) throw error
    if (this.#session !== session) return
    this.#session = undefined
    this.#collected = session.collected()
    void session.end()
  }

  /** The session, begun anew where there is none. */
  async #current(): Promise<Session> {
    return this.#session ?? this.#opening ?? this.#begin({ ...this.#options, create: false }, true)
  }

  #begin(options: SharedStoreOptions, othersWait: boolean): Promise<Session> {
    const opening = this.#openSession(options, othersWait).finally(() => {
      this.#opening = undefined
    })
    this.#opening = opening
    return opening
  }

  async #openSession(options: SharedStoreOptions, othersWait: boolean): Promise<Session> {
    for (let count = 1; ; count++) {
      if (this.#failure !== undefined) throw this.#failure
      const session = await openSession(this.location, options, othersWait)
      session.store.hold(this.#holders)
      try {
        await this.#checkCollected(session)
        for (const { chunks } of this.#unflushed) await session.store.put(chunks)
      } catch (error) {
        await session.end()
        if (error instanceof OwnerGoneError && count < MAX_OWNERS) continue
        throw error
      }
      this.#session = session
      if (!session.isOwn) return session
      this.#own = session.store
      // From here on they are as safe as anything that this process puts.
      for (const batch of this.#unflushed.taken()) this.#unflushed.delete(batch)
      return session
    }
  }

  /**
   * Fails for good where there was a collection that could not ask this process, and that may have freed what it relies
   * on: what it goes on to write could refer to what is not there.
   */
  async #checkCollected({ store, collected }: Session): Promise<void> {
    if (this.#collected === undefined || this.#collected === collected()) return
    const held = this.#holders.held()
    const isHarmed =
      this.#holders.areWriting || !this.#unflushed.isEmpty || (await store.hasMany(held)).includes(false)
    if (!isHarmed) return
    this.#failure = new StoreError(
      'NOMSY_STORE_FAILED',
      `${this.location}: garbage was collected while this process was between two owners of the store, and what it had open or was writing may be gone; open the store again`,
    )
    throw this.#failure
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

  #readOnlyError(): StoreError {
    return new StoreError(
      'NOMSY_READ_ONLY',
      `${this.location} is open for reading only; nothing can be written to it`,
    )
  }
}

function sameRef(a: Ref | undefined, b: Ref | undefined): boolean {
  return a?.toString() === b?.toString()
}

function closedError(): StoreError {
  return new StoreError('NOMSY_CLOSED', 'this store has been closed')
}
