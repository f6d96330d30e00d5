/**
 * Lists, sets and maps as sequences of encoded items. SPEC "Collections".
 *
 *     list  ["list", 0, [v, v, ...]]        an item is a value
 *     set   ["set", 0, [k, k, ...]]         an item is a key
 *     map   ["map", 0, [k, v, k, v, ...]]   an item is a key and a value
 *
 * Directories are of this form too (tree/dir-format.ts).
 */

import { Reader } from '../encoding/decode.js'
import { Writer } from '../encoding/encode.js'
import { ITEM_RULES } from '../encoding/value.js'
import { EncodingError } from '../errors.js'
import { type KeyOrder, META_BOUNDARY, type SequenceFormat, type TreeParams } from '../sequence/format.js'
import { Leaf } from '../sequence/node.js'
import { readItems } from '../sequence/node-codec.js'
import { KEY_ORDER } from './key-order.js'

/** SPEC "Boundaries", the row of the collections' leaves. */
export const COLLECTION_PARAMS: TreeParams = {
  leaf: { unitBytes: 1, windowUnits: 64, ones: 12, minUnits: 1024, maxUnits: 16384 },
  meta: META_BOUNDARY,
}

/** First byte of a leaf, an array of 3; meta nodes have 4 or 5 elements. */
const LEAF_CODE = 0x93

export const LIST_FORMAT: SequenceFormat = collectionFormat('list', 1)
export const SET_FORMAT: SequenceFormat = { ...collectionFormat('set', 1, KEY_ORDER), keys: KEY_ORDER }
export const MAP_FORMAT: SequenceFormat = pairFormat('map', KEY_ORDER)

/** Pairs of a key and a value, ordered by keys as `order` has it. */
export function pairFormat(kind: string, order: KeyOrder): SequenceFormat {
  return { ...collectionFormat(kind, 2, order), keys: order }
}

function collectionFormat(kind: string, valuesPerItem: number, order?: KeyOrder): SequenceFormat {
  return {
    kind,
    isLeaf: (chunk) => chunk[0] === LEAF_CODE,

    encodeLeaf(items, count) {
      const header = new Writer(16)
      header.arrayHeader(3)
      header.string(kind)
      header.number(0)
      header.arrayHeader(count * valuesPerItem)
      const chunk = new Uint8Array(header.length + items.length)
      chunk.set(header.bytes())
      chunk.set(items, header.length)
      return chunk
    },

    decodeLeaf(chunk) {
      const reader = new Reader(chunk, { rules: ITEM_RULES })
      reader.arrayHeader()
      const kindFound = reader.string()
      if (kindFound !== kind) throw new EncodingError(`a '${kindFound}' leaf instead of a '${kind}' leaf`, 1)
      const level = reader.uint()
      if (level !== 0) throw new EncodingError(`a leaf of level ${level}`, reader.offset)
      const count = reader.arrayHeader() / valuesPerItem
      if (!Number.isInteger(count)) throw new EncodingError('a key without a value', reader.offset)
      const { items, ends } = readItems(reader, chunk, count, order, valuesPerItem)
      reader.end()
      return new Leaf(items, ends)
    },
  }
}
