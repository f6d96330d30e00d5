/** Entries as items of a directory: the encoded name, then the encoded record. SPEC "Directories". */

import { encodeItem, type ItemBatch } from '../collection/item-batch.js'
import { type ReadItem, readItem } from '../collection/read-item.js'
import { sameBytes } from '../encoding/byte-order.js'
import { InvalidNodeError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import type { Entry, EntryName, TopAttributes } from './entry.js'
import { entryOf, recordOf, topOf, topRecordOf } from './entry-codec.js'
import { whyNoName } from './entry-name.js'
import { pathText } from './tree-path.js'

/** Encoded nil: the key under which the top of a tree says what it is. */
const NIL_CODE = 0xc0

export type NamedEntry = readonly [name: EntryName, entry: Entry]

/** Adds an entry to a batch. Throws a TypeError or RangeError where the name or the entry cannot be stored. */
export function addEntry(batch: ItemBatch, name: EntryName, entry: Entry): void {
  const why = whyNoName(name)
  if (why !== undefined) throw new RangeError(`${JSON.stringify(String(name))} cannot be a name: ${why}`)
  const refuse = (why: string): never => {
    throw new TypeError(`${pathText(name)} cannot be stored: ${why}`)
  }
  batch.addEntry(name, recordOf(entry, refuse))
}

/** Adds what the top says of itself to a batch; it comes before all entries. */
export function addTop(batch: ItemBatch, top: TopAttributes): void {
  const refuse = (why: string): never => {
    throw new TypeError(`what a directory says of itself cannot be stored: ${why}`)
  }
  batch.addEntry(null, topRecordOf(top, refuse))
}

/** The bytes of an entry. Throws as {@link addEntry}. */
export function encodeEntry(name: EntryName, entry: Entry): Uint8Array {
  return encodeItem((batch) => addEntry(batch, name, entry))
}

/** The entry of an item that was encoded here. */
export function decodeEntry(item: Uint8Array): Entry {
  return readItem(item, (reader) => {
    reader.skip()
    return entryOf(reader.value(), (why) => {
      throw new TypeError(why)
    })
  })
}

/** Reads an item, which is no top's, of the directory `ref`. Throws NOMSY_INVALID_NODE where it is no entry. */
export function entryReader(ref: Ref): ReadItem<[EntryName, Entry]> {
  return (reader) => {
    const name = reader.value() as EntryName
    const refuse = (why: string): never => {
      throw new InvalidNodeError(ref.toString(), `the entry ${JSON.stringify(pathText(name))}: ${why}`)
    }
    return [name, entryOf(reader.value(), refuse)]
  }
}

/** Reads the item of a top, of the directory `ref`. Throws NOMSY_INVALID_NODE where it is none. */
export function topReader(ref: Ref): ReadItem<TopAttributes> {
  return (reader) => {
    reader.skip()
    return topOf(reader.value(), (why) => {
      throw new InvalidNodeError(ref.toString(), `what it says of itself: ${why}`)
    })
  }
}

/** Whether the item at `offset` is what the top of a tree says of itself. */
export function isTopItem(items: Uint8Array, offset: number): boolean {
  return items[offset] === NIL_CODE
}

/** Whether both say the same. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return sameBytes(encodeEntry('-', a), encodeEntry('-', b))
}
