/**
 * A blob as a sequence of bytes: leaves are `bin` values that hold the raw bytes, meta nodes are
 * `["blob", level, refs, lengths]`. SPEC "Blobs".
 */

import { isBin, Reader } from '../encoding/decode.js'
import { Writer } from '../encoding/encode.js'
import { EncodingError } from '../errors.js'
import { encodeBins } from '../parallel/jobs.js'
import { runJob } from '../parallel/pool.js'
import type { SequenceFormat, TreeParams } from '../sequence/format.js'
import { META_BOUNDARY } from '../sequence/format.js'
import { Leaf } from '../sequence/node.js'

/** Fewer bytes than this are hashed on the spot. */
const PARALLEL_BYTES = 256 * 1024

export const BLOB_FORMAT: SequenceFormat = {
  kind: 'blob',
  isLeaf: isBin,

  encodeLeaf(items) {
    const writer = new Writer(items.length + 5)
    writer.bin(items)
    return writer.bytes()
  },

  encodeLeaves(items, ends, memory) {
    if (items.length < PARALLEL_BYTES) return encodeBins(items, ends, memory)
    return runJob('encodeBins', items.length, items, ends, memory)
  },

  decodeLeaf(chunk) {
    const reader = new Reader(chunk)
    const bytes = reader.bin()
    reader.end()
    const { maxUnits } = BLOB_PARAMS.leaf
    if (bytes.length > maxUnits)
      throw new EncodingError(`a leaf of ${bytes.length} bytes, over ${maxUnits},`, 0)
    return new Leaf(bytes)
  },
}

/** SPEC "Boundaries", the row of the blob's leaves. */
export const BLOB_PARAMS: TreeParams = {
  leaf: { unitBytes: 1, windowUnits: 64, ones: 13, minUnits: 2048, maxUnits: 65536 },
  meta: META_BOUNDARY,
}
