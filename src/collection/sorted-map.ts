/**
 * A stored map: immutable, of any size, sorted by key, addressed by one ref that depends on its entries alone and not
 * on how they came about. What is asked for is read when it is asked for. SPEC "Collections".
 */

import type { Ref } from '../hash/ref.js'
import type { Root } from '../sequence/meta-levels.js'
import { type CollectionContext, openTree } from './collection.js'
import { COLLECTION_PARAMS, MAP_FORMAT } from './collection-format.js'
import { encodeKey } from './item-batch.js'
import type { KeyRange } from './key-range.js'
import { findKey, findKeys, type KeyPlace, searchedKeys } from './key-search.js'
import { buildKeyed, extendKeyed, type KeyedKind } from './keyed-build.js'
import { diffKeyed } from './keyed-diff.js'
import { editKeyed, type KeyedEdit } from './keyed-edit.js'
import { mergeEdits } from './keyed-merge.js'
import { MapEdit } from './map-edit.js'
import { itemResolver, type MapConflict, type MapMergeOptions } from './map-merge.js'
import { MergeConflicts } from './merge-conflicts.js'
import { readEntry, readItem, readItemOf, readValue } from './read-item.js'
import { SortedCollection } from './sorted-collection.js'
import type { Source, WriteOptions } from './source.js'
import type { Input, Key, Value } from './value.js'

/** What became of one key. */
export type MapChange<K extends Key, V extends Value> =
  | { readonly kind: 'added'; readonly key: K; readonly after: V }
  | { readonly kind: 'removed'; readonly key: K; readonly before: V }
  | { readonly kind: 'changed'; readonly key: K; readonly before: V; readonly after: V }

const MAP_KIND: KeyedKind<readonly [unknown, unknown]> = {
  format: MAP_FORMAT,
  add(batch, entry) {
    if (!Array.isArray(entry)) throw new TypeError('an entry of a map is an array: [key, value]')
    batch.addEntry(entry[0], entry[1])
  },
}

export class SortedMap<K extends Key, V extends Value>
  extends SortedCollection<K>
  implements AsyncIterable<[K, V]>
{
  /** The map `ref`; reads its root. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where it is no map. */
  static async open<K extends Key, V extends Value>(
    context: CollectionContext,
    ref: Ref,
  ): Promise<SortedMap<K, V>> {
    return new SortedMap<K, V>(context, ref, await openTree(context, MAP_FORMAT, ref))
  }

  /**
   * Stores the entries of `source`, which may come in any order; of entries with the same key the last one counts.
   * Memory does not grow with their number. Rejects with a TypeError or RangeError where a key or value cannot be
   * stored, with NOMSY_MISSING_CHUNK where one refers to what the store does not hold.
   */
  static async from<K extends Key, V extends Value>(
    context: CollectionContext,
    source: Source<readonly [unknown, unknown]>,
    options?: WriteOptions,
  ): Promise<SortedMap<K, V>> {
    return context.store.writing(async () => {
      const { ref } = await buildKeyed(context, MAP_KIND, source, options)
      return SortedMap.open(context, ref)
    })
  }

  /** The value under `key`; undefined if it is not there. */
  async get(key: Input<K>): Promise<V | undefined> {
    const place = findKey(this.tree, encodeKey(key))
    return this.#valueAt(place instanceof Promise ? await place : place)
  }

  /** The values under many keys, in the order of `keys`: what must be read is read together. */
  async getMany(keys: Iterable<Input<K>>): Promise<(V | undefined)[]> {
    const searched = searchedKeys(keys)
    const values = new Array<V | undefined>(searched.length)
    await findKeys(this.tree, searched, (place, slot) => {
      values[slot] = this.#valueAt(place)
    })
    return values
  }

  /** The entry at `position` in the order of keys, from the end where negative; undefined if there is none. */
  at(position: number): Promise<[K, V] | undefined> {
    return this.readAt(position, readEntry<K, V>)
  }

  /** The entry with the least key. */
  first(): Promise<[K, V] | undefined> {
    return this.at(0)
  }

  /** The entry with the greatest key. */
  last(): Promise<[K, V] | undefined> {
    return this.at(-1)
  }

  /** The entries in a range, in the order of their keys. */
  entries(range: KeyRange<K> = {}): AsyncIterableIterator<[K, V]> {
    return this.read(range, readEntry<K, V>)
  }

  /** The values in a range, in the order of their keys. */
  values(range: KeyRange<K> = {}): AsyncIterableIterator<V> {
    return this.read(range, readValue<V>)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<[K, V]> {
    return this.entries()
  }

  /**
   * A new map: this one with the entries of `source`, which may come in any order and win over those under the same
   * keys. Memory does not grow with their number. Rejects as {@link SortedMap.from}.
   */
  async extend(
    source: Source<readonly [Input<K>, Input<V>]>,
    options?: WriteOptions,
  ): Promise<SortedMap<K, V>> {
    const { store, params = COLLECTION_PARAMS } = this.context
    return store.writing(async () =>
      this.#openOther(await extendKeyed(this.tree, params, MAP_KIND, source, options)),
    )
  }

  /** Collects changes; the map itself stays as it is. */
  edit(): MapEdit<K, V> {
    return new MapEdit((edits) => this.#with(edits))
  }

  /**
   * What turns this map into `other`, in the order of keys. Costs what differs: equal subtrees are not read, and
   * nothing is for equal maps.
   */
  async *diff(other: SortedMap<K, V>): AsyncGenerator<MapChange<K, V>> {
    if (this.equals(other)) return
    for await (const { before, after } of diffKeyed(this.tree, other.tree)) {
      if (before === undefined) {
        const [key, value] = readItem(after!, readEntry<K, V>)
        yield { kind: 'added', key, after: value }
      } else if (after === undefined) {
        const [key, value] = readItem(before, readEntry<K, V>)
        yield { kind: 'removed', key, before: value }
      } else {
        const [key, value] = readItem(before, readEntry<K, V>)
        yield { kind: 'changed', key, before: value, after: readItem(after, readValue<V>) }
      }
    }
  }

  /**
   * This map with what `theirs` changed of `base` too. A key that both changed to the same is no conflict; about others
   * `resolve` says what to do, and without it the merge rejects with NOMSY_MERGE_CONFLICT.
   */
  async merge(
    base: SortedMap<K, V>,
    theirs: SortedMap<K, V>,
    options: MapMergeOptions<K, V> = {},
  ): Promise<SortedMap<K, V>> {
    const conflicts = new MergeConflicts()
    const edits = mergeEdits(base.tree, this.tree, theirs.tree, itemResolver(options, conflicts))
    return this.#with(conflicts.throwAfter(edits))
  }

  /** The keys that both sides changed, and not to the same: what a merge would ask about. Nothing is written. */
  async *conflicts(base: SortedMap<K, V>, theirs: SortedMap<K, V>): AsyncGenerator<MapConflict<K, V>> {
    const found: MapConflict<K, V>[] = []
    const note = itemResolver<K, V>({ resolve: (each) => void found.push(each) }, new MergeConflicts())
    for await (const _ of mergeEdits(base.tree, this.tree, theirs.tree, note)) yield* found.splice(0)
  }

  #valueAt({ leaf, index, isFound }: KeyPlace): V | undefined {
    return isFound ? readItemOf(leaf, index, readValue<V>) : undefined
  }

  async #with(edits: Source<KeyedEdit>): Promise<SortedMap<K, V>> {
    const { store, params = COLLECTION_PARAMS } = this.context
    return store.writing(async () => this.#openOther(await editKeyed(this.tree, edits, { params })))
  }

  /** The map that was made of this one; this one where nothing was. */
  async #openOther(root: Root | undefined): Promise<SortedMap<K, V>> {
    return root === undefined ? this : SortedMap.open(this.context, root.ref)
  }
}
