/**
 * A database: a store, the cache of its nodes, and the values in it. What `open` gives.
 */

import { Blob, type BlobContext } from '../blob/blob.js'
import type { BlobSlice } from '../blob/blob-slice.js'
import type { BlobSource, PutOptions } from '../blob/blob-source.js'
import { Ref } from '../hash/ref.js'
import { NodeCache } from '../sequence/node-reader.js'
import type { CheckOptions, ChunkStore, Head, Heads } from '../store/chunk-store.js'
import { checkAll, checkObject, type Problem } from './check.js'
import { type ResolvedObject, resolveObject } from './resolve.js'

/** Pins are heads under this prefix, named by the ref they hold. SPEC "Heads". */
export const PIN_PREFIX = 'pins/'

export interface DatabaseOptions {
  /** Budget of the cache of decoded nodes in bytes; 32 MiB where left out. */
  readonly cacheBytes?: number | undefined
}

export class Database {
  readonly store: ChunkStore
  readonly #blobs: BlobContext

  constructor(store: ChunkStore, options: DatabaseOptions = {}) {
    this.store = store
    this.#blobs = { store, cache: new NodeCache(options.cacheBytes) }
  }

  /** Names for refs, moved by compare-and-set. */
  get heads(): Heads {
    return this.store.heads
  }

  /**
   * Stores bytes and gives the blob. They are durable after {@link flush}, {@link pin} or a head's update, and
   * stay for good once a head or pin holds them.
   */
  putBlob(source: BlobSource, options?: PutOptions): Promise<Blob> {
    return Blob.put(this.#blobs, source, options)
  }

  /** The blob `ref`. Rejects with NOMSY_MISSING_CHUNK, or NOMSY_INVALID_NODE where it is something else. */
  async blob(ref: Ref): Promise<Blob> {
    checkRef(ref)
    return Blob.open(this.#blobs, ref)
  }

  /** The blobs' bytes one after the other, as a new blob that shares their chunks. */
  concat(blobs: readonly BlobSlice[]): Promise<Blob> {
    return Blob.concat(this.#blobs, blobs)
  }

  /** What a person's `object` means: a head's name, a ref, or the beginning of a ref. */
  resolve(object: string): Promise<ResolvedObject> {
    return resolveObject(this.store, object)
  }

  /** Points the head `name` at `ref`, whatever it was before; durable when it resolves. */
  async setHead(name: string, ref: Ref): Promise<void> {
    if (name.startsWith(PIN_PREFIX))
      throw new RangeError(`'${name}': names that begin with ${PIN_PREFIX} are pins`)
    for (;;) {
      const before = await this.heads.get(name)
      try {
        // Also where nothing changes: the log may hold the head damaged.
        return await this.heads.compareAndSet(name, before, ref)
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
  }

  /** Keeps everything under `ref` from garbage collection without a name; durable when it resolves. */
  async pin(ref: Ref): Promise<void> {
    checkRef(ref)
    const name = PIN_PREFIX + ref
    if ((await this.heads.get(name)) !== undefined) return this.flush()
    try {
      await this.heads.compareAndSet(name, undefined, ref)
    } catch (error) {
      // Somebody else pinned it in between.
      if (!isConflict(error)) throw error
    }
  }

  /** Removes the head `name`, or the pin of the ref so written; false where there is none. */
  async remove(name: string): Promise<boolean> {
    for (const candidate of [name, PIN_PREFIX + name]) {
      const ref = await this.heads.get(candidate)
      if (ref === undefined) continue
      await this.heads.compareAndSet(candidate, ref, undefined)
      return true
    }
    return false
  }

  /** All heads and, without a name, all pins. */
  async *list(): AsyncGenerator<{ readonly name: string | undefined; readonly ref: Ref }> {
    const isPin = ({ name }: Head): boolean => name.startsWith(PIN_PREFIX)
    for await (const head of this.heads.list())
      yield { name: isPin(head) ? undefined : head.name, ref: head.ref }
  }

  /** What is wrong with the store, or with the object `ref` alone; gives nothing where all is well. */
  check(
    options: CheckOptions & { readonly ref?: Ref | undefined; readonly name?: string } = {},
  ): AsyncGenerator<Problem> {
    const { ref, name = String(ref) } = options
    return ref === undefined ? checkAll(this.store, options) : checkObject(this.store, ref, name, options)
  }

  /** Makes everything put before durable. */
  flush(): Promise<void> {
    return this.store.flush()
  }

  /** Flushes and lets go of the store. Twice is harmless. */
  close(): Promise<void> {
    return this.store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function checkRef(ref: unknown): void {
  if (!(ref instanceof Ref)) throw new TypeError(`${String(ref)} is no Ref; Ref.parse makes one of its text`)
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'NOMSY_HEAD_CONFLICT'
}
