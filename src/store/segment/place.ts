/** Where a chunk lies in the log, and that as the index keeps it: seven numbers in 25 bytes. SPEC "Index". */

export interface ChunkPlace {
  readonly segment: number
  /** Offset of the block's record in the segment. */
  readonly record: number
  /** Offset of the block's payload in the segment, and its bytes as stored. */
  readonly payload: number
  readonly storedBytes: number
  readonly codec: number
  /** The chunk in the decoded payload. */
  readonly offset: number
  readonly length: number
}

/** A place in the log: everything before it is meant. */
export interface LogPosition {
  readonly segment: number
  readonly offset: number
}

export const PLACE_BYTES = 25

export function encodePlace(place: ChunkPlace): Uint8Array {
  const bytes = new Uint8Array(PLACE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, place.segment)
  view.setUint32(4, place.record)
  view.setUint32(8, place.payload)
  view.setUint32(12, place.storedBytes)
  view.setUint32(16, place.offset)
  view.setUint32(20, place.length)
  view.setUint8(24, place.codec)
  return bytes
}

export function decodePlace(bytes: Uint8Array): ChunkPlace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    segment: view.getUint32(0),
    record: view.getUint32(4),
    payload: view.getUint32(8),
    storedBytes: view.getUint32(12),
    offset: view.getUint32(16),
    length: view.getUint32(20),
    codec: view.getUint8(24),
  }
}

/** Negative where `a` comes before `b`. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  return a.segment - b.segment || a.offset - b.offset
}
