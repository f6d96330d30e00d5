/** From the first characters of a ref's text to the refs that begin so. */

import { decodeBase32Hex } from '../hash/base32hex.js'
import { REF_CHARS } from '../hash/ref.js'

/** Bytes of the lowest and the highest ref whose text begins with `prefix`; undefined where no text does. */
export function prefixRange(
  prefix: string,
): { readonly first: Uint8Array; readonly last: Uint8Array } | undefined {
  const first = decodeBase32Hex(prefix.padEnd(REF_CHARS, '0'))
  const last = decodeBase32Hex(prefix.padEnd(REF_CHARS, 'v'))
  return first && last && prefix.length <= REF_CHARS ? { first, last } : undefined
}
