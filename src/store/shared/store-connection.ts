/**
 * An owner's end of one connection: does what a client asks, and answers. Requests run side by side. What a client can
 * make its owner hold is bounded: nothing further is read from it while so much is being done for it, or so much waits
 * to be fetched by it.
 */

import type { Value } from '../../encoding/value.js'
import { ProtocolError, StoreError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { type ChildrenOf, type ChunkStore, chunkOf } from '../chunk-store.js'
import {
  BATCH_BYTES,
  type Channel,
  FrameReader,
  frameOf,
  GREETING,
  NEWS,
  OPEN,
  parseRequest,
  type Request,
  send,
} from './protocol.js'
import { CheckList, CollectList, type ServedList, serveList } from './served-list.js'
import { errorToWire } from './wire-error.js'

/** Requests that run at once, their bytes, and bytes of answers that wait to be fetched: above, no more is read. */
const MAX_REQUESTS = 64
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const MAX_WAITING_BYTES = 1024 * 1024

/** Lists that a client may have begun and not ended. */
const MAX_LISTS = 16

/** Most chunks that are read at once, however small those before were. */
const MAX_READ_CHUNKS = 128

/** A store to be served. */
export interface ServedStore {
  readonly store: ChunkStore
  /**
   * Resolves once those of `refs` that are in the store are durable. A client builds on what it is told is there, and
   * may outlive whoever put it.
   */
  readonly makeDurable: (refs: readonly Ref[]) => Promise<void>
  /** What is under a chunk, for the collections that clients ask for. */
  readonly childrenOf: ChildrenOf | undefined
  /** A number that no two collections leave the same. */
  readonly collected: () => number
}

export class StoreConnection {
  readonly #socket: Channel
  readonly #served: Promise<ServedStore>
  readonly #reader = new FrameReader()
  readonly #lists = new Map<number, ServedList>()
  #requestCount = 0
  #requestBytes = 0
  /** The reading of chunks that was asked for last; the next one comes after it, so that one at a time fills memory. */
  #reading: Promise<unknown> = Promise.resolve()
  /** Chunks that make up some {@link BATCH_BYTES}, as it looks. */
  #readChunks = 4
  #isEnding = false
  /** Ends that collections ask the client. */
  #letGo = (): void => {}
  /** How many they were, and what tells the last one that it need not wait for the client any longer. */
  #collectionCount = 0
  #settled = (): void => {}
  #wake = (): void => {}

  /** Greets, and serves the store once it is open; where it cannot be opened the connection ends. */
  constructor(socket: Channel, served: Promise<ServedStore>) {
    this.#socket = socket
    this.#served = served
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('drain', () => this.#goOn())
    socket.on('error', () => {})
    socket.on('close', () => this.#close())
    send(socket, frameOf(GREETING))
    served.then(
      (served) => this.#open(served),
      () => socket.destroy(),
    )
  }

  /** Ends once all that is being done has been answered. */
  end(): void {
    this.#isEnding = true
    for (const list of this.#lists.values()) void list.leave()
    this.#goOn()
    if (this.#requestCount === 0) this.#socket.end()
  }

  #open({ store, collected }: ServedStore): void {
    if (this.#isOver) return
    send(this.#socket, frameOf([...OPEN, collected()]))
    this.#letGo = store.hold({
      held: () => [],
      settle: () => {
        if (this.#socket.destroyed) return Promise.resolve()
        send(this.#socket, frameOf([NEWS, 'collecting', ++this.#collectionCount]))
        // Whoever waits for this may have nothing else that keeps the program running.
        this.#socket.ref()
        return new Promise((resolve) => {
          this.#settled = () => {
            this.#socket.unref()
            resolve()
          }
        })
      },
      ended: () => send(this.#socket, frameOf([NEWS, 'collected', collected()])),
    })
  }

  #take(bytes: Uint8Array): void {
    try {
      for (const { value, byteCount } of this.#reader.push(bytes)) {
        void this.#answer(parseRequest(value), byteCount)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#socket.destroy()
    }
  }

  async #answer(request: Request, byteCount: number): Promise<void> {
    this.#requestCount++
    this.#requestBytes += byteCount
    if (this.#isBusy) this.#socket.pause()
    try {
      const result = await this.#resultOf(request, await this.#served)
      send(this.#socket, frameOf([request.id, true, result], capacityFor(result)))
    } catch (error) {
      if (error instanceof ProtocolError) this.#socket.destroy()
      else send(this.#socket, frameOf([request.id, false, errorToWire(error)]))
    }
    this.#requestCount--
    this.#requestBytes -= byteCount
    this.#goOn()
    if (this.#isEnding && this.#requestCount === 0) this.#socket.end()
  }

  async #resultOf(request: Request, { store, makeDurable, childrenOf }: ServedStore): Promise<Value> {
    switch (request.method) {
      case 'get':
        return this.#inTurn(async () => {
          const chunks = await this.#read(store, request.refs)
          await makeDurable(request.refs.filter((_, slot) => chunks[slot] instanceof Uint8Array))
          return chunks
        })
      case 'has': {
        const answers = await store.hasMany(request.refs)
        await makeDurable(request.refs.filter((_, slot) => answers[slot]))
        return answers
      }
      case 'put':
        return store.put(request.chunks.map(chunkOf))
      case 'flush':
        await store.flush()
        return null
      case 'usage': {
        const { storedBytes, segmentCount } = await store.usage()
        return [storedBytes ?? null, segmentCount]
      }
      case 'head':
        return (await store.heads.get(request.name)) ?? null
      case 'move':
        await store.heads.compareAndSet(request.name, request.expected, request.next)
        return null
      case 'refs':
      case 'sizes':
      case 'heads':
        return this.#begin(request.id, serveList(store, request.method, request.prefix))
      case 'check':
        return this.#begin(request.id, new CheckList(store, request))
      case 'collect':
        if (childrenOf === undefined) {
          const why = 'the program that has it open does not know what is under a chunk'
          throw new StoreError('NOMSY_STORE_FAILED', `${store.location} cannot be collected: ${why}`)
        }
        return this.#begin(request.id, new CollectList(store, childrenOf, request.dryRun))
      case 'settled':
        if (request.collection === this.#collectionCount) this.#settled()
        return null
      case 'next':
        return this.#page(request.list)
      case 'leave':
        await this.#leave(request.list)
        return null
    }
  }

  /** The chunks of the first of `refs`, as many as go well into one message and at least one. */
  async #read(store: ChunkStore, refs: readonly Ref[]): Promise<(Uint8Array | null)[]> {
    const chunks = await store.getMany(refs.slice(0, this.#readChunks))
    const taken: (Uint8Array | null)[] = []
    let byteCount = 0
    for (const chunk of chunks) {
      if (byteCount > 0 && byteCount + (chunk?.length ?? 0) > BATCH_BYTES) break
      taken.push(chunk ?? null)
      byteCount += chunk?.length ?? 0
    }
    const fitting = Math.floor((BATCH_BYTES * chunks.length) / Math.max(byteCount, 1))
    this.#readChunks = Math.max(1, Math.min(fitting, 2 * this.#readChunks, MAX_READ_CHUNKS))
    return taken
  }

  /** Runs `read` after those before it, and once the client has fetched most of what it was sent. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const turn = this.#reading.then(async () => {
      while (this.#socket.writableLength > MAX_WAITING_BYTES && !this.#isOver) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      return read()
    })
    this.#reading = turn.catch(() => {})
    return turn
  }

  async #begin(id: number, list: ServedList): Promise<Value> {
    if (this.#lists.size >= MAX_LISTS || this.#lists.has(id)) {
      void list.leave()
      throw new ProtocolError(`more than ${MAX_LISTS} lists at once`)
    }
    if (this.#isOver) void list.leave()
    else this.#lists.set(id, list)
    return this.#page(id, list)
  }

  async #page(id: number, list = this.#lists.get(id)): Promise<Value> {
    try {
      const page = (await list?.page()) ?? null
      if (page === null) this.#lists.delete(id)
      return page
    } catch (error) {
      this.#lists.delete(id)
      throw error
    }
  }

  async #leave(id: number): Promise<void> {
    const list = this.#lists.get(id)
    this.#lists.delete(id)
    await list?.leave()
  }

  get #isBusy(): boolean {
    return (
      this.#requestCount >= MAX_REQUESTS ||
      this.#requestBytes >= MAX_REQUEST_BYTES ||
      this.#socket.writableLength > MAX_WAITING_BYTES
    )
  }

  /** Nothing is sent any more, or soon will not be. */
  get #isOver(): boolean {
    return this.#isEnding || this.#socket.destroyed
  }

  #goOn(): void {
    this.#wake()
    if (!this.#isBusy) this.#socket.resume()
  }

  #close(): void {
    for (const list of this.#lists.values()) void list.leave()
    this.#lists.clear()
    this.#letGo()
    this.#settled()
    this.#goOn()
  }
}

/** Bytes that a message with `result` will have, roughly, where that is much. */
function capacityFor(result: Value): number | undefined {
  if (!Array.isArray(result)) return undefined
  const byteCount = result.reduce<number>(
    (sum, item) => sum + (item instanceof Uint8Array ? item.length + 5 : 8),
    64,
  )
  return byteCount
}
