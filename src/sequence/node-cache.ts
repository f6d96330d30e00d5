/**
 * Nodes that are kept in memory under a budget of bytes. Who has not been asked for since the hand last came by goes
 * first (the "clock" of Corbató, A Paging Experiment with the Multics System, 1968): so a hit costs no list to be put
 * in order, and none at all costs a search where the node's parent has found it before.
 */

import type { Ref } from '../hash/ref.js'
import type { SequenceFormat } from './format.js'
import { type KeptNode, MetaNode, type Node } from './node.js'
import { decodeNode } from './node-codec.js'

/** Default budget in bytes of memory. */
const CACHE_BYTES = 32 * 1024 * 1024

/** A node of one kind; while nobody has asked for it, a chunk that was just written. */
interface Entry extends KeptNode {
  readonly format: SequenceFormat
  readonly chunk: Uint8Array
  /** The memory that it takes up, in bytes. */
  size: number
}

/** Nodes by ref, those of all kinds of a store. */
export class NodeCache {
  readonly #maxBytes: number
  readonly #entries = new Map<string, Entry>()
  /** Goes round over all entries, those added last at last. */
  #hand = this.#entries.entries()
  #bytes = 0
  /** Fetches under way, by ref and kind. */
  readonly pending = new Map<string, Promise<Node>>()
  /** Roots of trees that the program may still hold, and whether a root is among them. */
  readonly #roots = new Set<OpenRoot>()
  readonly #isOpen = new WeakSet<Node>()
  readonly #forget = new FinalizationRegistry<OpenRoot>((root) => this.#roots.delete(root))

  constructor(maxBytes = CACHE_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** The node of this kind under `key`, as refKey makes it: of what is given, `node` is there. */
  get(format: SequenceFormat, key: string): KeptNode | undefined {
    const entry = this.#entries.get(key)
    if (entry?.format !== format) return undefined
    entry.isUsed = true
    if (entry.node === undefined) {
      entry.node = decodeNode(format, entry.chunk)
      this.#bytes -= entry.size
      entry.size = memoryOf(entry.chunk, entry.node)
      this.#bytes += entry.size
    }
    return entry
  }

  /** Keeps `chunk`, and the node in it if it has been decoded. */
  set(format: SequenceFormat, key: string, chunk: Uint8Array, node?: Node): void {
    if (this.#entries.has(key)) return
    const size = memoryOf(chunk, node)
    if (size > this.#maxBytes) return
    this.#makeRoom(size)
    this.#entries.set(key, { format, chunk, node, isUsed: false, size })
    this.#bytes += size
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
    // Parents that know the entries are to find nothing in them.
    for (const entry of this.#entries.values()) entry.node = undefined
    this.#entries.clear()
    this.#hand = this.#entries.entries()
    this.#bytes = 0
    return [...this.#roots].flatMap(({ ref, root }) => (root.deref() === undefined ? [] : [ref]))
  }

  #makeRoom(byteCount: number): void {
    while (this.#bytes + byteCount > this.#maxBytes) {
      const next = this.#hand.next()
      if (next.done === true) {
        this.#hand = this.#entries.entries()
        continue
      }
      const [key, entry] = next.value
      this.#entries.delete(key)
      if (entry.isUsed) {
        entry.isUsed = false
        this.#entries.set(key, entry)
      } else {
        // Parents that know the entry are to find nothing in it.
        entry.node = undefined
        this.#bytes -= entry.size
      }
    }
  }
}

interface OpenRoot {
  readonly ref: Ref
  readonly root: WeakRef<Node>
}

/** Bytes of memory, roughly: its chunk, its offsets, and the objects around them. */
function memoryOf(chunk: Uint8Array, node: Node | undefined): number {
  if (node === undefined) return chunk.length + 256
  const offsetBytes = node.ends?.byteLength ?? 0
  if (!(node instanceof MetaNode)) return chunk.length + 2 * offsetBytes + 256
  const keyBytes = node.lastKeys?.ends.byteLength ?? 0
  return chunk.length + offsetBytes + 2 * keyBytes + 9 * node.childCount + 256
}
