/** What two sides made of the same, where they do not agree: for those who are to decide. */

import type { Key, Value } from '../../collection/value.js'
import type { MergeConflict } from '../../database/merge-values.js'
import { pathText } from '../../tree/tree-path.js'
import { printable } from '../printable.js'
import { type Paint, PLAIN } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { prettyLine } from '../values/pretty.js'
import { entryValue } from './show-directory.js'

/** A conflict of any kind: what there was and what each side made of it; undefined where there is nothing. */
interface Conflict {
  /** Of a map. */
  readonly key?: Key
  /** Of a list, the sides of which are arrays of items: where the run of items was that both sides changed. */
  readonly at?: number
  /** Of a directory: the path of the entry that both sides changed. */
  readonly path?: string
  readonly base: Value | undefined
  readonly ours: Value | undefined
  readonly theirs: Value | undefined
}

export function conflictJson(conflict: MergeConflict): string {
  const { key, at, path, base, ours, theirs } = plainConflict(conflict)
  const sides = Object.entries({ key, base, ours, theirs }).filter(([, side]) => side !== undefined)
  return JSON.stringify({
    at,
    path,
    ...Object.fromEntries(sides.map(([name, side]) => [name, jsonForm(side!)])),
  })
}

export function conflictLines(conflict: MergeConflict, paint: Paint): string[] {
  const plain = plainConflict(conflict)
  const side = (value: Value | undefined): string =>
    value === undefined ? paint('dim', 'nothing') : prettyLine(value, paint)
  return [
    paint('bold', `conflict: ${placeOf(plain)}`),
    `  base    ${side(plain.base)}`,
    `  ours    ${side(plain.ours)}`,
    `  theirs  ${side(plain.theirs)}`,
  ]
}

function plainConflict(conflict: MergeConflict): Conflict {
  if (!('path' in conflict)) return conflict
  const { path, base, ours, theirs } = conflict
  return {
    path: pathText(path),
    base: base && entryValue(base),
    ours: ours && entryValue(ours),
    theirs: theirs && entryValue(theirs),
  }
}

function placeOf({ key, at, path }: Conflict): string {
  if (key !== undefined) return prettyLine(key, PLAIN)
  if (path !== undefined) return path === '' ? 'the directory itself' : printable(path)
  return at === undefined ? 'the value as a whole' : `[${at}]`
}
