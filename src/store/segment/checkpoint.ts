/**
 * The payload of a checkpoint, the record that every segment begins with: all that the log says up to there, but for
 * the chunks. SPEC "Records".
 *
 *     {heads: {name: ref, ...}, segments: [[number, bytes, chunks], ...]}
 *
 * and, once there has been a collection, `collected`, the number of the segment whose checkpoint ended the last one;
 * in that checkpoint itself also `dropped: [[number, refs], ...]`, if any.
 */

import { decode } from '../../encoding/decode.js'
import { encode } from '../../encoding/encode.js'
import type { Value } from '../../encoding/value.js'
import { EncodingError } from '../../errors.js'
import { Ref } from '../../hash/ref.js'
import { RefList } from '../../hash/ref-list.js'
import { SEGMENT_HEADER_BYTES } from './record.js'
import type { SegmentFiles } from './segment-files.js'
import { SegmentScanner } from './segment-scanner.js'

/** Read at once where a checkpoint is looked for: most are small. */
const WINDOW_BYTES = 4096

/** A segment that takes no more records. */
export interface SegmentSize {
  readonly bytes: number
  /** Copies of chunks in it, but for those that were dropped. */
  readonly chunks: number
}

export interface Checkpoint {
  readonly heads: ReadonlyMap<string, Ref>
  /** The segments before, by their numbers. */
  readonly segments: ReadonlyMap<number, SegmentSize>
  /** Number of the segment whose checkpoint ended the last collection; undefined where there was none. */
  readonly collected: number | undefined
  /** Chunks whose copies no longer count, by the segment in which these are. */
  readonly dropped: ReadonlyMap<number, RefList>
}

export const EMPTY_CHECKPOINT: Checkpoint = {
  heads: new Map(),
  segments: new Map(),
  collected: undefined,
  dropped: new Map(),
}

export function encodeCheckpoint({ heads, segments, collected, dropped }: Checkpoint): Uint8Array {
  return encode({
    heads: Object.fromEntries(heads),
    segments: [...segments].map(([segment, { bytes, chunks }]) => [segment, bytes, chunks]),
    ...(collected !== undefined && { collected }),
    ...(dropped.size > 0 && { dropped: [...dropped].map((entry) => [...entry]) }),
  })
}

/** What a checkpoint says; undefined where `payload` is none. Keeps the payload. */
export function decodeCheckpoint(payload: Uint8Array): Checkpoint | undefined {
  let value: Value
  try {
    value = decode(payload)
  } catch (error) {
    if (error instanceof EncodingError) return undefined
    throw error
  }
  const { heads, segments, collected, dropped = [] } = value as { readonly [field: string]: Value }
  if (typeof heads !== 'object' || !isArrays(segments) || !isArrays(dropped)) return undefined
  if (collected !== undefined && typeof collected !== 'number') return undefined
  const named = Object.entries(heads as { readonly [name: string]: Value })
  if (named.some(([, ref]) => !(ref instanceof Ref))) return undefined
  return {
    heads: new Map(named as [string, Ref][]),
    segments: new Map(
      segments.map(([segment, bytes, chunks]) => [
        segment as number,
        { bytes: bytes as number, chunks: chunks as number },
      ]),
    ),
    collected,
    dropped: new Map(dropped.map(([segment, refs]) => [segment as number, refList(refs)])),
  }
}

/** The checkpoint that the segment begins with; undefined where it is not whole. */
export async function readCheckpoint(
  files: SegmentFiles,
  storeId: Uint8Array,
  segment: number,
): Promise<Checkpoint | undefined> {
  const scanner = await SegmentScanner.open(await files.get(segment), storeId, segment, WINDOW_BYTES)
  const record = await scanner.record(SEGMENT_HEADER_BYTES, true)
  if (record?.header.type !== 'checkpoint' || !record.isWhole) return undefined
  return decodeCheckpoint(record.payload!.slice())
}

function isArrays(value: Value | undefined): value is Value[][] {
  return Array.isArray(value) && value.every(Array.isArray)
}

/** A list of one ref reads as that ref. */
function refList(refs: Value | undefined): RefList {
  if (refs instanceof RefList) return refs
  return RefList.of(refs instanceof Ref ? [refs] : [])
}
