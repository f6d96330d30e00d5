/** Parts of a set or map by key: ranges in the manner of Level's. */

import { type LeafRun, leafRuns } from '../sequence/leaves.js'
import type { Tree } from '../sequence/node-reader.js'
import { checkIndex } from '../sequence/position.js'
import { encodeKey } from './item-batch.js'
import { findKey } from './key-search.js'
import type { Input, Key } from './value.js'

export interface KeyRange<K extends Key> {
  /** Only keys after this one. */
  readonly gt?: Input<K> | undefined
  /** Only this key and those after it. */
  readonly gte?: Input<K> | undefined
  /** Only keys before this one. */
  readonly lt?: Input<K> | undefined
  /** Only this key and those before it. */
  readonly lte?: Input<K> | undefined
  /** From the greatest key to the least. */
  readonly reverse?: boolean | undefined
  /** At most so many, in that direction. */
  readonly limit?: number | undefined
}

/** A bound of a range: positions before the place of `key`, and of the key itself if `isPast` is set, are below it. */
interface Bound {
  readonly key: Uint8Array
  readonly isPast: boolean
}

/** The leaves of a range. What is wrong with the range throws at once; what is in it is looked up when asked for. */
export function runsInRange<K extends Key>(tree: Tree, range: KeyRange<K>): AsyncGenerator<LeafRun> {
  const { reverse = false, limit = Number.MAX_SAFE_INTEGER } = range
  checkIndex('limit', limit, Number.MAX_SAFE_INTEGER)
  const lower = [...boundOf(range.gt, true), ...boundOf(range.gte, false)]
  const upper = [...boundOf(range.lt, false), ...boundOf(range.lte, true)]

  async function* runs(): AsyncGenerator<LeafRun> {
    let start = Math.max(0, ...(await positionsOf(tree, lower)))
    let end = Math.min(tree.root.length, ...(await positionsOf(tree, upper)))
    if (reverse) start = Math.max(start, end - limit)
    else end = Math.min(end, start + limit)
    yield* leafRuns(tree, start, end, reverse)
  }
  return runs()
}

function boundOf(key: unknown, isPast: boolean): Bound[] {
  return key === undefined ? [] : [{ key: encodeKey(key), isPast }]
}

function positionsOf(tree: Tree, bounds: readonly Bound[]): Promise<number[]> {
  return Promise.all(
    bounds.map(async ({ key, isPast }) => {
      const { position, isFound } = await findKey(tree, key)
      return isFound && isPast ? position + 1 : position
    }),
  )
}
