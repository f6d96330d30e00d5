/**
 * Which items of one sequence were replaced by which of another. SPEC "Diff".
 *
 * The trees are compared from the top: equal refs are equal content, unread. At each level the children of what
 * differs above are lined up by their refs, and only those without a partner are opened. At the leaves the items
 * themselves are compared. The cost follows what differs, since equal subtrees are never opened.
 */

import { sameBytes } from '../encoding/byte-order.js'
import { REF_BYTES, refKey, sameRef } from '../hash/ref.js'
import { sha256 } from '../hash/sha256.js'
import { lineUp, type Row } from './line-up.js'
import type { Leaf, MetaNode, Node } from './node.js'
import type { NodeReader, Tree } from './node-reader.js'

/** `removed` items at `aStart` of the one sequence stand where the other has `inserted` items at `bStart`. */
export interface Change {
  readonly aStart: number
  readonly removed: number
  readonly bStart: number
  readonly inserted: number
}

/**
 * Children lined up at once. Regions that differ in more than this are lined up piece by piece, which bounds
 * memory; a shift inside such a region that is longer than a piece shows as replaced.
 */
const WINDOW_CHILDREN = 1 << 16

/** Items of both sides that are lined up at once; a region of leaves that differs in more shows as replaced. */
const MAX_LINED_UP_ITEMS = 8192

/** A node not opened yet: its parent and its place in it. The root has no parent. */
interface Entry {
  readonly parent: MetaNode | undefined
  readonly index: number
  readonly node: Node | undefined
  readonly level: number
  readonly start: number
  readonly length: number
}

/** The changes that turn the items of `a` into those of `b`, in order, none touching the next. */
export async function* diffTrees(a: Tree, b: Tree): AsyncGenerator<Change> {
  let held: Change | undefined
  for await (const change of diffEntries(
    { a: a.reader, b: b.reader },
    [rootEntry(a.root)],
    [rootEntry(b.root)],
    0,
    0,
  )) {
    if (held === undefined || !touches(held, change)) {
      if (held !== undefined) yield held
      held = change
    } else {
      held = { ...held, removed: held.removed + change.removed, inserted: held.inserted + change.inserted }
    }
  }
  if (held !== undefined) yield held
}

function rootEntry(node: Node): Entry {
  return { parent: undefined, index: 0, node, level: node.level, start: 0, length: node.length }
}

function touches(change: Change, next: Change): boolean {
  return change.aStart + change.removed === next.aStart && change.bStart + change.inserted === next.bStart
}

interface Readers {
  readonly a: NodeReader
  readonly b: NodeReader
}

/** Compares two runs of neighbouring entries that begin at `aStart` and `bStart`. */
async function* diffEntries(
  readers: Readers,
  a: readonly Entry[],
  b: readonly Entry[],
  aStart: number,
  bStart: number,
): AsyncGenerator<Change> {
  if (a.length === 0 || b.length === 0) {
    const removed = total(a)
    const inserted = total(b)
    if (removed + inserted > 0) yield { aStart, removed, bStart, inserted }
    return
  }
  const level = Math.max(a[0]!.level, b[0]!.level)
  if (level === 0) {
    yield* diffLeaves(readers, a, b)
    return
  }
  let [atA, atB] = [aStart, bStart]
  for (const [partA, partB] of windows(a, b)) {
    const childrenA = await openAt(readers.a, partA, level)
    const childrenB = await openAt(readers.b, partB, level)
    yield* diffChildren(readers, childrenA, childrenB, atA, atB)
    atA = endOf(partA, atA)
    atB = endOf(partB, atB)
  }
}

/** Lines up two runs of children and compares what lies between the pairs. */
async function* diffChildren(
  readers: Readers,
  a: readonly Entry[],
  b: readonly Entry[],
  aStart: number,
  bStart: number,
): AsyncGenerator<Change> {
  let fromA = 0
  let fromB = 0
  let atA = aStart
  let atB = bStart
  const isSame = (indexA: number, indexB: number): boolean => sameEntry(a[indexA]!, b[indexB]!)
  for (const run of [...lineUp(rowOf(a), rowOf(b), isSame), { a: a.length, b: b.length, count: 0 }]) {
    yield* diffEntries(readers, a.slice(fromA, run.a), b.slice(fromB, run.b), atA, atB)
    fromA = run.a + run.count
    fromB = run.b + run.count
    if (run.count > 0) {
      atA = endOf(a.slice(run.a, fromA), 0)
      atB = endOf(b.slice(run.b, fromB), 0)
    }
  }
}

/** The children of those entries that stand at `level`; entries below it, of a lower tree, as they are. */
async function openAt(reader: NodeReader, entries: readonly Entry[], level: number): Promise<Entry[]> {
  const opened: Entry[] = []
  for (const entry of entries) {
    if (entry.level < level) {
      opened.push(entry)
      continue
    }
    const node = (entry.node ?? (await reader.child(entry.parent!, entry.index))) as MetaNode
    for (let index = 0; index < node.childCount; index++) {
      const start = entry.start + node.childStart(index)
      opened.push({
        parent: node,
        index,
        node: undefined,
        level: level - 1,
        start,
        length: node.childLength(index),
      })
    }
  }
  return opened
}

/** Compares the items of two runs of leaves: from both ends, then what is left, if it is little, item by item. */
async function* diffLeaves(
  readers: Readers,
  a: readonly Entry[],
  b: readonly Entry[],
): AsyncGenerator<Change> {
  const lengthA = total(a)
  const lengthB = total(b)
  const limit = Math.min(lengthA, lengthB)
  const head = await equalItems(readers, a, b, limit, 'forward')
  const tail = await equalItems(readers, [...a].reverse(), [...b].reverse(), limit - head, 'backward')
  const removed = lengthA - head - tail
  const inserted = lengthB - head - tail
  if (removed + inserted === 0) return
  const change = { aStart: a[0]!.start + head, removed, bStart: b[0]!.start + head, inserted }
  const itemsAreBytes = readers.a.format.encodeLeaves !== undefined
  if (removed === 0 || inserted === 0 || removed + inserted > MAX_LINED_UP_ITEMS || itemsAreBytes)
    yield change
  else
    yield* diffItems(
      await itemsFrom(readers.a, a, head, removed),
      await itemsFrom(readers.b, b, head, inserted),
      change,
    )
}

/** Lines up the items `a` and `b` of a change. */
function* diffItems(a: readonly Uint8Array[], b: readonly Uint8Array[], change: Change): Generator<Change> {
  const rowOf = (items: readonly Uint8Array[]): Row => ({
    length: items.length,
    keyAt: (index) => refKey(sha256(items[index]!)),
  })
  const isSame = (indexA: number, indexB: number): boolean => sameBytes(a[indexA]!, b[indexB]!)
  let [fromA, fromB] = [0, 0]
  for (const run of [...lineUp(rowOf(a), rowOf(b), isSame), { a: a.length, b: b.length, count: 0 }]) {
    const removed = run.a - fromA
    const inserted = run.b - fromB
    if (removed + inserted > 0)
      yield { aStart: change.aStart + fromA, removed, bStart: change.bStart + fromB, inserted }
    fromA = run.a + run.count
    fromB = run.b + run.count
  }
}

/** `count` encoded items from `start` on of a run of leaves. */
async function itemsFrom(
  reader: NodeReader,
  leaves: readonly Entry[],
  start: number,
  count: number,
): Promise<Uint8Array[]> {
  const items: Uint8Array[] = []
  let passed = 0
  for (const entry of leaves) {
    const leaf = await leafOf(reader, entry)
    const from = Math.max(start - passed, 0)
    const to = Math.min(start + count - passed, leaf.length)
    for (let index = from; index < to; index++) items.push(leaf.slice(index, index + 1))
    passed += leaf.length
  }
  return items
}

/** How many items, `limit` at most, are equal at the beginning (or, backward, at the end) of two runs. */
async function equalItems(
  readers: Readers,
  a: readonly Entry[],
  b: readonly Entry[],
  limit: number,
  direction: 'forward' | 'backward',
): Promise<number> {
  let equal = 0
  let [indexA, indexB, usedA, usedB] = [0, 0, 0, 0]
  while (equal < limit) {
    const leafA = await leafOf(readers.a, a[indexA]!)
    const leafB = await leafOf(readers.b, b[indexB]!)
    const count = Math.min(leafA.length - usedA, leafB.length - usedB, limit - equal)
    for (let step = 0; step < count; step++) {
      const itemA = direction === 'forward' ? usedA + step : leafA.length - 1 - usedA - step
      const itemB = direction === 'forward' ? usedB + step : leafB.length - 1 - usedB - step
      if (!sameItem(leafA, itemA, leafB, itemB)) return equal + step
    }
    equal += count
    usedA += count
    usedB += count
    if (usedA === leafA.length) [indexA, usedA] = [indexA + 1, 0]
    if (usedB === leafB.length) [indexB, usedB] = [indexB + 1, 0]
  }
  return equal
}

async function leafOf(reader: NodeReader, entry: Entry): Promise<Leaf> {
  return (entry.node ?? (await reader.child(entry.parent!, entry.index))) as Leaf
}

function sameItem(a: Leaf, indexA: number, b: Leaf, indexB: number): boolean {
  if (a.ends === undefined) return a.items[indexA] === b.items[indexB]
  return sameBytes(a.slice(indexA, indexA + 1), b.slice(indexB, indexB + 1))
}

/** The row of some entries, for {@link lineUp}. A root has no key: it stands for all of a tree. */
function rowOf(entries: readonly Entry[]): Row {
  return {
    length: entries.length,
    keyAt: (index) => {
      const { parent, index: place, level } = entries[index]!
      return parent && `${level} ${refKey(parent.refs.bytes, place * REF_BYTES)}`
    },
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a.level !== b.level || a.parent === undefined || b.parent === undefined) return false
  return sameRef(a.parent.refs.bytes, a.index * REF_BYTES, b.parent.refs.bytes, b.index * REF_BYTES)
}

/** Both runs cut into pieces, side by side, of which each has at most {@link WINDOW_CHILDREN} children or so. */
function* windows(a: readonly Entry[], b: readonly Entry[]): Generator<[readonly Entry[], readonly Entry[]]> {
  const perEntry = 256
  const count = Math.ceil((Math.max(a.length, b.length) * perEntry) / WINDOW_CHILDREN)
  for (let window = 0; window < count; window++) {
    const cut = (entries: readonly Entry[], at: number): number => Math.floor((entries.length * at) / count)
    yield [a.slice(cut(a, window), cut(a, window + 1)), b.slice(cut(b, window), cut(b, window + 1))]
  }
}

function total(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.length, 0)
}

/** Where a run of neighbouring entries ends; `fallback` where it is empty. */
function endOf(entries: readonly Entry[], fallback: number): number {
  const last = entries[entries.length - 1]
  return last === undefined ? fallback : last.start + last.length
}
