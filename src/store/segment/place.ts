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

/** Writes the place's 25 bytes at `at`. */
export function writePlace(view: DataView, at: number, place: ChunkPlace): void {
  view.setUint32(at, place.segment)
  view.setUint32(at + 4, place.record)
  view.setUint32(at + 8, place.payload)
  view.setUint32(at + 12, place.storedBytes)
  view.setUint32(at + 16, place.offset)
  view.setUint32(at + 20, place.length)
  view.setUint8(at + 24, place.codec)
}

/** The place whose bytes begin at `at`. */
export function readPlace(view: DataView, at: number): ChunkPlace {
  return {
    segment: view.getUint32(at),
    record: view.getUint32(at + 4),
    payload: view.getUint32(at + 8),
    storedBytes: view.getUint32(at + 12),
    offset: view.getUint32(at + 16),
    length: view.getUint32(at + 20),
    codec: view.getUint8(at + 24),
  }
}

/** Negative where `a` comes before `b`. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  return a.segment - b.segment || a.offset - b.offset
}
