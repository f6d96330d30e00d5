/**
 * A stored set: immutable, of any size, sorted, addressed by one ref that depends on its keys alone and not on how they
 * came about. What is asked for is read when it is asked for. SPEC "Collections".
 */

import type { Ref } from '../hash/ref.js'
import type { Root } from '../sequence/meta-levels.js'
import { type CollectionContext, openTree } from './collection.js'
import { COLLECTION_PARAMS, SET_FORMAT } from './collection-format.js'
import type { KeyRange } from './key-range.js'
import { buildKeyed, extendKeyed, type KeyedKind } from './keyed-build.js'
import { diffKeyed } from './keyed-diff.js'
import { editKeyed, type KeyedEdit } from './keyed-edit.js'
import { mergeEdits } from './keyed-merge.js'
import { readItem, readKey } from './read-item.js'
import { SetEdit } from './set-edit.js'
import { SortedCollection } from './sorted-collection.js'
import type { Source, WriteOptions } from './source.js'
import type { Input, Key } from './value.js'

/** What became of one key. */
export interface SetChange<K extends Key> {
  readonly kind: 'added' | 'removed'
  readonly key: K
}

const SET_KIND: KeyedKind<unknown> = { format: SET_FORMAT, add: (batch, key) => batch.addKey(key) }

export class SortedSet<K extends Key> extends SortedCollection<K> implements AsyncIterable<K> {
  /** The set `ref`; reads its root. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where it is no set. */
  static async open<K extends Key>(context: CollectionContext, ref: Ref): Promise<SortedSet<K>> {
    return new SortedSet<K>(context, ref, await openTree(context, SET_FORMAT, ref))
  }

  /**
   * Stores the keys of `source`, which may come in any order and again and again. Memory does not grow with their
   * number. Rejects with a TypeError or RangeError where something cannot be a key, with NOMSY_MISSING_CHUNK where a
   * key refers to what the store does not hold.
   */
  static async from<K extends Key>(
    context: CollectionContext,
    source: Source<unknown>,
    options?: WriteOptions,
  ): Promise<SortedSet<K>> {
    return context.store.writing(async () => {
      const { ref } = await buildKeyed(context, SET_KIND, source, options)
      return SortedSet.open(context, ref)
    })
  }

  /** The key at `position` in their order, from the end where negative; undefined if there is none. */
  at(position: number): Promise<K | undefined> {
    return this.readAt(position, readKey<K>)
  }

  /** The least key. */
  first(): Promise<K | undefined> {
    return this.at(0)
  }

  /** The greatest key. */
  last(): Promise<K | undefined> {
    return this.at(-1)
  }

  /** The keys in a range, in order: as {@link keys}. */
  values(range: KeyRange<K> = {}): AsyncIterableIterator<K> {
    return this.keys(range)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<K> {
    return this.keys()
  }

  /**
   * A new set: this one with the keys of `source`, which may come in any order. Memory does not grow with their number.
   * Rejects as {@link SortedSet.from}.
   */
  async extend(source: Source<Input<K>>, options?: WriteOptions): Promise<SortedSet<K>> {
    const { store, params = COLLECTION_PARAMS } = this.context
    return store.writing(async () =>
      this.#openOther(await extendKeyed(this.tree, params, SET_KIND, source, options)),
    )
  }

  /** Collects changes; the set itself stays as it is. */
  edit(): SetEdit<K> {
    return new SetEdit((edits) => this.#with(edits))
  }

  /**
   * What turns this set into `other`, in the order of keys. Costs what differs: equal subtrees are not read, and
   * nothing is for equal sets.
   */
  async *diff(other: SortedSet<K>): AsyncGenerator<SetChange<K>> {
    if (this.equals(other)) return
    for await (const { before, after } of diffKeyed(this.tree, other.tree)) {
      if (before === undefined) yield { kind: 'added', key: readItem(after!, readKey<K>) }
      else yield { kind: 'removed', key: readItem(before, readKey<K>) }
    }
  }

  /** This set with what `theirs` changed of `base` too. There are no conflicts: a key is there or it is not. */
  merge(base: SortedSet<K>, theirs: SortedSet<K>): Promise<SortedSet<K>> {
    return this.#with(mergeEdits(base.tree, this.tree, theirs.tree, ({ ours }) => ours))
  }

  async #with(edits: Source<KeyedEdit>): Promise<SortedSet<K>> {
    const { store, params = COLLECTION_PARAMS } = this.context
    return store.writing(async () => this.#openOther(await editKeyed(this.tree, edits, { params })))
  }

  /** The set that was made of this one; this one where nothing was. */
  async #openOther(root: Root | undefined): Promise<SortedSet<K>> {
    return root === undefined ? this : SortedSet.open(this.context, root.ref)
  }
}
