/**
 * A file with holes as a member of an archive, in GNU's pax form 1.0: a map in front of the bytes, decimal numbers in
 * lines, says how many stretches there are and where each lies, and only their bytes follow.
 */

import type { Blob } from '../../blob/blob.js'
import type { CollectionContext } from '../../collection/collection.js'
import { List } from '../../collection/list.js'
import type { Ref } from '../../hash/ref.js'
import { MAX_SPARSE_PARTS } from './read-tar.js'
import { padding } from './tar-header.js'

const NO_BYTES = new Uint8Array(1024 * 1024)

export interface SparseFile {
  /** Offset and length of each stretch, one after the other. */
  readonly parts: readonly number[]
  /** The map, up to a whole block. */
  readonly map: Uint8Array
  /** Bytes of the map and of the stretches. */
  readonly size: number
}

/** The file whose holes are the list `holes`; undefined where these are no stretches of zeros in it, or too many. */
export async function sparseFile(
  context: CollectionContext,
  blob: Blob,
  holes: Ref,
): Promise<SparseFile | undefined> {
  const list = await List.open(context, holes)
  if (list.length % 2 !== 0 || list.length >= 2 * MAX_SPARSE_PARTS) return undefined
  const parts: number[] = []
  let end = 0
  let start: number | undefined
  for await (const value of list.values()) {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined
    if (start === undefined) {
      start = value
      continue
    }
    const holeEnd = start + value
    if (start < end || value <= 0 || holeEnd > blob.size) return undefined
    if (!(await isZero(blob, start, holeEnd))) return undefined
    if (start > end) parts.push(end, start - end)
    end = holeEnd
    start = undefined
  }
  // A hole at the end is told by a stretch of nothing after it.
  parts.push(end, blob.size - end)
  const lines = [parts.length / 2, ...parts].map((number) => `${number}\n`).join('')
  const map = Buffer.concat([Buffer.from(lines), padding(lines.length)])
  const byteCount = parts.reduce((sum, number, index) => sum + (index % 2 === 0 ? 0 : number), 0)
  return { parts, map, size: map.length + byteCount }
}

/** The bytes of the member. */
export async function* sparseBytes(
  { parts, map }: SparseFile,
  blob: Blob,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield map
  for (let index = 0; index < parts.length; index += 2) {
    const [start, length] = [parts[index]!, parts[index + 1]!]
    if (length > 0) yield* blob.slice(start, start + length).pieces({ signal })
  }
}

async function isZero(blob: Blob, start: number, end: number): Promise<boolean> {
  for await (const piece of blob.slice(start, end).pieces()) {
    if (Buffer.compare(piece, NO_BYTES.subarray(0, piece.length)) !== 0) return false
  }
  return true
}
