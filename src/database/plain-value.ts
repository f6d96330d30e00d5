/** Single values, `["value", v]`: what is small enough to be one chunk. SPEC "Commits and single values". */

import type { Storable, Value } from '../collection/value.js'
import { Reader } from '../encoding/decode.js'
import { Writer } from '../encoding/encode.js'
import { MAX_DEPTH, type Referable, storedAs, type ValueRules } from '../encoding/value.js'
import { EncodingError, InvalidNodeError, MissingChunkError } from '../errors.js'
import { Ref } from '../hash/ref.js'
import { kindOf } from '../sequence/kind.js'
import type { ChunkStore } from '../store/chunk-store.js'
import { putClosed } from './put-closed.js'

/** What may be written inside a chunk's array by those who use the library. */
export const PLAIN_RULES: ValueRules = { maxDepth: MAX_DEPTH - 1, refLists: false }

const KIND = 'value'

/**
 * The ref of `value`: a Ref is itself, a blob, list, map, set or commit has one, anything else is stored as a single
 * value. Rejects with a TypeError or RangeError that names what cannot be stored, with NOMSY_MISSING_CHUNK where a
 * value refers to what the store does not hold.
 */
export async function putStorable(store: ChunkStore, value: Storable): Promise<Ref> {
  if (value instanceof Ref) return value
  return isReferable(value) ? value[storedAs] : putPlainValue(store, value)
}

/** Stores `value` as a chunk of its own, also where it is a Ref. Rejects as {@link putStorable}. */
export function putPlainValue(store: ChunkStore, value: Storable): Promise<Ref> {
  const writer = new Writer(256, PLAIN_RULES)
  writer.arrayHeader(2)
  writer.string(KIND)
  writer.item(value, 'value')
  return putClosed(store, writer.bytes().slice(), 'value')
}

/** The value in the chunk `ref`. Rejects with NOMSY_MISSING_CHUNK, with NOMSY_INVALID_NODE for anything else. */
export async function readPlainValue(store: Pick<ChunkStore, 'get'>, ref: Ref): Promise<Value> {
  const chunk = await store.get(ref)
  if (chunk === undefined) throw new MissingChunkError(ref.toString())
  return decodePlainValue(ref, chunk)
}

function decodePlainValue(ref: Ref, chunk: Uint8Array): Value {
  const kind = kindOf(chunk)
  if (kind !== KIND)
    throw new InvalidNodeError(ref.toString(), `${kind ?? 'nothing known'} and no single value`)
  const reader = new Reader(chunk, { rules: PLAIN_RULES, copies: true })
  try {
    if (reader.arrayHeader() !== 2) throw new EncodingError('an array of other than 2', 0)
    reader.skip()
    const value = reader.value() as Value
    reader.end()
    return value
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause
    throw new InvalidNodeError(ref.toString(), cause.message, { cause })
  }
}

function isReferable(value: Storable): value is Referable {
  return typeof value === 'object' && value !== null && storedAs in value
}
