/** The table of the rolling hash that says where chunks end: Uzgalis' BUZ hash. SPEC "Boundaries". */

import { sha256 } from './sha256.js'

/** T: the first 4 bytes of SHA-256 of `nomsy/buzhash/0` to `nomsy/buzhash/255`. */
export const BUZHASH_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  const digest = sha256(new TextEncoder().encode(`nomsy/buzhash/${byte}`))
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0)
})
