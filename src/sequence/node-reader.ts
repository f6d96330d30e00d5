/**
 * Reads the nodes of trees: fetched, decoded strictly, held against what their parent says of them, and kept
 * under a budget of bytes. Reads of one node that run at once share one fetch.
 */

import { LRUCache } from 'lru-cache'
import { EncodingError, InvalidNodeError, MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'
import type { SequenceFormat } from './format.js'
import { type Leaf, MetaNode, type Node } from './node.js'
import { decodeNode } from './node-codec.js'

/** Default budget of a cache in bytes of chunks. */
const CACHE_BYTES = 32 * 1024 * 1024

/** Decoded nodes by kind and ref, so that one cache serves all kinds of a store. */
export class NodeCache {
  readonly #nodes: LRUCache<string, Node>
  /** Fetches under way. */
  readonly pending = new Map<string, Promise<Node>>()

  constructor(maxBytes = CACHE_BYTES) {
    this.#nodes = new LRUCache({ maxSize: maxBytes })
  }

  get(key: string): Node | undefined {
    return this.#nodes.get(key)
  }

  set(key: string, node: Node, chunkBytes: number): void {
    // A decoded node holds a view of its chunk and, in meta nodes, 8 bytes of end offset for each child.
    const size = chunkBytes + (node instanceof MetaNode ? node.ends.byteLength : 0) + 64
    this.#nodes.set(key, node, { size })
  }
}

/** A tree that can be read: its root and what reads the rest. */
export interface Tree {
  readonly reader: NodeReader
  readonly root: Node
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

  /** The node `ref`, which is to be the root of a tree: a meta node has at least two children there. */
  async root(ref: Ref): Promise<Node> {
    const node = await this.node(ref)
    if (node instanceof MetaNode && node.childCount < 2) {
      throw new InvalidNodeError(ref.toString(), 'a root with one child')
    }
    return node
  }

  /** Child `index` of `parent`. */
  async child(parent: MetaNode, index: number): Promise<Node> {
    const ref = parent.childRef(index)
    const node = await this.node(ref)
    checkChild(parent, index, ref, node)
    return node
  }

  /** Children of `parent` from `start` to `end`, leaves all of them; not kept, for reads that go by once. */
  async leaves(parent: MetaNode, start: number, end: number): Promise<Leaf[]> {
    const refs = Array.from({ length: end - start }, (_, index) => parent.childRef(start + index))
    const chunks = await this.store.getMany(refs)
    return refs.map((ref, index) => {
      const node = this.#decode(ref, chunks[index])
      checkChild(parent, start + index, ref, node)
      return node as Leaf
    })
  }

  async node(ref: Ref): Promise<Node> {
    const key = `${this.format.kind} ${ref}`
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached
    let pending = this.#cache.pending.get(key)
    if (pending === undefined) {
      pending = this.#fetch(key, ref).finally(() => this.#cache.pending.delete(key))
      this.#cache.pending.set(key, pending)
    }
    return pending
  }

  async #fetch(key: string, ref: Ref): Promise<Node> {
    const chunk = await this.store.get(ref)
    const node = this.#decode(ref, chunk)
    this.#cache.set(key, node, chunk!.length)
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
}

/** Holds a node against what its parent says of it. */
function checkChild(parent: MetaNode, index: number, ref: Ref, node: Node): void {
  if (node.level !== parent.level - 1) {
    throw new InvalidNodeError(ref.toString(), `level ${node.level} under level ${parent.level}`)
  }
  const expected = parent.childLength(index)
  if (node.length !== expected) {
    throw new InvalidNodeError(ref.toString(), `length ${node.length} where its parent says ${expected}`)
  }
}
