/**
 * Merges what two sides have made of one list: the changes of theirs are done to ours. Both lists of changes rise and
 * are read side by side. Changes contradict each other where both replace some item of the base, where one inserts
 * between items that the other replaces, and where both insert at one place. SPEC "Merge".
 */

import { sameBytes } from '../encoding/byte-order.js'
import { type Change, diffTrees } from '../sequence/diff.js'
import { leafRuns } from '../sequence/leaves.js'
import type { Tree } from '../sequence/node-reader.js'

/** Items `start` to `end` of a list. */
export interface ItemRange {
  readonly start: number
  readonly end: number
}

/** A run of the base, what ours has of it, and what theirs has, which is to take the place of that in ours. */
export interface MergeStep {
  readonly base: ItemRange
  readonly ours: ItemRange
  readonly theirs: ItemRange
  /** Whether both sides changed the run, and not to the same. */
  readonly isConflict: boolean
}

/** What is to be done to `ours` so that it has what `theirs` changed of `base` too, in order. */
export async function* mergeSteps(base: Tree, ours: Tree, theirs: Tree): AsyncGenerator<MergeStep> {
  const ourChanges = diffTrees(base, ours)
  const theirChanges = diffTrees(base, theirs)
  let our = await nextOf(ourChanges)
  let their = await nextOf(theirChanges)
  // By how much what comes next stands further back in ours, and in theirs, than in the base.
  let ourShift = 0
  let theirShift = 0
  while (their !== undefined) {
    if (our !== undefined && comesBefore(our, their)) {
      ourShift += growthOf(our)
      our = await nextOf(ourChanges)
      continue
    }
    const isAlone = our === undefined || comesBefore(their, our)
    const start = isAlone ? their.aStart : Math.min(their.aStart, our!.aStart)
    const [ourStart, theirStart] = [start + ourShift, start + theirShift]
    // A change that contradicts another may reach into the next one of that side, and so on.
    let end = start
    for (;;) {
      if (their !== undefined && (their.aStart === start || their.aStart < end)) {
        end = Math.max(end, endOf(their))
        theirShift += growthOf(their)
        their = await nextOf(theirChanges)
      } else if (!isAlone && our !== undefined && (our.aStart === start || our.aStart < end)) {
        end = Math.max(end, endOf(our))
        ourShift += growthOf(our)
        our = await nextOf(ourChanges)
      } else break
    }
    const step = {
      base: { start, end },
      ours: { start: ourStart, end: end + ourShift },
      theirs: { start: theirStart, end: end + theirShift },
    }
    if (isAlone) yield { ...step, isConflict: false }
    else if (!(await areSame(ours, step.ours, theirs, step.theirs))) yield { ...step, isConflict: true }
  }
}

async function nextOf(changes: AsyncGenerator<Change>): Promise<Change | undefined> {
  const { value, done } = await changes.next()
  return done === true ? undefined : value
}

/** Whether `a` is over where `b` begins. Two insertions at one place come neither before the other. */
function comesBefore(a: Change, b: Change): boolean {
  return endOf(a) < b.aStart || (endOf(a) === b.aStart && a.removed + b.removed > 0)
}

function endOf({ aStart, removed }: Change): number {
  return aStart + removed
}

function growthOf({ removed, inserted }: Change): number {
  return inserted - removed
}

async function areSame(a: Tree, aRange: ItemRange, b: Tree, bRange: ItemRange): Promise<boolean> {
  if (aRange.end - aRange.start !== bRange.end - bRange.start) return false
  const others = itemsIn(b, bRange)
  for await (const item of itemsIn(a, aRange)) {
    const other = await others.next()
    if (other.done === true || !sameBytes(item, other.value)) return false
  }
  return true
}

async function* itemsIn(tree: Tree, { start, end }: ItemRange): AsyncGenerator<Uint8Array> {
  for await (const { leaf, from, to } of leafRuns(tree, start, end)) {
    for (let index = from; index < to; index++) yield leaf.slice(index, index + 1)
  }
}
