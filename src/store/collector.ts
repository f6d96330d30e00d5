/**
 * Finds out which chunks of a store are needed, while it is in use: the part of collecting that all stores share.
 * SPEC "Collecting".
 *
 * What heads and open objects name is needed, and so is whatever anybody puts, finds or reads while this goes on, each
 * with all that is under it. What was begun before is waited for, since it may rely on what it found earlier. That
 * being so, all that is left is decided on in one moment: chunks that nothing needs are absent from then on, and no
 * chunk that is present refers to one of them.
 */

import { MissingChunkError } from '../errors.js'
import { type Ref, refKey } from '../hash/ref.js'
import type { Children, Chunk, ChunkStore, Collected, CollectOptions } from './chunk-store.js'
import { Holders } from './holders.js'
import { LiveRefs } from './live-refs.js'

/** What marking asks of a store. */
type MarkedStore = Pick<ChunkStore, 'flush' | 'refs' | 'heads' | 'getMany' | 'hasMany'>

/** Chunks read at once. */
const BATCH_CHUNKS = 64

export class Collector {
  readonly holders = new Holders()
  #running: Promise<unknown> | undefined
  #marking: Marking | undefined

  /** Whether chunks are being marked, so that it is to be told of what is found and put. */
  get isMarking(): boolean {
    return this.#marking !== undefined
  }

  /** Somebody was told that the chunk is here. */
  found(ref: Ref): void {
    this.#marking?.keep(ref)
  }

  /** Somebody puts the chunk, which may be here already. */
  put(chunk: Chunk): void {
    this.#marking?.put(chunk)
  }

  /**
   * Marks what is needed, and calls `sweep` in the moment in which that is settled; collections come one after the
   * other. What was put before this began has been flushed by then.
   */
  async run(
    store: MarkedStore,
    options: CollectOptions,
    sweep: (refs: LiveRefs) => Promise<Collected>,
  ): Promise<Collected> {
    while (this.#running !== undefined) await this.#running.catch(() => {})
    // At once if it can: what is put from now on is to stay.
    const run = this.#run(store, options, sweep)
    this.#running = run
    try {
      return await run
    } finally {
      this.#running = undefined
    }
  }

  async #run(
    store: MarkedStore,
    { childrenOf, signal, onProgress }: CollectOptions,
    sweep: (refs: LiveRefs) => Promise<Collected>,
  ): Promise<Collected> {
    const marking = new Marking(childrenOf)
    const { holders } = this
    this.#marking = marking
    holders.begin()
    try {
      signal?.throwIfAborted()
      await store.flush()
      const refs = await LiveRefs.of(store.refs(), signal)
      marking.begin(refs)
      await keepHeads(store, marking)
      for (;;) {
        signal?.throwIfAborted()
        if (marking.isSettled) {
          for (const ref of holders.held()) marking.keep(ref)
        }
        if (!marking.isSettled) {
          await marking.step(store)
          onProgress?.(refs.liveCount, refs.count)
          continue
        }
        const others = holders.next()
        if (others !== undefined) {
          await unlessAborted(others, signal)
          await keepHeads(store, marking)
        } else {
          // Nothing may be awaited from here on until the sweep has begun.
          this.#marking = undefined
          return await sweep(refs)
        }
      }
    } finally {
      this.#marking = undefined
      holders.ended()
    }
  }
}

/** Marks chunks and, step by step, those under them. */
class Marking {
  readonly #childrenOf: (chunk: Chunk) => Children
  #refs: LiveRefs | undefined
  /** What was to be marked before the table was there. */
  #early: (() => void)[] = []
  /** Chunks that are live and whose children are yet to be. */
  readonly #open: Ref[] = []
  /** Chunks that are not in the table, put since or missing: all that were met, and those yet to be asked for. */
  readonly #young = new Set<string>()
  #unknown: Ref[] = []

  constructor(childrenOf: (chunk: Chunk) => Children) {
    this.#childrenOf = childrenOf
  }

  begin(refs: LiveRefs): void {
    this.#refs = refs
    for (const mark of this.#early.splice(0)) mark()
  }

  /** Whether everything under what is to be kept is live. */
  get isSettled(): boolean {
    return this.#open.length === 0 && this.#unknown.length === 0
  }

  /** The chunk, which is here, and everything under it is to be kept. */
  keep(ref: Ref): void {
    if (this.#refs === undefined) this.#early.push(() => this.#add(ref, false))
    else this.#add(ref, false)
  }

  /**
   * The same of a chunk that is being put. What is under it is in the table, or put since: maybe by a put that has yet
   * to end, which is why nobody looks for it.
   */
  put(chunk: Chunk): void {
    const { ref } = chunk
    if (this.#refs !== undefined && this.#refs.add(ref) === false) return
    const { refs, areLeaves } = this.#childrenOf(chunk)
    const mark = (): void => {
      this.#refs!.add(ref)
      for (const child of refs) if (this.#refs!.add(child) === true && !areLeaves) this.#open.push(child)
    }
    if (this.#refs === undefined) this.#early.push(mark)
    else mark()
  }

  /** Goes on with some of the chunks whose children are yet to be marked. */
  async step(store: Pick<ChunkStore, 'getMany' | 'hasMany'>): Promise<void> {
    const unknown = this.#unknown
    this.#unknown = []
    const absent = (await store.hasMany(unknown)).indexOf(false)
    if (absent >= 0) throw new MissingChunkError(unknown[absent]!.toString())
    // From the end, so that what is open is one path with its siblings and not a level.
    const batch = this.#open.splice(-BATCH_CHUNKS)
    for (const [index, bytes] of (await store.getMany(batch)).entries()) {
      const ref = batch[index]!
      if (bytes === undefined) throw new MissingChunkError(ref.toString())
      const { refs, areLeaves } = this.#childrenOf({ ref, bytes })
      for (const child of refs) this.#add(child, areLeaves)
    }
  }

  #add(ref: Ref, isLeaf: boolean): void {
    const isNew = this.#refs!.add(ref)
    if (isNew === undefined) this.#addUnknown(ref)
    else if (isNew && !isLeaf) this.#open.push(ref)
  }

  #addUnknown(ref: Ref): void {
    const key = refKey(ref.bytes)
    if (this.#young.has(key)) return
    this.#young.add(key)
    this.#unknown.push(ref)
  }
}

async function keepHeads({ heads }: MarkedStore, marking: Marking): Promise<void> {
  for await (const { ref } of heads.list()) marking.keep(ref)
}

/** Resolves with `promise`; rejects where the signal comes first. */
async function unlessAborted(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  let stop = (): void => {}
  const stopped = new Promise<void>((_, reject) => {
    stop = () => reject(signal!.reason)
  })
  signal?.addEventListener('abort', stop)
  try {
    await Promise.race([promise, stopped])
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
