/**
 * Writes one directory, entry by entry in the order of names. What entries refer to is to be stored first, so that
 * trees are written from below. Memory does not grow with the number of entries.
 */

import { COLLECTION_PARAMS } from '../collection/collection-format.js'
import { ItemBatch } from '../collection/item-batch.js'
import { requireRefs } from '../collection/required-refs.js'
import type { ChunkTarget } from '../sequence/chunk-sink.js'
import type { TreeParams } from '../sequence/format.js'
import { type Root, TreeWriter } from '../sequence/tree-writer.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { DIR_FORMAT } from './dir-format.js'
import type { Entry, EntryName, TopAttributes } from './entry.js'
import { addEntry, addTop } from './entry-item.js'
import { pathText } from './tree-path.js'

/** First memory for entries: most directories are small. */
const BATCH_BYTES = 4096

export interface DirectoryTarget {
  /** Where chunks go. */
  readonly target: ChunkTarget
  /** The store that must hold what entries refer to. Left out, the caller knows that it is there. */
  readonly requires?: Pick<ChunkStore, 'hasMany'> | undefined
  readonly params?: TreeParams | undefined
}

export class DirectoryWriter {
  readonly #requires: Pick<ChunkStore, 'hasMany'> | undefined
  readonly #writer: TreeWriter
  readonly #batch = new ItemBatch(BATCH_BYTES)
  /** The last key that has gone into the tree. */
  #lastKey: Uint8Array | undefined

  /** `top`: what the directory says of itself, where it is the top of a tree. */
  constructor({ target, requires, params = COLLECTION_PARAMS }: DirectoryTarget, top?: TopAttributes) {
    this.#requires = requires
    this.#writer = new TreeWriter(DIR_FORMAT, params, target)
    if (top !== undefined) addTop(this.#batch, top)
  }

  /**
   * Adds an entry, whose name comes after those before. Throws a TypeError or RangeError where it does not, or the
   * entry cannot be stored.
   */
  add(name: EntryName, entry: Entry): void {
    addEntry(this.#batch, name, entry)
    if (!this.#batch.isRising(this.#lastKey))
      throw new RangeError(`${pathText(name)} comes again, or too late: names must rise`)
  }

  /** Whether it is time to {@link drain}. */
  get isFull(): boolean {
    return this.#batch.isFull
  }

  /** Hands on what was added. Rejects with NOMSY_MISSING_CHUNK where it refers to what is not there. */
  async drain(): Promise<void> {
    const { items, ends } = this.#batch
    if (ends.length === 0) return
    if (this.#requires !== undefined) await requireRefs(this.#requires, [items])
    this.#writer.pushItems(items, ends)
    this.#lastKey = this.#batch.lastKey()
    this.#batch.clear()
    await this.#writer.drain()
  }

  /** The directory. Rejects as {@link drain}. */
  async finish(): Promise<Root> {
    await this.drain()
    return this.#writer.finish()
  }
}

/** Writes the directory of `entries`, whose names rise; see {@link DirectoryWriter}. */
export async function writeDirectory(
  entries: Iterable<readonly [EntryName, Entry]> | AsyncIterable<readonly [EntryName, Entry]>,
  target: DirectoryTarget,
  top?: TopAttributes,
): Promise<Root> {
  const writer = new DirectoryWriter(target, top)
  const isAsync = Symbol.asyncIterator in entries
  if (isAsync) {
    for await (const [name, entry] of entries) {
      writer.add(name, entry)
      if (writer.isFull) await writer.drain()
    }
  } else {
    for (const [name, entry] of entries) {
      writer.add(name, entry)
      if (writer.isFull) await writer.drain()
    }
  }
  return writer.finish()
}
