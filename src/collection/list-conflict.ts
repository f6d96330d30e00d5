/** What a conflict in a list is to a caller, and what a caller says to do about it. SPEC "Merge". */

import { leafRuns } from '../sequence/leaves.js'
import type { Tree } from '../sequence/node-reader.js'
import { ItemIterator } from './item-iterator.js'
import { type ItemRange, mergeSteps } from './list-merge.js'
import { type ListSplice, writePart, writeValues } from './list-splice.js'
import type { MergeConflicts } from './merge-conflicts.js'
import { readListItem } from './read-item.js'
import type { Input, Value } from './value.js'

/** A run of items that both sides changed, and not to the same: as it was, and as each side has it. */
export interface ListConflict<T extends Value> {
  /** Where the run begins in the base. */
  readonly at: number
  readonly base: readonly T[]
  readonly ours: readonly T[]
  readonly theirs: readonly T[]
}

export type ResolveRun<T extends Value> = (
  conflict: ListConflict<T>,
) => Iterable<Input<T>> | Promise<Iterable<Input<T>>>

export interface ListMergeOptions<T extends Value> {
  /**
   * Whose items to take where both sides changed a run of items, or a function that gives the items; it is handed all
   * items of the run in memory. Left out, the merge rejects with NOMSY_MERGE_CONFLICT if there are such runs.
   */
  readonly resolve?: 'ours' | 'theirs' | ResolveRun<T> | undefined
}

/** The three lists of a merge. */
export interface ListMerge {
  readonly base: Tree
  readonly ours: Tree
  readonly theirs: Tree
}

/** What is to be done to ours. Conflicts about which `resolve` says nothing are noted as `unresolved`. */
export async function* mergeSplices<T extends Value>(
  { base, ours, theirs }: ListMerge,
  { resolve }: ListMergeOptions<T>,
  unresolved: MergeConflicts,
): AsyncGenerator<ListSplice> {
  for await (const step of mergeSteps(base, ours, theirs)) {
    const place = { at: step.ours.start, removed: step.ours.end - step.ours.start }
    if (!step.isConflict || resolve === 'theirs') {
      const part = { tree: theirs, ...step.theirs }
      yield { ...place, insert: (writer, store) => writePart(writer, store, part) }
    } else if (typeof resolve === 'function') {
      const values = await resolve({
        at: step.base.start,
        base: await read<T>(base, step.base),
        ours: await read<T>(ours, step.ours),
        theirs: await read<T>(theirs, step.theirs),
      })
      yield { ...place, insert: (writer, store) => writeValues(writer, store, values) }
    } else if (resolve === undefined) unresolved.add(step.base.start)
  }
}

async function read<T extends Value>(tree: Tree, { start, end }: ItemRange): Promise<T[]> {
  const items: T[] = []
  for await (const item of new ItemIterator(leafRuns(tree, start, end), readListItem<T>)) items.push(item)
  return items
}
