/** What is recorded of a tree besides names, types and contents, and the usual choices of it. SPEC "Directories". */

import type { Kind } from './entry.js'
import { KINDS } from './entry-codec.js'

/** Everything; `mode` says what `executable` does. */
export const ALL_KINDS: readonly Kind[] = KINDS.filter((kind) => kind !== 'executable')

/** What is the same wherever the tree lies. */
export const REPRODUCIBLE_KINDS: readonly Kind[] = ['executable', 'special', 'symlinks']

/** `kinds` in the order in which they are stored, each once. Throws a RangeError for what is no kind. */
export function sortedKinds(kinds: Iterable<Kind>): readonly Kind[] {
  const chosen = new Set<string>(kinds)
  if (chosen.has('mode')) chosen.delete('executable')
  const sorted = KINDS.filter((kind) => chosen.delete(kind))
  for (const unknown of chosen)
    throw new RangeError(`'${unknown}' is no kind of what is recorded; there are ${KINDS.join(', ')}`)
  return sorted
}

/** Whether a tree of `kinds`, sorted, says nothing of itself. */
export function isReproducible(kinds: readonly Kind[]): boolean {
  return kinds.join() === REPRODUCIBLE_KINDS.join()
}
