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
import type { Leaf, MetaNode } from './node.js'
import { encodeMeta, type KeyRun, MAX_CHILDREN } from './node-codec.js'

/** Runs of leaves being encoded and hashed at a time, each of up to 1 MiB. */
const MAX_RUNS = 4

/** Runs of no more than this get memory of their own; those of more share memory that is used again. */
const SMALL_RUN_BYTES = 256 * 1024

/** What the chunks of the longest run take up: its bytes, and a header for each. */
const RUN_MEMORY_BYTES = 1200 * 1024

const NO_MEMORY = new Uint8Array(0)

/** Where each ref ends in a list of them. */
const REF_ENDS = Uint32Array.from({ length: MAX_CHILDREN }, (_, index) => (index + 1) * REF_BYTES)

/** A tree: its root's ref and the items in it. */
export interface Root {
  readonly ref: Ref
  readonly length: number
}

/** A child as its parent knows it. */
interface Child extends Root {
  readonly lastKey: Uint8Array | undefined
}

export class TreeWriter {
  readonly #format: SequenceFormat
  readonly #params: TreeParams
  readonly #sink: ChunkSink
  /** Level 0, of kinds whose items are byte strings and of kinds whose items are bytes. */
  readonly #items: Chunker
  readonly #bytes: ByteChunker
  /** Leaves of bytes that are cut and not yet hashed, in order. */
  readonly #runs: (EncodedChunks | Promise<EncodedChunks>)[] = []
  /** Memory of runs whose chunks the store needs no longer. */
  readonly #spare: Uint8Array[] = []
  /** Meta levels, level 1 first; one exists once it has been given a child. */
  readonly #metas: MetaLevel[] = []

  /** Writes chunks to `target`, which may be a whole store or something that forgets them. */
  constructor(format: SequenceFormat, params: TreeParams, target: ChunkTarget) {
    this.#format = format
    this.#params = params
    this.#sink = new ChunkSink(target)
    this.#items = new Chunker(params.leaf, (items, count, lastItemStart) => {
      const ref = this.#sink.add(format.encodeLeaf(items, count))
      const lastKey = format.keys && items.slice(lastItemStart, format.keys.end(items, lastItemStart))
      this.#pushChild(1, { ref, length: count, lastKey })
    })
    this.#bytes = new ByteChunker(params.leaf, (items, ends) => {
      const memory =
        items.length <= SMALL_RUN_BYTES ? NO_MEMORY : (this.#spare.pop() ?? sharedMemory(RUN_MEMORY_BYTES))
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
    if (start < end) this.#meta(node.level).pushChildren(node, start, end)
  }

  /** Whether a new node begins with the next thing added at `level`; what was added before is to be settled. */
  atBoundary(level: number): boolean {
    if (level === 0) return this.#items.count === 0 && this.#bytes.isAtBoundary
    return (this.#metas[level - 1]?.count ?? 0) === 0
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
    if (this.#metas.length === 0) {
      // Nothing was added at all: an empty value is one empty leaf.
      const ref = this.#sink.add(this.#format.encodeLeaf(new Uint8Array(0), 0))
      this.#pushChild(1, { ref, length: 0, lastKey: undefined })
    }
    for (let index = 0; ; index++) {
      const meta = this.#metas[index]!
      const isTop = index === this.#metas.length - 1
      if (isTop && meta.count === 1) {
        await this.#sink.end()
        return meta.lastChild
      }
      meta.flush()
    }
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
      if (--used === 0 && bytes.buffer.byteLength === RUN_MEMORY_BYTES)
        this.#spare.push(new Uint8Array(bytes.buffer))
    }
    for (const [index, end] of ends.entries()) {
      const ref = Ref.fromBytes(refs.subarray(index * REF_BYTES, (index + 1) * REF_BYTES))
      this.#sink.addHashed({ ref, bytes: bytes.subarray(ends[index - 1] ?? 0, end), release })
      this.#pushChild(1, { ref, length: itemEnds[index]! - (itemEnds[index - 1] ?? 0), lastKey: undefined })
    }
    if (this.#sink.isFull) await this.#sink.drain()
  }

  #pushChild(level: number, child: Child): void {
    this.#meta(level).push(child)
  }

  #meta(level: number): MetaLevel {
    while (this.#metas.length < level) {
      const above = this.#metas.length + 2
      this.#metas.push(
        new MetaLevel(this.#format, this.#params, above - 1, this.#sink, (node) =>
          this.#pushChild(above, node),
        ),
      )
    }
    return this.#metas[level - 1]!
  }
}

/** One meta level: gathers children until a boundary, then makes their node and hands it up. */
class MetaLevel {
  readonly #chunker: Chunker
  readonly #isKeyed: boolean
  /** Of the children since the last boundary. */
  readonly #lengths: number[] = []
  readonly #lastKeys: KeyRun[] = []
  #lastChild: Child | undefined

  constructor(
    format: SequenceFormat,
    params: TreeParams,
    level: number,
    sink: ChunkSink,
    emit: (node: Child) => void,
  ) {
    this.#isKeyed = format.keys !== undefined
    this.#chunker = new Chunker(params.meta, (refs, count) => {
      const lengths = this.#lengths.splice(0, count)
      const lastKeys = this.#isKeyed ? takeKeys(this.#lastKeys, count) : undefined
      const chunk = encodeMeta(format.kind, level, refs, lengths, lastKeys)
      const length = lengths.reduce((sum, each) => sum + each, 0)
      if (!Number.isSafeInteger(length))
        throw new RangeError('no value may have more than 2^53-1 bytes or items')
      emit({ ref: sink.add(chunk), length, lastKey: lastKeys && lastOf(lastKeys) })
    })
  }

  get count(): number {
    return this.#chunker.count
  }

  get lastChild(): Child {
    return this.#lastChild!
  }

  push(child: Child): void {
    const { ref, length, lastKey } = child
    this.#lastChild = child
    this.#lengths.push(length)
    if (lastKey !== undefined) this.#lastKeys.push({ items: lastKey, ends: [lastKey.length], from: 0, to: 1 })
    this.#chunker.push(ref.bytes)
  }

  pushChildren(node: MetaNode, start: number, end: number): void {
    for (let index = start; index < end; index++) this.#lengths.push(node.childLength(index))
    if (node.lastKeys !== undefined) this.#lastKeys.push({ ...node.lastKeys, from: start, to: end })
    const last = end - 1
    this.#lastChild = {
      ref: node.childRef(last),
      length: node.childLength(last),
      lastKey: node.lastKey(last),
    }
    this.#chunker.pushRun(node.refs.bytes, REF_ENDS, start, end)
  }

  flush(): void {
    this.#chunker.flush()
  }
}

/** Takes the first `count` keys away from `runs`. */
function takeKeys(runs: KeyRun[], count: number): KeyRun[] {
  const taken: KeyRun[] = []
  for (let left = count; left > 0; ) {
    const run = runs[0]!
    const end = Math.min(run.from + left, run.to)
    taken.push({ ...run, to: end })
    left -= end - run.from
    if (end === run.to) runs.shift()
    else runs[0] = { ...run, from: end }
  }
  return taken
}

/** A copy of the last key of `runs`. */
function lastOf(runs: readonly KeyRun[]): Uint8Array {
  const { items, ends, to } = runs[runs.length - 1]!
  return items.slice(to === 1 ? 0 : ends[to - 2]!, ends[to - 1]!)
}
