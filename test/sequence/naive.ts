/**
 * Boundaries and blobs as the format describes them and no faster: the hash is computed anew at every position, a
 * tree is built level by level in memory. Shares no code with src, so that the two can be held against each other.
 */

import { createHash } from 'node:crypto'

export interface NaiveRule {
  readonly unitBytes: number
  readonly windowUnits: number
  readonly ones: number
  readonly minUnits: number
  readonly maxUnits: number
}

export const NAIVE_BLOB_LEAF: NaiveRule = {
  unitBytes: 1,
  windowUnits: 64,
  ones: 13,
  minUnits: 2048,
  maxUnits: 65536,
}
export const NAIVE_META: NaiveRule = { unitBytes: 20, windowUnits: 8, ones: 8, minUnits: 16, maxUnits: 2048 }

const T = Array.from({ length: 256 }, (_, i) =>
  createHash('sha256').update(`nomsy/buzhash/${i}`).digest().readUInt32BE(0),
)

/** The hash of the window `bytes`, from nothing. */
export function naiveHash(bytes: Uint8Array): number {
  let hash = 0
  for (const byte of bytes) hash = ((hash << 1) | (hash >>> 31)) ^ T[byte]!
  return hash >>> 0
}

/**
 * Ends of the chunks of `bytes`, the last one included. An item, whose ends are `itemEnds`, is never cut; without
 * them each unit is an item.
 */
export function naiveCuts(bytes: Uint8Array, rule: NaiveRule, itemEnds?: readonly number[]): number[] {
  const { unitBytes, windowUnits, ones, minUnits, maxUnits } = rule
  const cuts: number[] = []
  let start = 0
  for (let end = unitBytes; end <= bytes.length; end += unitBytes) {
    const units = (end - start) / unitBytes
    if (units < minUnits) continue
    const hash = naiveHash(bytes.subarray(end - windowUnits * unitBytes, end))
    if (hash % 2 ** ones !== 2 ** ones - 1 && units < maxUnits) continue
    start = itemEnds === undefined ? end : itemEnds.find((itemEnd) => itemEnd >= end)!
    cuts.push(start)
    end = start
  }
  if (start < bytes.length) cuts.push(bytes.length)
  return cuts
}

/** Ref of the blob of `bytes`, as text, and its nodes on each level, leaves first. */
export function naiveBlob(
  bytes: Uint8Array,
  leafRule = NAIVE_BLOB_LEAF,
  metaRule = NAIVE_META,
): { ref: string; nodesPerLevel: number[] } {
  let nodes = split(bytes, naiveCuts(bytes, leafRule)).map((leaf) => ({
    ref: naiveRef(Buffer.concat([sized(0xc4, leaf.length), leaf])),
    length: leaf.length,
  }))
  if (nodes.length === 0) nodes = [{ ref: naiveRef(Buffer.of(0xc4, 0)), length: 0 }]
  const nodesPerLevel = [nodes.length]
  for (let level = 1; nodes.length > 1; level++) {
    const refs = Buffer.concat(nodes.map(({ ref }) => ref))
    let first = 0
    nodes = split(refs, naiveCuts(refs, metaRule)).map((part) => {
      const children = nodes.slice(first, (first += part.length / 20))
      const chunk = Buffer.concat([
        Buffer.of(0x94, 0xa4),
        Buffer.from('blob'),
        uint(level),
        sized(0xc7, part.length),
        Buffer.of(1),
        part,
        children.length < 16 ? Buffer.of(0x90 + children.length) : sized(0xdb, children.length, 2),
        ...children.map(({ length }) => uint(length)),
      ])
      return { ref: naiveRef(chunk), length: children.reduce((sum, { length }) => sum + length, 0) }
    })
    nodesPerLevel.push(nodes.length)
  }
  return { ref: base32hex(nodes[0]!.ref), nodesPerLevel }
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  return cuts.map((end, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1]!, end))
}

function naiveRef(chunk: Uint8Array): Buffer {
  return createHash('sha256').update(chunk).digest().subarray(0, 20)
}

function base32hex(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return bits.replace(/.{5}/g, (digit) => Number.parseInt(digit, 2).toString(32))
}

/** A header with a length in 1, 2 or 4 bytes, of `least` bytes at least; `first` is the code of 1 byte. */
function sized(first: number, length: number, least = 1): Buffer {
  const width = Math.max(least, length < 0x100 ? 1 : length < 0x10000 ? 2 : 4)
  const header = Buffer.alloc(1 + width)
  header[0] = first + Math.log2(width)
  header.writeUIntBE(length, 1, width)
  return header
}

function uint(value: number): Buffer {
  if (value < 0x80) return Buffer.of(value)
  if (value <= 0xffffffff) return sized(0xcc, value)
  const wide = Buffer.alloc(9, 0xcf)
  wide.writeBigUInt64BE(BigInt(value), 1)
  return wide
}
