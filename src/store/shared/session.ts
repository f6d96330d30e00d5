/**
 * How a process comes by a store that others may have open: it takes the lock and becomes the owner, or it finds the
 * owner and becomes its client.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { OwnerGoneError, ProtocolError, StoreLockedError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import type { ChildrenOf, ChunkStore } from '../chunk-store.js'
import type { SegmentStoreOptions } from '../segment/open-segment-store.js'
import { SegmentStore } from '../segment/segment-store.js'
import type { OwnerSocket } from './owner-socket.js'
import type { ServedStore } from './store-connection.js'

/** A process that has just opened a store may be done with it before anyone else comes: it listens after this. */
const LISTEN_AFTER_MS = 25

/** Time for whoever holds the lock to listen and to greet; also where it has just begun, or is about to end. */
const ANSWER_MS = 10_000

/** Longest pause between two tries. */
const MAX_PAUSE_MS = 40

export interface SharedStoreOptions extends SegmentStoreOptions {
  /** @internal Milliseconds in which whoever holds the lock is to answer, for tests. */
  readonly answerMs?: number | undefined
  /** What is directly under a chunk: without it others cannot have this process collect. */
  readonly childrenOf?: ChildrenOf | undefined
}

/** A process's part in a store. */
export interface Session {
  readonly store: ChunkStore
  /** Whether it goes on until this process ends it: it owns the store, or reads it by itself. */
  readonly isOwn: boolean
  /** A number that no two collections leave the same. */
  readonly collected: () => number
  /** Lets go of the store: an owner flushes and closes it, a client is gone at once. */
  end(): Promise<void>
}

/**
 * Becomes the owner of the store at `path` or a client of who is. Rejects with NOMSY_LOCKED where neither can be, and
 * as SegmentStore.open. `othersWait`: whether others are likely to want the store at once too.
 */
export async function openSession(
  path: string,
  options: SharedStoreOptions,
  othersWait: boolean,
): Promise<Session> {
  if (options.readOnly === true) return openToRead(path, options)
  let holder = ''
  let deadline = 0
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await ownerSession(path, options, othersWait)
    } catch (error) {
      if (!(error instanceof StoreLockedError)) throw error
      // Another one than before has its own time.
      if (error.holder !== holder) deadline = Date.now() + (options.answerMs ?? ANSWER_MS)
      holder = error.holder
      const client = await clientSession(path, holder, options)
      if (client !== undefined) return client
      if (Date.now() > deadline) {
        throw new StoreLockedError(path, holder, { cause: error, why: 'which does not answer' })
      }
    }
    await sleep(pauseMs * (0.5 + Math.random()))
  }
}

/** Reads through the owner where there is one, without it otherwise. */
async function openToRead(path: string, options: SharedStoreOptions): Promise<Session> {
  const client = await clientSession(path, 'another process', options)
  if (client !== undefined) return client
  const store = await SegmentStore.open(path, options)
  return { store, isOwn: true, collected: () => store.collected, end: () => store.close() }
}

async function ownerSession(
  path: string,
  options: SharedStoreOptions,
  othersWait: boolean,
): Promise<Session> {
  const listening = new DelayedListening(path)
  const opening = SegmentStore.open(path, {
    ...options,
    onOwned: () => {
      const served = opening.then((store) => ({
        store,
        makeDurable: (refs: readonly Ref[]) => store.makeDurable(refs),
        childrenOf: options.childrenOf,
        collected: () => store.collected,
      }))
      listening.begin(served, othersWait ? 0 : LISTEN_AFTER_MS)
      return () => listening.stop()
    },
  })
  try {
    const store = await opening
    const end = async (): Promise<void> => {
      // Else who comes now would be turned away again and again until all is flushed.
      await listening.stop()
      await store.close().finally(() => listening.end())
    }
    return { store, isOwn: true, collected: () => store.collected, end }
  } catch (error) {
    listening.end()
    throw error
  }
}

/** An owner's socket, which comes into being a little later, or never. */
class DelayedListening {
  readonly #path: string
  #timer: NodeJS.Timeout | undefined
  #listening: Promise<OwnerSocket | undefined> | undefined
  #socket: OwnerSocket | undefined

  constructor(path: string) {
    this.#path = path
  }

  begin(served: Promise<ServedStore>, delayMs: number): void {
    // Whoever opens the store meets its failure.
    served.catch(() => {})
    this.#timer = setTimeout(() => {
      this.#listening = this.#listen(served).catch(() => undefined)
    }, delayMs).unref()
  }

  async #listen(served: Promise<ServedStore>): Promise<OwnerSocket> {
    const { OwnerSocket } = await import('./owner-socket.js')
    return OwnerSocket.listen(this.#path, served)
  }

  /** Takes nobody in any more; twice is harmless. To be called while this process still owns the store. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#socket = await this.#listening
    this.#socket?.stop()
  }

  /** Lets those go who are there. */
  end(): void {
    this.#socket?.end()
  }
}

/** A client of the store's owner; undefined where nobody listens (any more, or yet). */
async function clientSession(
  path: string,
  holder: string,
  options: SharedStoreOptions,
): Promise<Session | undefined> {
  const { toldSocket } = await import('./socket-path.js')
  const socketPath = await toldSocket(path).catch(() => undefined)
  if (socketPath === undefined) return undefined
  const { connect } = await import('node:net')
  const { StoreClient } = await import('./store-client.js')
  try {
    const store = await StoreClient.over(connect(socketPath), path, options.answerMs ?? ANSWER_MS)
    const end = async (): Promise<void> => store.disconnect()
    return { store, isOwn: false, collected: () => store.collected, end }
  } catch (error) {
    if (error instanceof OwnerGoneError) return undefined
    if (!(error instanceof ProtocolError)) throw error
    throw new StoreLockedError(path, holder, { cause: error, why: 'which speaks another language' })
  }
}
