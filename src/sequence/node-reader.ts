/**
 * Reads the nodes of trees: fetched, decoded strictly, held against what their parent says of them, and kept
 * under a budget of bytes. Reads of one node that run at once share one fetch.
 */

import { LRUCache } from 'lru-cache'
import { EncodingError, InvalidNodeError, MissingChunkError } from '../errors.js'
import { REF_BYTES, type Ref, refKey } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { whyNotChild } from './child-check.js'
import type { ChunkTarget } from './chunk-sink.js'
import type { SequenceFormat } from './format.js'
import { type Leaf, MetaNode, type Node } from './node.js'
import { decodeNode } from './node-codec.js'

/** Default budget of a cache in bytes of memory. */
const CACHE_BYTES = 32 * 1024 * 1024

/** A node of one kind; while nobody has asked for it, a chunk that was just written. */
interface CachedNode {
  readonly format: SequenceFormat
  readonly chunk: Uint8Array
  readonly node: Node | undefined
}

/** Decoded nodes by ref, those of all kinds of a store. */
export class NodeCache {
  readonly #nodes: LRUCache<string, CachedNode>
  /** Fetches under way, by ref and kind. */
  readonly pending = new Map<string, Promise<Node>>()
  /** Roots of trees that the program may still hold, and whether a root is among them. */
  readonly #roots = new Set<OpenRoot>()
  readonly #isOpen = new WeakSet<Node>()
  readonly #forget = new FinalizationRegistry<OpenRoot>((root) => this.#roots.delete(root))

  constructor(maxBytes = CACHE_BYTES) {
    this.#nodes = new LRUCache({ maxSize: maxBytes })
  }

  /** The node of this kind under `key`, as {@link refKey} makes it. */
  get(format: SequenceFormat, key: string): Node | undefined {
    const cached = this.#nodes.get(key)
    if (cached?.format !== format) return undefined
    return cached.node ?? this.set(format, key, cached.chunk, decodeNode(format, cached.chunk))!
  }

  /** Keeps `chunk`, and the node in it if it has been decoded, which it gives back. */
  set(format: SequenceFormat, key: string, chunk: Uint8Array, node?: Node): Node | undefined {
    this.#nodes.set(key, { format, chunk, node }, { size: memoryOf(chunk, node) })
    return node
  }

  /** Notes that somebody has opened the tree `ref`: it counts as open for as long as anybody can get at its root. */
  opened(ref: Ref, root: Node): void {
    if (this.#isOpen.has(root)) return
    const open = { ref, root: new WeakRef(root) }
    this.#isOpen.add(root)
    this.#roots.add(open)
    this.#forget.register(root, open)
  }

  /** Forgets all nodes; gives the refs of the trees that are open. */
  clear(): Ref[] {
    this.#nodes.clear()
    return [...this.#roots].flatMap(({ ref, root }) => (root.deref() === undefined ? [] : [ref]))
  }
}

interface OpenRoot {
  readonly ref: Ref
  readonly root: WeakRef<Node>
}

/** Bytes of memory that a node takes up, roughly: its chunk, its offsets, and the objects around them. */
function memoryOf(chunk: Uint8Array, node: Node | undefined): number {
  const metaBytes = node instanceof MetaNode ? node.checked.length + (node.lastKeys?.ends.byteLength ?? 0) : 0
  return chunk.length + (node?.ends?.byteLength ?? 0) + metaBytes + 256
}

/** A tree that can be read: its root and what reads the rest. */
export interface Tree {
  readonly reader: NodeReader
  readonly root: Node
}

/** A place of a meta node: its child `index`. */
export interface ChildPlace {
  readonly parent: MetaNode
  readonly index: number
}

export class NodeReader {
  readonly store: ChunkStore
  readonly format: SequenceFormat
  readonly #cache: NodeCache

  constructor(store: ChunkStore, format: SequenceFormat, cache: NodeCache) {
    this.store = store
    this.format = format
    this.#cache = cache
  }

  /** Takes chunks of this kind to the store, and keeps them in memory too: for those that are soon read again. */
  get target(): ChunkTarget {
    return {
      put: (chunks) => {
        for (const { ref, bytes, release } of chunks)
          if (release === undefined) this.#cache.set(this.format, refKey(ref.bytes), bytes)
        return this.store.put(chunks)
      },
    }
  }

  /** The node `ref`, which is to be the root of a tree: a meta node has at least two children there. */
  async root(ref: Ref): Promise<Node> {
    const node = await this.node(ref)
    if (node instanceof MetaNode && node.childCount < 2) {
      throw new InvalidNodeError(ref.toString(), 'a root with one child')
    }
    this.#cache.opened(ref, node)
    return node
  }

  /** Child `index` of `parent`. */
  async child(parent: MetaNode, index: number): Promise<Node> {
    return (
      this.cachedChild(parent, index) ?? this.#checked(parent, index, await this.node(parent.childRef(index)))
    )
  }

  /** Child `index` of `parent` if it is in memory, undefined if it must be read: for loops that would rather not wait. */
  cachedChild(parent: MetaNode, index: number): Node | undefined {
    const node = this.#cache.get(this.format, refKey(parent.refs.bytes, index * REF_BYTES))
    return node && this.#checked(parent, index, node)
  }

  /** Many children at once, in the order of `places`: what is not in memory is fetched together. */
  async children(places: readonly ChildPlace[]): Promise<Node[]> {
    const nodes = places.map(({ parent, index }) => this.cachedChild(parent, index))
    const slots = new Map<string, number[]>()
    for (const [slot, { parent, index }] of places.entries()) {
      if (nodes[slot] !== undefined) continue
      const key = refKey(parent.refs.bytes, index * REF_BYTES)
      const others = slots.get(key)
      if (others === undefined) slots.set(key, [slot])
      else others.push(slot)
    }
    if (slots.size === 0) return nodes as Node[]
    const refs = Array.from(slots.values(), ([slot]) => places[slot!]!.parent.childRef(places[slot!]!.index))
    const chunks = await this.store.getMany(refs)
    for (const [at, group] of [...slots.values()].entries()) {
      const node = this.#keep(refs[at]!, chunks[at])
      for (const slot of group) nodes[slot] = this.#checked(places[slot]!.parent, places[slot]!.index, node)
    }
    return nodes as Node[]
  }

  /** Children of `parent` from `start` to `end`, leaves all of them; not kept, for reads that go by once. */
  async leaves(parent: MetaNode, start: number, end: number): Promise<Leaf[]> {
    const leaves = Array.from({ length: end - start }, (_, slot) => this.cachedChild(parent, start + slot))
    const slots = [...leaves.keys()].filter((slot) => leaves[slot] === undefined)
    if (slots.length > 0) {
      const refs = slots.map((slot) => parent.childRef(start + slot))
      const chunks = await this.store.getMany(refs)
      for (const [at, slot] of slots.entries())
        leaves[slot] = this.#checked(parent, start + slot, this.#decode(refs[at]!, chunks[at]))
    }
    return leaves as Leaf[]
  }

  async node(ref: Ref): Promise<Node> {
    const key = refKey(ref.bytes)
    const cached = this.#cache.get(this.format, key)
    if (cached !== undefined) return cached
    const { pending } = this.#cache
    const pendingKey = `${this.format.kind} ${key}`
    let fetched = pending.get(pendingKey)
    if (fetched === undefined) {
      fetched = this.#fetch(ref).finally(() => pending.delete(pendingKey))
      pending.set(pendingKey, fetched)
    }
    return fetched
  }

  async #fetch(ref: Ref): Promise<Node> {
    return this.#keep(ref, await this.store.get(ref))
  }

  #keep(ref: Ref, chunk: Uint8Array | undefined): Node {
    // A view would keep all of what it is a view of.
    const own = chunk && chunk.length < chunk.buffer.byteLength ? chunk.slice() : chunk
    const node = this.#decode(ref, own)
    this.#cache.set(this.format, refKey(ref.bytes), own!, node)
    return node
  }

  #decode(ref: Ref, chunk: Uint8Array | undefined): Node {
    if (chunk === undefined) throw new MissingChunkError(ref.toString())
    try {
      return decodeNode(this.format, chunk)
    } catch (cause) {
      if (!(cause instanceof EncodingError)) throw cause
      throw new InvalidNodeError(ref.toString(), cause.message, { cause })
    }
  }

  /** `node`, if it is what `parent` says of its child `index`. */
  #checked(parent: MetaNode, index: number, node: Node): Node {
    if (parent.checked[index] === 1) return node
    const why = whyNotChild(this.format, parent, index, node)
    if (why !== undefined) throw new InvalidNodeError(parent.childRef(index).toString(), why)
    parent.checked[index] = 1
    return node
  }
}
