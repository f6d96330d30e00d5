/** What lists, sets and maps have in common: a store, a ref, and the tree under it. */

import { type Referable, storedAs } from '../encoding/value.js'
import type { Ref } from '../hash/ref.js'
import type { SequenceFormat, TreeParams } from '../sequence/format.js'
import type { NodeCache } from '../sequence/node-cache.js'
import { NodeReader, type Tree } from '../sequence/node-reader.js'
import type { ChunkStore } from '../store/chunk-store.js'

/** Where collections live: a store, the cache of its nodes, and (for tests) other boundaries than SPEC's. */
export interface CollectionContext {
  readonly store: ChunkStore
  readonly cache: NodeCache
  readonly params?: TreeParams | undefined
}

export abstract class Collection implements Referable {
  /** The address of the content: equal collections of a kind have equal refs. */
  readonly ref: Ref
  /** @internal For what works on trees. */
  readonly tree: Tree
  /** @internal */
  readonly context: CollectionContext

  protected constructor(context: CollectionContext, ref: Ref, tree: Tree) {
    this.context = context
    this.ref = ref
    this.tree = tree
  }

  /** As which it is stored where it is put into a value. */
  get [storedAs](): Ref {
    return this.ref
  }

  /** Whether both hold the same: equal refs. */
  equals(other: Collection): boolean {
    return this.ref.equals(other.ref)
  }
}

/** The tree `ref` of this kind; reads its root. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE. */
export async function openTree(context: CollectionContext, format: SequenceFormat, ref: Ref): Promise<Tree> {
  const reader = new NodeReader(context.store, format, context.cache)
  return { reader, root: await reader.root(ref) }
}
