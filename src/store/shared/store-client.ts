/**
 * A store that another process has open, over a connection to that process. What is read is hashed here, whatever the
 * other side did. Once the connection has ended every call rejects with an {@link OwnerGoneError}; shared-store.ts is
 * what goes on from there.
 */

import type { Value } from '../../encoding/value.js'
import {
  DamagedChunkError,
  type NomsyError,
  OwnerGoneError,
  ProtocolError,
  StoreError,
} from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
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
  type Usage,
} from '../chunk-store.js'
import { Holders } from '../holders.js'
import { withResolvers } from '../with-resolvers.js'
import {
  BATCH_BYTES,
  bytesOf,
  type Channel,
  countOf,
  FrameReader,
  frameOf,
  GREETING,
  integerOf,
  isId,
  type ListKind,
  listOf,
  MAX_ITEMS,
  NEWS,
  OPEN,
  refOf,
  refsOf,
  send,
  textOf,
} from './protocol.js'
import { errorFromWire } from './wire-error.js'

/** Refs that are asked for in one request: about what comes back in one answer. */
const GET_REFS = 128

/** Most refs of a finding in one piece: as many as a message can hold. */
const MAX_FINDING_REFS = 200_000

interface Waiting {
  readonly resolve: (result: Value | undefined) => void
  readonly reject: (error: Error) => void
}

export class StoreClient implements ChunkStore {
  readonly location: string
  readonly heads: Heads
  readonly #socket: Channel
  readonly #reader = new FrameReader()
  readonly #waiting = new Map<number, Waiting>()
  /** Calls under way, which closing waits for. */
  readonly #calls = new Set<Promise<unknown>>()
  #lastId = 0
  /** Whether all that was put is durable. */
  #isFlushed = true
  /** What the other side is to say before it answers anything. */
  readonly #awaited = [
    { message: GREETING, ...newWaiting() },
    { message: OPEN, ...newWaiting() },
  ] as const
  #awaitedCount = 0
  readonly #holders = new Holders()
  #collected = 0
  #failure: NomsyError | undefined
  #closed: Promise<void> | undefined

  private constructor(socket: Channel, location: string) {
    this.location = location
    this.#socket = socket
    this.heads = {
      get: (name) => this.#call(async () => refOf(await this.#ask('head', name))),
      list: (prefix) => this.#listHeads(prefix),
      compareAndSet: (name, expected, next) => this.#call(() => this.#compareAndSet(name, expected, next)),
    }
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', (error) => this.#fail(new OwnerGoneError(location, false, { cause: error })))
    socket.on('close', () => this.#fail(new OwnerGoneError(location, false)))
  }

  /**
   * The store at `location` as the process at the other end of `socket` has it open. That process is to greet within
   * `greetingMs`; to open the store it may take as long as it needs.
   */
  static async over(socket: Channel, location: string, greetingMs: number): Promise<StoreClient> {
    const client = new StoreClient(socket, location)
    const [greeting, open] = client.#awaited
    const timer = setTimeout(() => socket.destroy(), greetingMs)
    await greeting.promise.finally(() => clearTimeout(timer))
    await open.promise
    // What is idle does not keep a program running.
    socket.unref()
    return client
  }

  async get(ref: Ref): Promise<Uint8Array | undefined> {
    return (await this.getMany([ref]))[0]
  }

  getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    return this.#call(async () => {
      const parts = await Promise.all(groupsOf(refs, GET_REFS).map((group) => this.#getSome(group)))
      return parts.flat()
    })
  }

  async has(ref: Ref): Promise<boolean> {
    return (await this.hasMany([ref]))[0]!
  }

  hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return this.#call(async () => {
      const parts = await Promise.all(groupsOf(refs, MAX_ITEMS).map((group) => this.#hasSome(group)))
      return parts.flat()
    })
  }

  put(chunks: readonly Chunk[]): Promise<number> {
    return this.#call(async () => {
      let newBytes = 0
      let taken = 0
      try {
        while (taken < chunks.length) {
          const batch = batchAt(chunks, taken)
          const bytes = batch.map((chunk) => chunk.bytes)
          const asked = this.#askAtOnce(['put', bytes], byteCountOf(bytes))
          // They are in the message now.
          for (const { release } of batch) release?.()
          taken += batch.length
          newBytes += countOf(await asked)
          this.#isFlushed = false
        }
      } finally {
        for (const { release } of chunks.slice(taken)) release?.()
      }
      return newBytes
    })
  }

  async *refs(prefix = ''): AsyncGenerator<Ref> {
    for await (const page of this.#pages('refs', prefix)) {
      for (const ref of listOf(page)) yield required(refOf(ref))
    }
  }

  async *sizes(): AsyncGenerator<ChunkSize> {
    for await (const page of this.#pages('sizes', '')) {
      for (const size of listOf(page)) {
        const [ref, bytes] = listOf(size)
        yield { ref: required(refOf(ref)), bytes: countOf(bytes) }
      }
    }
  }

  usage(): Promise<Usage> {
    return this.#call(async () => {
      const [storedBytes, segmentCount] = listOf(await this.#ask('usage'))
      return {
        storedBytes: storedBytes === null ? undefined : countOf(storedBytes),
        segmentCount: countOf(segmentCount),
      }
    })
  }

  writing<T>(body: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closedError())
    return this.#holders.writing(body)
  }

  hold(holder: Holder): () => void {
    return this.#holders.add(holder)
  }

  /** A number that no two collections leave the same, as it was when this was last told of one. */
  get collected(): number {
    return this.#collected
  }

  /** The process at the other end collects, by what it knows to be under a chunk. */
  async collect({ dryRun = false, signal, onProgress }: CollectOptions): Promise<Collected> {
    signal?.throwIfAborted()
    for await (const page of this.#pages('collect', dryRun)) {
      const [chunks, totalChunks, result] = listOf(page)
      if (result !== null) return collectedOf(result)
      signal?.throwIfAborted()
      onProgress?.(countOf(chunks), countOf(totalChunks))
    }
    throw this.#refuse('a collection without a result')
  }

  async *check({ signal, onProgress, sample, resume = false }: CheckOptions = {}): AsyncGenerator<Finding> {
    signal?.throwIfAborted()
    const share = sample === undefined ? null : [sample.share, sample.seed]
    for await (const page of this.#pages('check', share, resume)) {
      signal?.throwIfAborted()
      const [bytes, totalBytes, message, refs] = listOf(page)
      onProgress?.(countOf(bytes), countOf(totalBytes))
      if (message !== null) yield { message: textOf(message), refs: refsOf(refs, MAX_FINDING_REFS) }
    }
  }

  flush(): Promise<void> {
    return this.#call(async () => {
      this.#isFlushed = true
      await this.#ask('flush')
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls)
    try {
      if (!this.#isFlushed) await this.#ask('flush')
    } finally {
      this.disconnect()
    }
  }

  /** Ends the connection without a flush, for whoever knows what is not durable and puts it again. */
  disconnect(): void {
    this.#socket.end()
    this.#socket.unref()
  }

  async #getSome(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = []
    while (found.length < refs.length) {
      const rest = refs.slice(found.length)
      const answers = listOf(await this.#ask('get', RefList.of(rest).bytes))
      if (answers.length === 0 || answers.length > rest.length)
        throw this.#refuse(`${answers.length} chunks in place of ${rest.length}`)
      for (const [slot, answer] of answers.entries()) found.push(this.#verified(rest[slot]!, answer))
    }
    return found
  }

  #verified(ref: Ref, answer: Value): Uint8Array | undefined {
    if (answer === null) return undefined
    const bytes = bytesOf(answer)
    if (Ref.of(bytes).equals(ref)) return bytes
    throw new DamagedChunkError(ref.toString(), `what the process that has ${this.location} open sent`)
  }

  async #hasSome(refs: readonly Ref[]): Promise<boolean[]> {
    const answers = listOf(await this.#ask('has', RefList.of(refs).bytes))
    if (answers.length !== refs.length || !answers.every((answer) => typeof answer === 'boolean'))
      throw this.#refuse(`${answers.length} answers in place of ${refs.length}`)
    return answers as boolean[]
  }

  async #compareAndSet(name: string, expected: Ref | undefined, next: Ref | undefined): Promise<void> {
    checkHeadName(name)
    await this.#ask('move', name, expected ?? null, next ?? null)
  }

  async *#listHeads(prefix = ''): AsyncGenerator<Head> {
    for await (const page of this.#pages('heads', prefix)) {
      for (const head of listOf(page)) {
        const [name, ref] = listOf(head)
        yield { name: textOf(name), ref: required(refOf(ref)) }
      }
    }
  }

  /** The pages of a list, each asked for when the one before has been used. */
  async *#pages(kind: ListKind | 'check' | 'collect', ...args: Value[]): AsyncGenerator<Value> {
    if (this.#closed !== undefined) throw closedError()
    const list = this.#lastId + 1
    let page = await this.#ask(kind, ...args)
    try {
      while (page !== null && page !== undefined) {
        yield page
        page = await this.#call(() => this.#ask('next', list))
      }
    } finally {
      if (page !== null) await this.#ask('leave', list).catch(() => {})
    }
  }

  #ask(method: string, ...args: Value[]): Promise<Value | undefined> {
    try {
      return this.#askAtOnce([method, ...args])
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sends a request before it returns. Throws where there is nobody to send it to. */
  #askAtOnce(request: readonly Value[], capacity?: number): Promise<Value | undefined> {
    if (this.#failure !== undefined) throw this.#failure
    const id = ++this.#lastId
    const frame = frameOf([id, ...request], capacity)
    const { promise, ...waiting } = newWaiting()
    this.#waiting.set(id, waiting)
    this.#socket.ref()
    send(this.#socket, frame)
    return promise
  }

  #take(bytes: Uint8Array): void {
    try {
      for (const { value } of this.#reader.push(bytes)) {
        const awaited = this.#awaited[this.#awaitedCount]
        if (awaited === undefined) this.#takeAnswer(value)
        else this.#takeAwaited(value, awaited)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#fail(error)
    }
  }

  #takeAwaited(value: Value, { message, resolve }: { readonly message: readonly Value[] } & Waiting): void {
    if (!message.every((part, index) => listOf(value)[index] === part))
      throw new ProtocolError('another greeting')
    this.#awaitedCount++
    if (message === OPEN) this.#collected = countOf(listOf(value)[message.length])
    resolve(undefined)
  }

  #takeAnswer(message: Value): void {
    const [id, isDone, result] = listOf(message)
    if (id === NEWS) return this.#takeNews(isDone, countOf(result))
    const waiting = isId(id) ? this.#waiting.get(id) : undefined
    if (waiting === undefined) throw new ProtocolError('an answer that nobody asked for')
    const error = isDone === true ? undefined : errorFromWire(result, this.location)
    this.#waiting.delete(id as number)
    if (this.#waiting.size === 0) this.#socket.unref()
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(error)
  }

  #takeNews(what: Value | undefined, number: number): void {
    if (what === 'collecting') {
      // Where the connection ends meanwhile nobody waits for this any longer.
      this.#settle(number).catch(() => {})
    } else {
      this.#collected = number
      this.#holders.ended()
    }
  }

  /** A collection has begun. What is relied on here, and was found before, is asked for: so it is kept. */
  async #settle(collection: number): Promise<void> {
    await this.#holders.settle()
    // An answer that is on its way may be about what was there before.
    await Promise.allSettled(this.#calls)
    for (const group of groupsOf(this.#holders.held(), MAX_ITEMS)) await this.#hasSome(group)
    await this.#ask('settled', collection)
  }

  /** What the other side said makes no sense: nothing more is said to it. */
  #refuse(what: string): ProtocolError {
    const error = new ProtocolError(what)
    this.#fail(error)
    return error
  }

  #fail(error: NomsyError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#holders.ended()
    this.#socket.destroy()
    for (const { reject } of this.#awaited) reject(error)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
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

/** The chunks from `start` on that go into one message. */
function batchAt(chunks: readonly Chunk[], start: number): Chunk[] {
  let end = start
  let byteCount = 0
  while (end < chunks.length && end - start < MAX_ITEMS) {
    byteCount += chunks[end]!.bytes.length
    if (end > start && byteCount > BATCH_BYTES) break
    end++
  }
  return chunks.slice(start, end)
}

/** Bytes of a message with these byte strings, and some to spare. */
function byteCountOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length + 5, 64)
}

function groupsOf<T>(items: readonly T[], size: number): (readonly T[])[] {
  const groups: (readonly T[])[] = []
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size))
  return groups
}

function collectedOf(result: Value | undefined): Collected {
  const [keptChunks, freedChunks, freedBytes, storedBytes] = listOf(result)
  return {
    keptChunks: countOf(keptChunks),
    freedChunks: countOf(freedChunks),
    freedBytes: countOf(freedBytes),
    storedBytes: storedBytes === null ? undefined : integerOf(storedBytes),
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new ProtocolError('nothing in place of a ref')
  return value
}

function closedError(): StoreError {
  return new StoreError('NOMSY_CLOSED', 'this store has been closed')
}

function newWaiting(): Waiting & { readonly promise: Promise<Value | undefined> } {
  const waiting = withResolvers<Value | undefined>()
  // It may be met later, or by nobody.
  waiting.promise.catch(() => {})
  return waiting
}
