/**
 * Writes a tree from the left: items go in at level 0, each finished node's ref goes in one level up, until a
 * level has one node, the root. Old nodes may go in by ref at any level, which is how a splice keeps them.
 * SPEC "Trees".
 */

import { REF_BYTES, Ref } from '../hash/ref.js'
import type { EncodedChunks, FilePart } from '../parallel/jobs.js'
import { sharedMemory } from '../parallel/pool.js'
import { ByteChunker } from './byte-chunker.js'
import { ChunkSink, type ChunkTarget } from './chunk-sink.js'
import { Chunker } from './chunker.js'
import type { SequenceFormat, TreeParams } from './format.js'
import { MetaLevels, type Root } from './meta-levels.js'
import type { Leaf, MetaNode } from './node.js'

export type { Root } from './meta-levels.js'

/** Runs of leaves being encoded and hashed at a time, each of up to 1 MiB. */
const MAX_RUNS = 4

/** Runs of no more than this get memory of their own; those of more share memory that is used again. */
const SMALL_RUN_BYTES = 256 * 1024

/** What the chunks of the longest run take up: its bytes, and a header for each. */
const RUN_MEMORY_BYTES = 1200 * 1024

/** Memory of runs whose chunks the store needs no longer. */
const SPARES: Uint8Array[] = []
const MAX_SPARES = 24

const NO_MEMORY = new Uint8Array(0)

export class TreeWriter {
  readonly #format: SequenceFormat
  readonly #sink: ChunkSink
  /** Level 0, of kinds whose items are byte strings and of kinds whose items are bytes. */
  readonly #items: Chunker
  readonly #bytes: ByteChunker
  /** Leaves of bytes that are cut and not yet hashed, in order. */
  readonly #runs: (EncodedChunks | Promise<EncodedChunks>)[] = []
  readonly #metas: MetaLevels

  /** Writes chunks to `target`, which may be a whole store or something that forgets them. */
  constructor(format: SequenceFormat, params: TreeParams, target: ChunkTarget) {
    this.#format = format
    this.#sink = new ChunkSink(target)
    this.#metas = new MetaLevels(format, params.meta, (chunk) => this.#sink.add(chunk))
    this.#items = new Chunker(params.leaf, (items, count, lastItemStart) => {
      const ref = this.#sink.add(format.encodeLeaf(items, count))
      const lastKey = format.keys && items.slice(lastItemStart, format.keys.end(items, lastItemStart))
      this.#metas.push({ ref, length: count, lastKey })
    })
    this.#bytes = new ByteChunker(params.leaf, (items, ends) => {
      const memory =
        items.length <= SMALL_RUN_BYTES ? NO_MEMORY : (SPARES.pop() ?? sharedMemory(RUN_MEMORY_BYTES))
      this.#runs.push(format.encodeLeaves!(items, ends, memory))
    })
  }

  /** Adds one item. */
  pushItem(item: Uint8Array): void {
    this.#items.push(item)
  }

  /** Adds items that lie one after the other in `items`, each up to one of `ends`; copies them. */
  pushItems(items: Uint8Array, ends: ArrayLike<number>): void {
    this.#items.pushRun(items, ends, 0, ends.length)
  }

  /** Adds bytes each of which is an item. */
  pushBytes(bytes: Uint8Array): void {
    this.#bytes.push(bytes)
  }

  /** Adds the bytes of a part of a file, of at most MAX_PART_BYTES; parts are read while others are worked on. */
  pushPart(part: FilePart): void {
    this.#bytes.pushPart(part)
  }

  /** Adds the items of `leaf` from `start` to `end`. */
  pushLeafItems(leaf: Leaf, start: number, end: number): void {
    if (leaf.ends === undefined) return this.pushBytes(leaf.slice(start, end))
    this.#items.pushRun(leaf.items, leaf.ends, start, end)
  }

  /** Adds the children of `node` from `start` to `end`, which the store has. What comes before is to be settled. */
  pushChildren(node: MetaNode, start: number, end: number): void {
    if (start < end) this.#metas.pushChildren(node, start, end)
  }

  /** Whether a new node begins with the next thing added at `level`; what was added before is to be settled. */
  atBoundary(level: number): boolean {
    if (level === 0) return this.#items.count === 0 && this.#bytes.isAtBoundary
    return this.#metas.count(level) === 0
  }

  /** To be awaited now and then while adding: hands finished chunks to the store, which may ask for patience. */
  async drain(): Promise<void> {
    while (this.#bytes.isBusy) await this.#bytes.cutNext()
    while (this.#runs.length > MAX_RUNS || this.#isRunReady) await this.#takeRun()
    if (this.#sink.isFull) await this.#sink.drain()
  }

  /** Resolves when all leaves that are cut have found their place at level 1. */
  async settle(): Promise<void> {
    await this.#bytes.settle()
    while (this.#runs.length > 0) await this.#takeRun()
    if (this.#sink.isFull) await this.#sink.drain()
  }

  /** Bytes of chunks that were new to the store, of those that it has taken. */
  get newBytes(): number {
    return this.#sink.newBytes
  }

  /** Ends every level and gives the root, once the store has taken all chunks. */
  async finish(): Promise<Root> {
    this.#items.flush()
    await this.#bytes.flush()
    await this.settle()
    if (this.#metas.isEmpty) {
      // Nothing was added at all: an empty value is one empty leaf.
      const ref = this.#sink.add(this.#format.encodeLeaf(new Uint8Array(0), 0))
      this.#metas.push({ ref, length: 0, lastKey: undefined })
    }
    const root = this.#metas.finish()
    await this.#sink.end()
    return root
  }

  /** To be awaited where the tree is given up: resolves when no file is being read for it. */
  abandon(): Promise<void> {
    return this.#bytes.abandon()
  }

  get #isRunReady(): boolean {
    return this.#runs[0] !== undefined && !(this.#runs[0] instanceof Promise)
  }

  async #takeRun(): Promise<void> {
    const { items, itemEnds, bytes, ends, refs } = await this.#runs[0]!
    this.#runs.shift()
    this.#bytes.reuse(items)
    let used = ends.length
    const release = (): void => {
      if (--used > 0 || bytes.buffer.byteLength !== RUN_MEMORY_BYTES) return
      if (SPARES.length < MAX_SPARES) SPARES.push(new Uint8Array(bytes.buffer))
    }
    for (const [index, end] of ends.entries()) {
      const ref = Ref.fromBytes(refs.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
      this.#sink.addHashed({ ref, bytes: bytes.subarray(ends[index - 1] ?? 0, end), release })
      this.#metas.push({ ref, length: itemEnds[index]! - (itemEnds[index - 1] ?? 0), lastKey: undefined })
    }
    if (this.#sink.isFull) await this.#sink.drain()
  }
}
