/** What two sides made of the same, where they do not agree: for those who are to decide. */

import type { Key, Value } from '../../collection/value.js'
import type { MergeConflict } from '../../database/merge-values.js'
import { type Paint, PLAIN } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { prettyLine } from '../values/pretty.js'

/** A conflict of any kind: what there was and what each side made of it; undefined where there is nothing. */
interface Conflict {
  /** Of a map. */
  readonly key?: Key
  /** Of a list, the sides of which are arrays of items: where the run of items was that both sides changed. */
  readonly at?: number
  readonly base: Value | undefined
  readonly ours: Value | undefined
  readonly theirs: Value | undefined
}

export function conflictJson(conflict: MergeConflict): string {
  const { key, at, base, ours, theirs }: Conflict = conflict
  const sides = Object.entries({ key, base, ours, theirs }).filter(([, side]) => side !== undefined)
  return JSON.stringify({ at, ...Object.fromEntries(sides.map(([name, side]) => [name, jsonForm(side!)])) })
}

export function conflictLines(conflict: MergeConflict, paint: Paint): string[] {
  const { key, at, base, ours, theirs }: Conflict = conflict
  const place =
    key !== undefined ? prettyLine(key, PLAIN) : at !== undefined ? `[${at}]` : 'the value as a whole'
  const side = (value: Value | undefined): string =>
    value === undefined ? paint('dim', 'nothing') : prettyLine(value, paint)
  return [
    paint('bold', `conflict: ${place}`),
    `  base    ${side(base)}`,
    `  ours    ${side(ours)}`,
    `  theirs  ${side(theirs)}`,
  ]
}
