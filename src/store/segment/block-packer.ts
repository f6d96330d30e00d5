/**
 * Packs the payloads of blocks, several at a time, on other threads. What does not shrink is left as it is: a single
 * block is tried first, on the spot, and only if it shrinks are those after it packed in bulk; after blocks that did
 * not, more and more are passed over between two tries, so that such data costs next to nothing.
 */

import { type PackedBlocks, packBlocks } from '../../parallel/jobs.js'
import { isShared, runJob } from '../../parallel/pool.js'
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
    if (this.#level === undefined) return pieces.map(unpacked)
    // One alone is packed sooner than it is handed over.
    if (this.#isShrinking && blocks.length > 1) return this.#packed(pieces, this.#level)
    const passedOver = pieces.slice(0, this.#passOver).map(unpacked)
    this.#passOver -= passedOver.length
    const [first, ...rest] = pieces.slice(passedOver.length)
    if (first === undefined) return passedOver
    const level = this.#level
    const tried = packBlocks([first], level).then((result) => this.#taken(result, 0, first))
    if (rest.length === 0) return [...passedOver, tried]
    // Its own outcome counts: another call may have been told of its blocks meanwhile.
    const others = tried.then(({ codec }) =>
      codec === CODEC_ZSTD ? this.#packed(rest, level) : rest.map(unpacked),
    )
    return [...passedOver, tried, ...rest.map((_, slot) => others.then((payloads) => payloads[slot]!))]
  }

  #packed(blocks: readonly Uint8Array[][], level: number): Promise<Payload>[] {
    const byteCount = blocks.flat().reduce((sum, { length }) => sum + length, 0)
    // What is not shared is given away, and is still to be read: so that is copied.
    const given = blocks.map((pieces) =>
      pieces.map((piece) => (isShared(piece) ? piece : new Uint8Array(piece))),
    )
    const result = Promise.resolve(runJob('packBlocks', byteCount, given, level))
    return blocks.map((pieces, slot) => result.then((packed) => this.#taken(packed, slot, pieces)))
  }

  #taken({ bytes, ends, crcs }: PackedBlocks, slot: number, pieces: readonly Uint8Array[]): Payload {
    const packed = bytes.subarray(ends[slot - 1] ?? 0, ends[slot])
    this.#isShrinking = packed.length > 0
    if (this.#isShrinking) {
      this.#failureCount = 0
      return { codec: CODEC_ZSTD, pieces: [packed], crc: crcs[slot]! }
    }
    this.#passOver = Math.min(2 ** ++this.#failureCount, MAX_PASSED_OVER)
    return unpacked(pieces)
  }
}

function unpacked(pieces: readonly Uint8Array[]): Payload {
  return { codec: CODEC_NONE, pieces }
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
