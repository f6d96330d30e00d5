/** Lists, sets and maps as formats of sequences, in the plainest way: what the tree code is to serve unchanged. */

import { decode, Reader } from '../../src/encoding/decode.js'
import { encode, Writer } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { EncodingError } from '../../src/errors.js'
import {
  type KeyOrder,
  META_BOUNDARY,
  type SequenceFormat,
  type TreeParams,
} from '../../src/sequence/format.js'
import { Leaf } from '../../src/sequence/node.js'

export const COLLECTION_PARAMS: TreeParams = {
  leaf: { unitBytes: 1, windowUnits: 64, ones: 12, minUnits: 1024, maxUnits: 16384 },
  meta: META_BOUNDARY,
}

export const LIST_FORMAT = itemFormat('list', 1)
export const SET_FORMAT: SequenceFormat = { ...itemFormat('set', 1), keys: keyOrder() }
export const MAP_FORMAT: SequenceFormat = { ...itemFormat('map', 2), keys: keyOrder() }

/** One item: of a list or set its value, of a map its key and value. */
export function itemOf(...values: Value[]): Uint8Array {
  return Buffer.concat(values.map(encode))
}

/** The encoded items of `leaf`. */
export function itemsOf(leaf: Leaf): Uint8Array[] {
  return Array.from({ length: leaf.length }, (_, index) => leaf.slice(index, index + 1))
}

/** The order of keys that are all strings, or all numbers. */
function keyOrder(): KeyOrder {
  const end = (bytes: Uint8Array, offset: number): number => {
    const reader = new Reader(bytes)
    reader.seek(offset)
    reader.value()
    return reader.offset
  }
  const keyAt = (bytes: Uint8Array, offset: number): number | Buffer => {
    const key = decode(bytes.subarray(offset, end(bytes, offset)))
    return typeof key === 'number' ? key : Buffer.from(key as string)
  }
  return {
    end,
    compare(a, aOffset, b, bOffset) {
      const aKey = keyAt(a, aOffset)
      const bKey = keyAt(b, bOffset)
      if (typeof aKey === 'number' || typeof bKey === 'number') return Number(aKey) - Number(bKey)
      return Buffer.compare(aKey, bKey)
    },
  }
}

/** Leaves are `[kind, 0, [values]]`, `valuesPerItem` of them for each item. */
function itemFormat(kind: string, valuesPerItem: number): SequenceFormat {
  return {
    kind,
    // Meta nodes have four or five fields.
    isLeaf: (chunk) => chunk[0] === 0x93,

    encodeLeaf(items, count) {
      const writer = new Writer()
      writer.arrayHeader(3)
      writer.string(kind)
      writer.number(0)
      writer.arrayHeader(count * valuesPerItem)
      writer.raw(items)
      return writer.bytes()
    },

    decodeLeaf(chunk) {
      const reader = new Reader(chunk)
      reader.arrayHeader()
      if (reader.string() !== kind) throw new EncodingError(`a leaf that is no ${kind}'s`, 1)
      if (reader.uint() !== 0) throw new EncodingError('a leaf above level 0', reader.offset)
      const values = reader.arrayHeader()
      if (values % valuesPerItem !== 0) throw new EncodingError('half an item', reader.offset)
      const first = reader.offset
      const ends = Uint32Array.from({ length: values / valuesPerItem }, () => {
        for (let value = 0; value < valuesPerItem; value++) reader.value()
        return reader.offset - first
      })
      reader.end()
      return new Leaf(chunk.subarray(first), ends)
    },
  }
}
