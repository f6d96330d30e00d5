/** What became of the entries of directories, in the letters of `git diff --name-status`. */

import type { Value } from '../../collection/value.js'
import type { TreeChange } from '../../tree/directory-diff.js'
import type { Entry, EntryName } from '../../tree/entry.js'
import { joinLine, shownName } from '../show/name-line.js'
import { entryForm, entryValue } from '../show/show-directory.js'
import type { Paint, Style } from '../styled.js'
import { isRecord } from '../values/is-record.js'
import { jsonForm, toJson } from '../values/json-form.js'

/** Added, deleted, modified, renamed, of another type, and where only what is known of it has changed. */
export type Letter = 'A' | 'D' | 'M' | 'R' | 'T' | 'm'

export interface EntryChange {
  readonly letter: Letter
  readonly change: TreeChange
  /** Fields of the entry that differ, other than what is in it. */
  readonly fields: readonly string[]
}

const LETTER_STYLES: Readonly<Record<Letter, Style>> = {
  A: 'green',
  D: 'red',
  M: 'yellow',
  R: 'cyan',
  T: 'yellow',
  m: 'dim',
}

/** What an entry is, other than what is known of it. */
const CONTENT_FIELDS = ['content', 'device', 'size', 'target', 'type']

/** Undefined where nothing differs but fields that are `ignored`. */
export function entryChange(change: TreeChange, ignored: readonly string[]): EntryChange | undefined {
  if (change.kind === 'added') return { letter: 'A', change, fields: [] }
  if (change.kind === 'removed') return { letter: 'D', change, fields: [] }
  const { before, after } = change
  const differing = fieldsThatDiffer(before, after).filter((field) => !ignored.includes(field))
  const fields = differing.filter((field) => !CONTENT_FIELDS.includes(field))
  if (change.kind === 'renamed') return { letter: 'R', change, fields }
  if (before.type !== after.type) return { letter: 'T', change, fields }
  const hasOtherContent = before.type !== 'dir' && differing.length > fields.length
  if (hasOtherContent) return { letter: 'M', change, fields }
  return fields.length > 0 ? { letter: 'm', change, fields } : undefined
}

/** The change on a line: `M <tab> path`; what else has changed comes last, where there is more to it than the time. */
export function entryChangeLine(
  { letter, change, fields }: EntryChange,
  paint: Paint,
  isTerminal: boolean,
): EntryName {
  const name = (path: EntryName, { type }: Entry): EntryName =>
    joinLine(path.length === 0 ? '.' : shownName(path, isTerminal), type === 'dir' ? '/' : '')
  const from = change.kind === 'renamed' ? [name(change.from, change.before), ' -> '] : []
  const entry = change.kind === 'removed' ? change.before : change.after
  const told = letter === 'm' ? fields : fields.filter((field) => field !== 'mtime')
  const more = told.length > 0 && letter !== 'T' ? `\t${told.join(', ')}` : ''
  return joinLine(`${paint(LETTER_STYLES[letter], letter)}\t`, ...from, name(change.path, entry), more)
}

/** The change as JSON. */
export function entryChangeJson({ letter, change, fields }: EntryChange): string {
  const { kind, path } = change
  return JSON.stringify({
    status: letter,
    kind,
    path: jsonForm(path),
    ...(kind === 'renamed' && { from: jsonForm(change.from) }),
    ...(kind !== 'added' && kind !== 'removed' && { fields }),
    ...(kind !== 'added' && { before: entryForm(change.before) }),
    ...(kind !== 'removed' && { after: entryForm(change.after) }),
  })
}

/** In the order of the alphabet. */
function fieldsThatDiffer(before: Entry, after: Entry): string[] {
  const [a, b] = [fieldsOf(before), fieldsOf(after)]
  const fields = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...fields].filter((field) => jsonOf(a[field]) !== jsonOf(b[field])).sort()
}

function fieldsOf(entry: Entry): Readonly<Record<string, Value>> {
  const value = entryValue(entry)
  return isRecord(value) ? value : {}
}

function jsonOf(value: Value | undefined): string | undefined {
  return value === undefined ? undefined : toJson(value)
}
