/** From the first characters of a ref's text to the refs that begin so. */

import { REF_CHARS, Ref } from '../hash/ref.js'

/** The lowest and the highest ref whose text begins with `prefix`; undefined where no ref's text does. */
export function prefixRange(prefix: string): { readonly first: Ref; readonly last: Ref } | undefined {
  const first = Ref.parse(prefix.padEnd(REF_CHARS, '0'))
  const last = Ref.parse(prefix.padEnd(REF_CHARS, 'v'))
  return first && last && { first, last }
}
