/**
 * Lines up what two rows have in common, in the manner of a patience diff: first what is equal at both ends; between
 * them elements that occur once on each side, the longest run of them that is in order on both; then equal neighbours
 * of those.
 */

/** Elements to line up. Equal ones have equal keys; one without a key is equal to none. */
export interface Row {
  readonly length: number
  keyAt(index: number): string | undefined
}

/** `count` elements from `a` on in the one row are equal to those from `b` on in the other. */
export interface PairRun {
  readonly a: number
  readonly b: number
  readonly count: number
}

/** The runs of equal elements, in order. `isSame` compares an element of `a` with one of `b`. */
export function lineUp(a: Row, b: Row, isSame: (aIndex: number, bIndex: number) => boolean): PairRun[] {
  let head = 0
  while (head < a.length && head < b.length && isSame(head, head)) head++
  let [endA, endB] = [a.length, b.length]
  while (endA > head && endB > head && isSame(endA - 1, endB - 1)) {
    endA--
    endB--
  }
  const runs: PairRun[] = head > 0 ? [{ a: 0, b: 0, count: head }] : []
  let [fromA, fromB] = [head, head]
  for (const [anchorA, anchorB] of inOrder(uniquePairs(a, endA, b, endB, head))) {
    if (anchorA < fromA || anchorB < fromB) continue
    let [startA, startB] = [anchorA, anchorB]
    while (startA > fromA && startB > fromB && isSame(startA - 1, startB - 1)) {
      startA--
      startB--
    }
    let count = anchorA + 1 - startA
    while (startA + count < endA && startB + count < endB && isSame(startA + count, startB + count)) count++
    runs.push({ a: startA, b: startB, count })
    fromA = startA + count
    fromB = startB + count
  }
  if (endA < a.length) runs.push({ a: endA, b: endB, count: a.length - endA })
  return runs
}

/** Indices of the elements that occur once in each row, between `from` and its end, in the order of `a`. */
function uniquePairs(a: Row, endA: number, b: Row, endB: number, from: number): [number, number][] {
  const placeInA = uniquePlaces(a, from, endA)
  const placeInB = uniquePlaces(b, from, endB)
  const pairs: [number, number][] = []
  for (const [key, indexA] of placeInA) {
    const indexB = placeInB.get(key)
    if (indexA >= 0 && indexB !== undefined && indexB >= 0) pairs.push([indexA, indexB])
  }
  return pairs
}

/** Index of each element by its key; -1 for those that occur more than once. */
function uniquePlaces(row: Row, from: number, end: number): Map<string, number> {
  const places = new Map<string, number>()
  for (let index = from; index < end; index++) {
    const key = row.keyAt(index)
    if (key !== undefined) places.set(key, places.has(key) ? -1 : index)
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
