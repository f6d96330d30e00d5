/**
 * Which items of one sequence were replaced by which of another. SPEC "Diff".
 *
 * The trees are compared from the top: equal refs are equal content, unread. At each level the children of what
 * differs above are lined up by their refs, and only those without a partner are opened. At the leaves the items
 * themselves are compared from both ends. The cost follows what differs, since equal subtrees are never opened.
 */

import { REF_BYTES, sameRef } from '../hash/ref.js'
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
  for (const run of [...pairRuns(a, b), { a: a.length, b: b.length, count: 0 }]) {
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

/** Compares the items of two runs of leaves from both ends. */
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
  if (removed + inserted > 0) {
    yield { aStart: a[0]!.start + head, removed, bStart: b[0]!.start + head, inserted }
  }
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
  const itemA = a.slice(indexA, indexA + 1)
  const itemB = b.slice(indexB, indexB + 1)
  return itemA.length === itemB.length && itemA.every((byte, index) => byte === itemB[index])
}

/** `count` entries from `a` on in the one run have the refs of those from `b` on in the other. */
interface PairRun {
  readonly a: number
  readonly b: number
  readonly count: number
}

/**
 * Lines up equal refs, in the manner of a patience diff: first what is equal at both ends; between them refs that
 * occur once on each side, the longest run of them that is in order on both; then equal neighbours of those.
 */
function pairRuns(a: readonly Entry[], b: readonly Entry[]): PairRun[] {
  let head = 0
  while (head < a.length && head < b.length && sameEntry(a[head]!, b[head]!)) head++
  let [endA, endB] = [a.length, b.length]
  while (endA > head && endB > head && sameEntry(a[endA - 1]!, b[endB - 1]!)) {
    endA--
    endB--
  }
  const runs: PairRun[] = head > 0 ? [{ a: 0, b: 0, count: head }] : []
  let [fromA, fromB] = [head, head]
  for (const [anchorA, anchorB] of inOrder(uniquePairs(a.slice(head, endA), b.slice(head, endB), head))) {
    if (anchorA < fromA || anchorB < fromB) continue
    let [startA, startB] = [anchorA, anchorB]
    while (startA > fromA && startB > fromB && sameEntry(a[startA - 1]!, b[startB - 1]!)) {
      startA--
      startB--
    }
    let count = anchorA + 1 - startA
    while (
      startA + count < endA &&
      startB + count < endB &&
      sameEntry(a[startA + count]!, b[startB + count]!)
    )
      count++
    runs.push({ a: startA, b: startB, count })
    fromA = startA + count
    fromB = startB + count
  }
  if (endA < a.length) runs.push({ a: endA, b: endB, count: a.length - endA })
  return runs
}

/** Indices of the entries whose ref occurs once in `a` and once in `b`, in the order of `a`. */
function uniquePairs(a: readonly Entry[], b: readonly Entry[], offset: number): [number, number][] {
  const placeInA = uniquePlaces(a)
  const placeInB = uniquePlaces(b)
  const pairs: [number, number][] = []
  for (const [key, indexA] of placeInA) {
    const indexB = placeInB.get(key)
    if (indexA >= 0 && indexB !== undefined && indexB >= 0) pairs.push([offset + indexA, offset + indexB])
  }
  return pairs
}

/** Index of each entry by its ref and level; -1 for those that occur more than once. */
function uniquePlaces(entries: readonly Entry[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [index, entry] of entries.entries()) {
    if (entry.parent === undefined) continue
    const key = `${entry.level} ${entry.parent.childRef(entry.index)}`
    places.set(key, places.has(key) ? -1 : index)
  }
  return places
}

/** The longest selection of `pairs`, which rise in their first number, that rises in the second too. */
function inOrder(pairs: readonly [number, number][]): [number, number][] {
  const lastOfLength: number[] = []
  const previous = new Int32Array(pairs.length)
  for (const [index, [, value]] of pairs.entries()) {
    let low = 0
    let high = lastOfLength.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (pairs[lastOfLength[middle]!]![1] < value) low = middle + 1
      else high = middle
    }
    previous[index] = low === 0 ? -1 : lastOfLength[low - 1]!
    lastOfLength[low] = index
  }
  const chosen: [number, number][] = []
  for (let index = lastOfLength.at(-1) ?? -1; index >= 0; index = previous[index]!) chosen.push(pairs[index]!)
  return chosen.reverse()
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
