/**
 * Reads the nodes of trees: fetched, decoded strictly, held against what their parent says of them, and kept in memory.
 * Reads of one node that run at once share one fetch.
 */

import { EncodingError, InvalidNodeError, MissingChunkError, NomsyError } from '../errors.js'
import { REF_BYTES, type Ref, refKey } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { whyNotChild } from './child-check.js'
import type { ChunkTarget } from './chunk-sink.js'
import type { SequenceFormat } from './format.js'
import { type Leaf, MetaNode, type Node } from './node.js'
import type { NodeCache } from './node-cache.js'
import { decodeNode } from './node-codec.js'

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
      onMeta: (ref, chunk, node) => this.#cache.set(this.format, refKey(ref.bytes), chunk, node),
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
    const known = parent.kept[index]
    if (known?.node !== undefined) {
      known.isUsed = true
      return known.node
    }
    const found = this.#cache.get(this.format, refKey(parent.refs.bytes, index * REF_BYTES))
    if (found?.node === undefined) return undefined
    const node = this.#checked(parent, index, found.node)
    parent.kept[index] = found
    return node
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

  /**
   * Fetches nodes that are soon asked for, together, into the cache. What cannot be read is told of when it is asked
   * for.
   */
  async prefetch(refs: readonly Ref[]): Promise<void> {
    const absent = refs.filter((ref) => this.#cache.get(this.format, refKey(ref.bytes)) === undefined)
    if (absent.length < 2) return
    const chunks = await this.store.getMany(absent).catch(() => [])
    for (const [index, chunk] of chunks.entries()) {
      try {
        this.#keep(absent[index]!, chunk)
      } catch (error) {
        if (!(error instanceof NomsyError)) throw error
      }
    }
  }

  async node(ref: Ref): Promise<Node> {
    const key = refKey(ref.bytes)
    const cached = this.#cache.get(this.format, key)?.node
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
