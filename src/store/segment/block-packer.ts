/**
 * Packs the payloads of blocks, several at a time, on other threads. What does not shrink is left as it is: a single
 * block is tried first, on the spot, and only once one has shrunk are those after it packed in bulk; after blocks that
 * did not, more and more are passed over between two tries, so that such data costs next to nothing.
 */

import { packBlocks } from '../../parallel/jobs.js'
import { runJob } from '../../parallel/pool.js'
import type { Chunk } from '../chunk-store.js'
import { CODEC_NONE, CODEC_ZSTD } from './record.js'
import type { Payload } from './segment-log.js'

/** Blocks passed over after one that did not shrink: twice as many each time, up to this. */
const MAX_PASSED_OVER = 64

export class BlockPacker {
  readonly #level: number | undefined
  /** Whether the last block that was tried shrank. */
  #isShrinking = false
  /** Blocks in a row that did not shrink, and how many to pass over because of that. */
  #failureCount = 0
  #passOver = 0

  /** `level`: of zstd; undefined leaves payloads as they are. */
  constructor(level: number | undefined) {
    this.#level = level
  }

  /** The payload of each block of chunks. */
  pack(blocks: readonly (readonly Chunk[])[]): (Payload | Promise<Payload>)[] {
    const pieces = blocks.map(piecesOf)
    const payloads: (Payload | Promise<Payload>)[] = pieces.map((each) => ({
      codec: CODEC_NONE,
      pieces: each,
    }))
    const tried = this.#tried(pieces)
    if (this.#level === undefined || tried.length === 0) return payloads
    const packed = Promise.resolve(this.#packed(tried, this.#level))
    for (const [slot, each] of tried.entries()) {
      payloads[pieces.indexOf(each)] = packed.then((results) => this.#taken(results[slot], each))
    }
    return payloads
  }

  /** Those blocks that are worth a try: all of them, one, or none. */
  #tried(blocks: readonly Uint8Array[][]): readonly Uint8Array[][] {
    if (this.#isShrinking) return blocks
    if (this.#passOver >= blocks.length) {
      this.#passOver -= blocks.length
      return []
    }
    const first = this.#passOver
    this.#passOver = 0
    return blocks.slice(first, first + 1)
  }

  #packed(
    blocks: readonly Uint8Array[][],
    level: number,
  ): (Uint8Array | undefined)[] | Promise<(Uint8Array | undefined)[]> {
    if (!this.#isShrinking) return packBlocks(blocks, level)
    const byteCount = blocks.flat().reduce((sum, { length }) => sum + length, 0)
    // Chunks lie many in a buffer and are still to be read; what is given away are copies.
    const copies = blocks.map((pieces) => pieces.map((piece) => new Uint8Array(piece)))
    return runJob('packBlocks', byteCount, copies, level)
  }

  #taken(packed: Uint8Array | undefined, pieces: readonly Uint8Array[]): Payload {
    this.#isShrinking = packed !== undefined
    if (packed !== undefined) {
      this.#failureCount = 0
      return { codec: CODEC_ZSTD, pieces: [packed] }
    }
    this.#passOver = Math.min(2 ** ++this.#failureCount, MAX_PASSED_OVER)
    return { codec: CODEC_NONE, pieces }
  }
}

/** The chunks' bytes in as few pieces as they lie in: neighbours in memory are one piece. */
function piecesOf(chunks: readonly Chunk[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (const { bytes } of chunks) {
    const last = pieces[pieces.length - 1]
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length)
    } else {
      pieces.push(bytes)
    }
  }
  return pieces
}
