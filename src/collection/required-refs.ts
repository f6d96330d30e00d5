/**
 * A store holds no chunk without the chunks under it (SPEC "Stores", Closed), and what a ref inside an item stands for
 * is such a chunk: it must be there before the item is.
 */

import { Reader } from '../encoding/decode.js'
import { MissingChunkError } from '../errors.js'
import { type Ref, refKey } from '../hash/ref.js'
import type { ChunkStore } from '../store/chunk-store.js'

/** First byte of an encoded ref: where it does not occur there is none. */
const REF_CODE = 0xc7

/**
 * Rejects with NOMSY_MISSING_CHUNK if `store` lacks what a ref in `items` stands for. Each byte string holds encoded
 * values, one after the other.
 */
export async function requireRefs(
  store: Pick<ChunkStore, 'hasMany'>,
  items: Iterable<Uint8Array>,
): Promise<void> {
  const refs = [...refsIn(items)]
  if (refs.length === 0) return
  const found = await store.hasMany(refs)
  const absent = found.indexOf(false)
  if (absent >= 0) throw new MissingChunkError(refs[absent]!.toString())
}

function refsIn(items: Iterable<Uint8Array>): Iterable<Ref> {
  const refs = new Map<string, Ref>()
  for (const bytes of items) {
    if (!bytes.includes(REF_CODE)) continue
    const reader = new Reader(bytes, {
      onRefs: (list) => {
        for (const ref of list) refs.set(refKey(ref.bytes), ref)
      },
    })
    while (reader.offset < bytes.length) reader.skip()
  }
  return refs.values()
}
