/**
 * The bytes of nodes. A leaf's are its kind's business; a meta node's are
 *
 *     [kind, level, refs, lengths]            lengths: items under each child (bytes, in a blob)
 *     [kind, level, refs, lengths, lastKeys]  in kinds ordered by keys
 *
 * SPEC "Nodes".
 */

import { Reader } from '../encoding/decode.js'
import { Writer } from '../encoding/encode.js'
import { ITEM_RULES } from '../encoding/value.js'
import { EncodingError } from '../errors.js'
import { type KeyOrder, MAX_ITEM_BYTES, MAX_KEY_BYTES, type SequenceFormat } from './format.js'
import { type EncodedItems, MetaNode, type Node } from './node.js'

/** Levels above this are refused: with 2 children a node it would take more than 2^53 items to need them. */
const MAX_LEVEL = 53

/** Most children of a meta node: the largest `maxUnits` of any kind's rule. */
export const MAX_CHILDREN = 2048

/** Keys `from` to `to` of those that lie one after the other in `items`, each up to one of `ends`. */
export interface KeyRun {
  readonly items: Uint8Array
  readonly ends: ArrayLike<number>
  readonly from: number
  readonly to: number
}

/** Meta nodes are written here one after the other, and copied. */
const META_WRITER = new Writer(64 * 1024)

/** The chunk of a meta node. `refs` are the children's refs one after the other; `lastKeys` are in runs. */
export function encodeMeta(
  kind: string,
  level: number,
  refs: Uint8Array,
  lengths: readonly number[],
  lastKeys?: readonly KeyRun[],
): Uint8Array {
  const writer = META_WRITER
  writer.clear()
  writer.arrayHeader(lastKeys === undefined ? 4 : 5)
  writer.string(kind)
  writer.number(level)
  writer.refs(refs)
  writer.arrayHeader(lengths.length)
  for (const length of lengths) writer.number(length)
  if (lastKeys !== undefined) {
    writer.arrayHeader(lengths.length)
    for (const { items, ends, from, to } of lastKeys) {
      writer.raw(items.subarray(from === 0 ? 0 : ends[from - 1]!, ends[to - 1]!))
    }
  }
  return writer.copy()
}

/** The node in `chunk`, a view of it; throws an EncodingError where it is none of this kind. */
export function decodeNode(format: SequenceFormat, chunk: Uint8Array): Node {
  return format.isLeaf(chunk) ? format.decodeLeaf(chunk) : decodeMeta(format, chunk)
}

function decodeMeta(format: SequenceFormat, chunk: Uint8Array): MetaNode {
  const reader = new Reader(chunk, { rules: ITEM_RULES })
  const fields = reader.arrayHeader()
  if (fields !== (format.keys === undefined ? 4 : 5)) throw new EncodingError(`a node of ${fields} fields`, 0)
  const kind = reader.string()
  if (kind !== format.kind) throw new EncodingError(`a '${kind}' node instead of a '${format.kind}' node`, 1)
  const level = reader.uint()
  if (level < 1 || level > MAX_LEVEL) throw new EncodingError(`a meta node of level ${level}`, reader.offset)
  const refs = reader.refs()
  const count = reader.arrayHeader()
  if (count !== refs.length)
    throw new EncodingError(`${refs.length} refs with ${count} lengths`, reader.offset)
  if (count < 1 || count > MAX_CHILDREN) throw new EncodingError(`a node of ${count} children`, reader.offset)
  const ends = new Float64Array(count)
  let end = 0
  for (let index = 0; index < count; index++) {
    const length = reader.uint()
    end += length
    if (length === 0 || !Number.isSafeInteger(end))
      throw new EncodingError('an impossible length', reader.offset)
    ends[index] = end
  }
  const lastKeys = format.keys && readLastKeys(reader, chunk, count, format.keys)
  reader.end()
  return new MetaNode(level, refs, ends, lastKeys)
}

function readLastKeys(reader: Reader, chunk: Uint8Array, count: number, order: KeyOrder): EncodedItems {
  const keyCount = reader.arrayHeader()
  if (keyCount !== count) throw new EncodingError(`${count} refs with ${keyCount} keys`, reader.offset)
  return readItems(reader, chunk, count, order)
}

/**
 * The `count` items that follow in `chunk`, as a view of it: each is `valuesPerItem` values. In kinds ordered by keys
 * the first one is the item's key, and keys rise strictly.
 */
export function readItems(
  reader: Reader,
  chunk: Uint8Array,
  count: number,
  order: KeyOrder | undefined,
  valuesPerItem = 1,
): EncodedItems {
  const first = reader.offset
  const ends = new Uint32Array(count)
  let last = first
  for (let index = 0; index < count; index++) {
    const start = reader.offset
    for (let value = 0; value < valuesPerItem; value++) reader.skip()
    if (reader.offset - start > MAX_ITEM_BYTES) throw new EncodingError('too large an item', start)
    if (order !== undefined) {
      if (order.end(chunk, start) - start > MAX_KEY_BYTES) throw new EncodingError('too long a key', start)
      if (index > 0 && order.compare(chunk, last, chunk, start) >= 0)
        throw new EncodingError('a key out of order', start)
    }
    last = start
    ends[index] = reader.offset - first
  }
  return { items: chunk.subarray(first, reader.offset), ends, heads: undefined }
}
