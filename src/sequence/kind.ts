/** What a chunk says that it is. SPEC "Chunks". */

import { isBin, Reader } from '../encoding/decode.js'
import { EncodingError } from '../errors.js'

/** `blob`, `list`, `map` and so on; undefined where a chunk does not begin as chunks do. */
export function kindOf(chunk: Uint8Array): string | undefined {
  if (isBin(chunk)) return 'blob'
  const reader = new Reader(chunk)
  try {
    return reader.arrayHeader() > 0 ? reader.string() : undefined
  } catch (error) {
    if (error instanceof EncodingError) return undefined
    throw error
  }
}
