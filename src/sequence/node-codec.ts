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
import { REF_BYTES } from '../hash/ref.js'
import { RefList } from '../hash/ref-list.js'
import { type KeyOrder, MAX_ITEM_BYTES, MAX_KEY_BYTES, type SequenceFormat } from './format.js'
import { type EncodedItems, type KeptNode, MetaNode, type Node } from './node.js'

/** Levels above this are refused: with 2 children a node it would take more than 2^53 items to need them. */
const MAX_LEVEL = 53

/** Most children of a meta node: the largest `maxUnits` of any kind's rule. */
export const MAX_CHILDREN = 2048

/** What a node says of its children beside their refs: a meta node is one of these. */
export interface ChildList {
  /** Items under the children up to and including each. */
  readonly ends: ArrayLike<number>
  /** Last key under each child, in kinds ordered by keys. */
  readonly lastKeys: { readonly items: Uint8Array; readonly ends: ArrayLike<number> } | undefined
  /** As in {@link MetaNode}, where it is known. */
  readonly checked?: Uint8Array
  readonly kept?: readonly (KeptNode | undefined)[]
}

/** Those from `from` to `to` of some children. */
export interface ChildRun {
  readonly children: ChildList
  readonly from: number
  readonly to: number
}

/** Meta nodes are written here one after the other, and copied. */
const META_WRITER = new Writer(64 * 1024)

/** A meta node and its chunk, of which it is a view. `refs` are the children's refs one after the other. */
export function makeMeta(
  kind: string,
  level: number,
  refs: Uint8Array,
  runs: readonly ChildRun[],
): { readonly chunk: Uint8Array; readonly node: MetaNode } {
  const count = refs.length / REF_BYTES
  const isKeyed = runs[0]!.children.lastKeys !== undefined
  const writer = META_WRITER
  writer.clear()
  writer.arrayHeader(isKeyed ? 5 : 4)
  writer.string(kind)
  writer.number(level)
  writer.refs(refs)
  const refsEnd = writer.length
  writer.arrayHeader(count)
  const ends = writeLengths(writer, runs, count)
  if (isKeyed) writer.arrayHeader(count)
  const keysStart = writer.length
  const keyEnds = isKeyed ? writeLastKeys(writer, runs, count) : undefined
  const chunk = writer.copy()
  const lastKeys = keyEnds && { items: chunk.subarray(keysStart), ends: keyEnds, heads: undefined }
  const refList = new RefList(chunk.subarray(refsEnd - refs.length, refsEnd))
  const node = new MetaNode(level, refList, ends, lastKeys)
  copyKept(node, runs)
  return { chunk, node }
}

/** What is known of children stays known, but for the first of each run, which may have got another neighbour. */
function copyKept(node: MetaNode, runs: readonly ChildRun[]): void {
  let first = 0
  for (const { children, from, to } of runs) {
    const { checked = [], kept = [] } = children
    for (let index = from + 1; index < to; index++) {
      const at = first + index - from
      node.checked[at] = checked[index]!
      node.kept[at] = kept[index]
    }
    first += to - from
  }
}

function writeLengths(writer: Writer, runs: readonly ChildRun[], count: number): Float64Array {
  const ends = new Float64Array(count)
  let at = 0
  let end = 0
  for (const { children, from, to } of runs) {
    let start = startOf(children.ends, from)
    for (let index = from; index < to; index++) {
      const length = children.ends[index]! - start
      start += length
      end += length
      writer.number(length)
      ends[at++] = end
    }
  }
  if (!Number.isSafeInteger(end)) throw new RangeError('no value may have more than 2^53-1 bytes or items')
  return ends
}

function writeLastKeys(writer: Writer, runs: readonly ChildRun[], count: number): Uint32Array {
  const keyEnds = new Uint32Array(count)
  const first = writer.length
  let at = 0
  for (const { children, from, to } of runs) {
    const { items, ends } = children.lastKeys!
    const start = startOf(ends, from)
    const shift = writer.length - first - start
    writer.raw(items.subarray(start, ends[to - 1]!))
    for (let index = from; index < to; index++) keyEnds[at++] = ends[index]! + shift
  }
  return keyEnds
}

function startOf(ends: ArrayLike<number>, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!
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
