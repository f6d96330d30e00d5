/** What a commit says, for people and for programs. */

import type { Commit } from '../../database/commit.js'
import { printable } from '../printable.js'
import type { Paint } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { prettyLine } from '../values/pretty.js'

/** Characters of a ref that tell it from others in all but huge stores. */
const SHORT_REF_CHARS = 10

/** As git shows commits: what is known of it, then what was said, indented. */
export function commitLines(commit: Commit, paint: Paint): string[] {
  const { ref, parents, time, meta, message } = commit
  const lines = [paint('yellow', `commit ${ref}`)]
  if (parents.length > 1) lines.push(`merge:  ${parents.join(' ')}`)
  lines.push(`date:   ${timeText(time)}`)
  for (const [name, value] of Object.entries(meta))
    lines.push(`${`${printable(name)}:`.padEnd(7)} ${prettyLine(value, paint, 120)}`)
  if (message !== '')
    lines.push(
      '',
      ...message
        .trimEnd()
        .split('\n')
        .map((line) => `    ${printable(line)}`.trimEnd()),
    )
  return lines
}

/** The commit on a line: the beginning of its ref, when it was, and the first line of what was said. */
export function commitLine({ ref, time, message }: Commit, paint: Paint): string {
  const [words = ''] = message.split('\n')
  return `${paint('yellow', ref.toString().slice(0, SHORT_REF_CHARS))}  ${timeText(time)}  ${printable(words)}`.trimEnd()
}

export function commitJson({ ref, generation, message, parents, time, value, meta }: Commit): object {
  return { kind: 'commit', ref, generation, message, parents, time, value, meta: jsonForm(meta) }
}

/** A time, in milliseconds since 1970. */
export function timeText(time: number): string {
  const date = new Date(time)
  // Further away than any date can be.
  if (Number.isNaN(date.getTime())) return `${time} ms after 1970`
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}
