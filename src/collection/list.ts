/**
 * A stored list: immutable, of any length, addressed by one ref that depends on its items alone and not on how they
 * came about. What is asked for is read when it is asked for. SPEC "Collections".
 */

import type { Ref } from '../hash/ref.js'
import type { ChunkTarget } from '../sequence/chunk-sink.js'
import { type Change, diffTrees } from '../sequence/diff.js'
import { leafRuns } from '../sequence/leaves.js'
import { NodeReader } from '../sequence/node-reader.js'
import { checkIndex, clampPosition } from '../sequence/position.js'
import { finishTree } from '../sequence/tree-copier.js'
import { TreeWriter } from '../sequence/tree-writer.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { Collection, type CollectionContext, openTree } from './collection.js'
import { COLLECTION_PARAMS, LIST_FORMAT } from './collection-format.js'
import { itemAt } from './item-at.js'
import { ItemIterator } from './item-iterator.js'
import { type ListConflict, type ListMergeOptions, mergeSplices } from './list-conflict.js'
import { ListEdit } from './list-edit.js'
import type { ItemRange } from './list-merge.js'
import { type ListPart, writePart, writeSpliced, writeValues } from './list-splice.js'
import { MergeConflicts } from './merge-conflicts.js'
import { readItemOf, readListItem } from './read-item.js'
import type { Source, WriteOptions } from './source.js'
import type { Input, Value } from './value.js'

export interface ListRange {
  /** First position; 0 where left out. Negative positions count from the end, as in Array.slice. */
  readonly start?: number | undefined
  /** Position after the last; the length where left out. */
  readonly end?: number | undefined
  /** From the last of them to the first. */
  readonly reverse?: boolean | undefined
}

export class List<T extends Value> extends Collection implements AsyncIterable<T> {
  /** The list `ref`; reads its root. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where it is no list. */
  static async open<T extends Value>(context: CollectionContext, ref: Ref): Promise<List<T>> {
    return new List<T>(context, ref, await openTree(context, LIST_FORMAT, ref))
  }

  /**
   * Stores the items of `source`. Memory does not grow with their number. Rejects with a TypeError or RangeError where
   * an item cannot be stored, with NOMSY_MISSING_CHUNK where one refers to what the store does not hold.
   */
  static from<T extends Value>(
    context: CollectionContext,
    source: Source<unknown>,
    options?: WriteOptions,
  ): Promise<List<T>> {
    const { store } = context
    return List.#write(context, (writer) => writeValues(writer, store, source, options), store)
  }

  /** Number of items. */
  get length(): number {
    return this.tree.root.length
  }

  /** Item `index`, from the end where negative; undefined if there is none. */
  async at(index: number): Promise<T | undefined> {
    const place = await itemAt(this.tree, index)
    return place && readItemOf(place.leaf, place.index, readListItem<T>)
  }

  /** The items in a range, in order. */
  values(range: ListRange = {}): AsyncIterableIterator<T> {
    const { reverse = false } = range
    const { start, end } = this.#clamp(range.start, range.end)
    return new ItemIterator(leafRuns(this.tree, start, end, reverse), readListItem<T>, reverse)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values()
  }

  /** The items from `start` to `end` (exclusive) as a list, which shares all but a few chunks with this one. */
  slice(start?: number, end?: number): Promise<List<T>> {
    const { tree, context } = this
    const part = { tree, ...this.#clamp(start, end) }
    return List.#write(context, (writer) => writePart(writer, context.store, part))
  }

  /**
   * A new list: this one with `removed` items at `at` replaced by those of `inserted`. Reads and writes the chunks
   * around the edit and one path up; of a list of the same store that is inserted, those at its ends.
   */
  async splice(
    at: number,
    removed: number,
    inserted: Source<Input<T>> = [],
    options?: WriteOptions,
  ): Promise<List<T>> {
    checkIndex('at', at, this.length)
    checkIndex('removed', removed, this.length - at)
    const insert = (writer: TreeWriter, store: ChunkStore): Promise<void> =>
      inserted instanceof List
        ? writePart(writer, store, inserted.#whole)
        : writeValues(writer, store, inserted, options)
    return List.#write(this.context, (writer) => writeSpliced(writer, this.tree, [{ at, removed, insert }]))
  }

  /** A new list with the items of `source` at its end. */
  append(source: Source<Input<T>>, options?: WriteOptions): Promise<List<T>> {
    return this.splice(this.length, 0, source, options)
  }

  /** A new list: this one and `others`, one after the other. Chunks are shared; only those at the seams are read. */
  concat(...others: readonly List<T>[]): Promise<List<T>> {
    const { store } = this.context
    return List.#write(this.context, async (writer) => {
      for (const list of [this, ...others]) await writePart(writer, store, list.#whole)
    })
  }

  /** Collects changes; the list itself stays as it is. */
  edit(): ListEdit<T> {
    return new ListEdit(this.length, (splices) =>
      List.#write(this.context, (writer) => writeSpliced(writer, this.tree, splices)),
    )
  }

  /**
   * The changes that turn this list into `other`, in order: `removed` items at `aStart` of this one stand where the
   * other has `inserted` items at `bStart`. Equal subtrees are not read; nothing is for equal lists.
   */
  async *diff(other: List<T>): AsyncGenerator<Change> {
    if (!this.equals(other)) yield* diffTrees(this.tree, other.tree)
  }

  /**
   * This list with what `theirs` changed of `base` too. What both changed to the same is no conflict; about other runs
   * that both changed `resolve` says what to do, and without it the merge rejects with NOMSY_MERGE_CONFLICT.
   */
  merge(base: List<T>, theirs: List<T>, options: ListMergeOptions<T> = {}): Promise<List<T>> {
    const conflicts = new MergeConflicts()
    const merge = { base: base.tree, ours: this.tree, theirs: theirs.tree }
    const splices = conflicts.throwAfter(mergeSplices(merge, options, conflicts))
    return List.#write(this.context, (writer) => writeSpliced(writer, this.tree, splices))
  }

  /** The runs of items that both sides changed, and not to the same: what a merge would ask about. Nothing is written. */
  async *conflicts(base: List<T>, theirs: List<T>): AsyncGenerator<ListConflict<T>> {
    const found: ListConflict<T>[] = []
    const resolve = (each: ListConflict<T>): [] => {
      found.push(each)
      return []
    }
    const lists = { base: base.tree, ours: this.tree, theirs: theirs.tree }
    for await (const _ of mergeSplices(lists, { resolve }, new MergeConflicts())) yield* found.splice(0)
  }

  get #whole(): ListPart {
    return { tree: this.tree, start: 0, end: this.length }
  }

  #clamp(start = 0, end = this.length): ItemRange {
    const from = clampPosition(start, this.length)
    return { start: from, end: Math.max(from, clampPosition(end, this.length)) }
  }

  /** The list that `write` writes; its nodes are kept in memory too unless `target` is the store itself. */
  static #write<T extends Value>(
    context: CollectionContext,
    write: (writer: TreeWriter) => Promise<void>,
    target?: ChunkTarget,
  ): Promise<List<T>> {
    const { store, cache, params = COLLECTION_PARAMS } = context
    return store.writing(async () => {
      const reader = new NodeReader(store, LIST_FORMAT, cache)
      const writer = new TreeWriter(LIST_FORMAT, params, target ?? reader.target)
      await write(writer)
      const { ref } = await finishTree(reader, writer)
      return List.open(context, ref)
    })
  }
}
