/** Which of the pending changes a crash keeps: all possibilities where they are few, some of them where not. */

import { type Change, type Choice, type Disk, sectorCount, type Tear } from './disk.js'
import type { Random } from './random.js'

/** Up to so many pending changes all their subsets are tried. */
const MAX_EXHAUSTIVE = 6

export interface ImageCounts {
  /** Random subsets, where not all of them are tried. */
  readonly subsets: number
  /** Torn variants of each pending write. */
  readonly tears: number
}

export function* choices(disk: Disk, random: Random, { subsets, tears }: ImageCounts): Generator<Choice> {
  const { pending } = disk
  yield new Map()
  if (pending.length === 0) return
  if (pending.length <= MAX_EXHAUSTIVE) {
    for (let mask = 1; mask < 1 << pending.length; mask++)
      yield keeping(pending, (index) => (mask & (1 << index)) !== 0)
  } else {
    for (let count = 1; count <= pending.length; count++) yield keeping(pending, (index) => index < count)
    for (let count = 0; count < subsets; count++) yield keeping(pending, () => random.chance(0.5))
  }
  for (const [at, change] of pending.entries()) {
    if (change.kind !== 'write') continue
    for (let count = 0; count < tears; count++) {
      // Torn, with all before it, or with anything else.
      const isPrefix = random.chance(0.5)
      const choice = new Map(keeping(pending, (index) => (isPrefix ? index < at : random.chance(0.5))))
      choice.set(change, tear(change, random))
      yield choice
    }
  }
}

/** A few of the choices, where a point is one of very many. */
export function* fewChoices(disk: Disk, random: Random, count: number): Generator<Choice> {
  const { pending } = disk
  yield new Map()
  if (pending.length === 0) return
  yield keeping(pending, () => true)
  for (; count > 0; count--) {
    const choice = new Map(keeping(pending, () => random.chance(0.5)))
    const change = random.pick(pending)
    if (change.kind === 'write') choice.set(change, tear(change, random))
    yield choice
  }
}

/** The choice in words, for a report. */
export function describeChoice(disk: Disk, choice: Choice): string {
  const parts = disk.pending.map((change) => {
    const kept = choice.get(change)
    const how = kept === undefined ? 'lost' : kept === 'whole' ? 'kept' : `torn ${sectorText(kept)}`
    return `${changeText(change)} ${how}`
  })
  return parts.length === 0 ? 'nothing pending' : parts.join(', ')
}

function keeping(
  pending: readonly Change[],
  isKept: (index: number) => boolean,
): Map<Change, Tear | 'whole'> {
  return new Map(pending.flatMap((change, index) => (isKept(index) ? [[change, 'whole' as const]] : [])))
}

function tear(change: Change & { kind: 'write' }, random: Random): Tear {
  const isGrown = random.chance(0.5)
  return { isGrown, sectors: Array.from({ length: sectorCount(change) }, () => random.chance(0.5)) }
}

function changeText(change: Change): string {
  switch (change.kind) {
    case 'write':
      return `write of ${change.bytes.length} at ${change.position}`
    case 'truncate':
      return `truncate to ${change.length}`
    case 'rename':
      return `rename ${change.name} to ${change.to}`
    default:
      return `${change.kind} ${change.name}`
  }
}

function sectorText({ sectors, isGrown }: Tear): string {
  return sectors.map((isThere) => (isThere ? 'x' : isGrown ? '0' : '-')).join('')
}
