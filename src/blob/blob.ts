/**
 * A stored blob: immutable bytes of any size up to 2^53-1, addressed by one ref. Reading is in
 * {@link BlobSlice}; here is what makes new blobs of old ones, and comparing. SPEC "Blobs".
 */

import { type Referable, storedAs } from '../encoding/value.js'
import type { Ref } from '../hash/ref.js'
import type { ChunkTarget } from '../sequence/chunk-sink.js'
import { type Change, diffTrees } from '../sequence/diff.js'
import type { TreeParams } from '../sequence/format.js'
import type { NodeCache } from '../sequence/node-cache.js'
import { NodeReader, type Tree } from '../sequence/node-reader.js'
import { checkIndex } from '../sequence/position.js'
import { finishTree, TreeCopier } from '../sequence/tree-copier.js'
import { type Root, TreeWriter } from '../sequence/tree-writer.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { BLOB_FORMAT, BLOB_PARAMS } from './blob-format.js'
import { BlobSlice } from './blob-slice.js'
import { type BlobSource, type PutOptions, piecesOf } from './blob-source.js'

/** Where blobs live: a store, the cache of its nodes, and (for tests) other boundaries than SPEC's. */
export interface BlobContext {
  readonly store: ChunkStore
  readonly cache: NodeCache
  readonly params?: TreeParams | undefined
}

export class Blob extends BlobSlice implements Referable {
  readonly ref: Ref
  readonly #context: BlobContext

  private constructor(context: BlobContext, ref: Ref, tree: Tree) {
    super(tree, 0, tree.root.length)
    this.ref = ref
    this.#context = context
  }

  /** As which it is stored where it is put into a value. */
  get [storedAs](): Ref {
    return this.ref
  }

  /** The blob `ref`; reads its root. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where it is no blob. */
  static async open(context: BlobContext, ref: Ref): Promise<Blob> {
    const reader = new NodeReader(context.store, BLOB_FORMAT, context.cache)
    return new Blob(context, ref, { reader, root: await reader.root(ref) })
  }

  /** Stores the bytes of `source`. Memory does not grow with their number. */
  static put(context: BlobContext, source: BlobSource, options: PutOptions = {}): Promise<Blob> {
    return context.store.writing(async () => {
      const root = await writeBlob(context.store, source, options, context.params)
      return Blob.open(context, root.ref)
    })
  }

  /** The blobs' bytes one after the other, as a new blob. Chunks are shared; only those at the seams are read. */
  static concat(context: BlobContext, blobs: readonly BlobSlice[]): Promise<Blob> {
    return context.store.writing(async () => {
      const writer = new TreeWriter(BLOB_FORMAT, context.params ?? BLOB_PARAMS, context.store)
      for (const blob of blobs) await insert(writer, context.store, blob)
      return Blob.#finish(context, writer)
    })
  }

  /**
   * A new blob: this one with `removed` bytes at `at` replaced by the bytes of `inserted`. Reads and writes the
   * chunks around the edit and one path up. The result is what storing the edited bytes from scratch gives.
   */
  async splice(
    at: number,
    removed: number,
    inserted: BlobSource = new Uint8Array(0),
    options: PutOptions = {},
  ): Promise<Blob> {
    checkIndex('at', at, this.size)
    checkIndex('removed', removed, this.size - at)
    const { store, params = BLOB_PARAMS } = this.#context
    return store.writing(async () => {
      const writer = new TreeWriter(BLOB_FORMAT, params, store)
      const old = new TreeCopier(this.tree.reader, this.tree.root, writer)
      await old.copyTo(at)
      await insert(writer, store, inserted, options)
      await old.skipTo(at + removed)
      await old.copyRest()
      return Blob.#finish(this.#context, writer)
    })
  }

  /** A new blob with the bytes of `source` at its end. */
  append(source: BlobSource, options?: PutOptions): Promise<Blob> {
    return this.splice(this.size, 0, source, options)
  }

  /** Whether both hold the same bytes: equal refs. */
  equals(other: Blob): boolean {
    return this.ref.equals(other.ref)
  }

  /**
   * The ranges that turn this blob into `other`, in order: `removed` bytes at `aStart` of this one stand where
   * the other has `inserted` bytes at `bStart`. Shared chunks are not read; nothing is given for equal blobs.
   */
  async *diff(other: Blob): AsyncGenerator<Change> {
    if (!this.equals(other)) yield* diffTrees(this.tree, other.tree)
  }

  static async #finish(context: BlobContext, writer: TreeWriter): Promise<Blob> {
    const reader = new NodeReader(context.store, BLOB_FORMAT, context.cache)
    const { ref } = await finishTree(reader, writer)
    return Blob.open(context, ref)
  }
}

/** Cuts and hashes the bytes of `source` and puts the chunks: the ref and size of the blob they make. */
export async function writeBlob(
  target: ChunkTarget,
  source: BlobSource,
  options: PutOptions = {},
  params: TreeParams = BLOB_PARAMS,
): Promise<Root> {
  const writer = new TreeWriter(BLOB_FORMAT, params, target)
  const report = reporter(writer, options)
  await insertPieces(writer, source, options.signal, report)
  const root = await writer.finish()
  report(0)
  return root
}

/** Adds the bytes of `source`; of a blob in the same store, the chunks. */
async function insert(
  writer: TreeWriter,
  store: ChunkStore,
  source: BlobSource,
  options: PutOptions = {},
): Promise<void> {
  const report = reporter(writer, options)
  if (!(source instanceof BlobSlice) || source.tree.reader.store !== store) {
    return insertPieces(writer, source, options.signal, report)
  }
  options.signal?.throwIfAborted()
  const { reader, root, start } = source.tree
  const copier = new TreeCopier(reader, root, writer)
  await copier.skipTo(start)
  await copier.copyTo(start + source.size)
  report(source.size)
}

async function insertPieces(
  writer: TreeWriter,
  source: BlobSource,
  signal: AbortSignal | undefined,
  report: (bytes: number) => void,
): Promise<void> {
  try {
    for await (const piece of piecesOf(source, signal)) {
      if (piece instanceof Uint8Array) writer.pushBytes(piece)
      else writer.pushPart(piece)
      await writer.drain()
      report(piece.length)
    }
    await writer.settle()
  } catch (error) {
    // Whoever gave a file may close it now.
    await writer.abandon()
    throw error
  }
}

/** Tells the caller of bytes taken in, and of those that were new to the store since it was last told. */
function reporter(writer: TreeWriter, { onProgress }: PutOptions): (bytes: number) => void {
  let toldBytes = 0
  return (bytes) => {
    const newBytes = writer.newBytes - toldBytes
    toldBytes += newBytes
    if (bytes > 0 || newBytes > 0) onProgress?.(bytes, newBytes)
  }
}
