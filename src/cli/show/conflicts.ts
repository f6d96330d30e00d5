/** What two sides made of the same, where they do not agree: for those who are to decide. Nothing is written. */

import { mergeEdits } from '../../collection/keyed-merge.js'
import { mergeSplices } from '../../collection/list-conflict.js'
import { itemResolver } from '../../collection/map-merge.js'
import { MergeConflicts } from '../../collection/merge-conflicts.js'
import type { Key, Value } from '../../collection/value.js'
import type { Commit } from '../../database/commit.js'
import type { Database } from '../../database/database.js'
import { conflictsIn } from '../../tree/directory-merge.js'
import type { Entry } from '../../tree/entry.js'
import { pathText } from '../../tree/tree-path.js'
import { openObject } from '../objects/find-object.js'
import { printable } from '../printable.js'
import { type Paint, PLAIN } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { prettyLine } from '../values/pretty.js'
import { entryValue } from './show-directory.js'

/** What there was and what each side made of it; undefined where there is nothing. Of a list, arrays of items. */
export interface Conflict {
  /** Of a map. */
  readonly key?: Key
  /** Of a list: the position where the run of items was that both sides changed. */
  readonly at?: number
  /** Of a directory: the path of the entry that both sides changed. */
  readonly path?: string
  readonly base: Value | undefined
  readonly ours: Value | undefined
  readonly theirs: Value | undefined
}

/** The conflicts of a merge of two commits. */
export async function* conflictsOf(db: Database, ours: Commit, theirs: Commit): AsyncGenerator<Conflict> {
  const ancestor = await db.commonAncestor(ours.ref, theirs.ref)
  const refs = { base: ancestor?.value, ours: ours.value, theirs: theirs.value }
  const base = refs.base && (await openObject(db, refs.base))
  const our = await openObject(db, refs.ours)
  const their = await openObject(db, refs.theirs)
  const found: Conflict[] = []
  if (base?.kind === 'map' && our.kind === 'map' && their.kind === 'map') {
    const resolve = itemResolver<Key, Value>(
      { resolve: (conflict) => void found.push(conflict) },
      new MergeConflicts(),
    )
    for await (const _ of mergeEdits(base.object.tree, our.object.tree, their.object.tree, resolve))
      yield* found.splice(0)
  } else if (base?.kind === 'list' && our.kind === 'list' && their.kind === 'list') {
    const lists = { base: base.object.tree, ours: our.object.tree, theirs: their.object.tree }
    const resolve = (conflict: Conflict): [] => {
      found.push(conflict)
      return []
    }
    for await (const _ of mergeSplices<Value>(lists, { resolve }, new MergeConflicts()))
      yield* found.splice(0)
  } else if (base?.kind === 'dir' && our.kind === 'dir' && their.kind === 'dir') {
    const sides = { base: base.object, ours: our.object, theirs: their.object }
    for await (const { path, base, ours, theirs } of conflictsIn(sides)) {
      const value = (entry: Entry | undefined): Value | undefined => entry && entryValue(entry)
      yield { path: pathText(path), base: value(base), ours: value(ours), theirs: value(theirs) }
    }
  } else yield refs
}

export function conflictJson({ key, at, path, base, ours, theirs }: Conflict): string {
  const sides = Object.entries({ key, base, ours, theirs }).filter(([, side]) => side !== undefined)
  return JSON.stringify({
    at,
    path,
    ...Object.fromEntries(sides.map(([name, side]) => [name, jsonForm(side!)])),
  })
}

export function conflictLines(conflict: Conflict, paint: Paint): string[] {
  const { base, ours, theirs } = conflict
  const place = placeOf(conflict)
  const side = (value: Value | undefined): string =>
    value === undefined ? paint('dim', 'nothing') : prettyLine(value, paint)
  return [
    paint('bold', `conflict: ${place}`),
    `  base    ${side(base)}`,
    `  ours    ${side(ours)}`,
    `  theirs  ${side(theirs)}`,
  ]
}

function placeOf({ key, at, path }: Conflict): string {
  if (key !== undefined) return prettyLine(key, PLAIN)
  if (path !== undefined) return path === '' ? 'the directory itself' : printable(path)
  return at === undefined ? 'the value as a whole' : `[${at}]`
}
