/**
 * Packs the payloads of blocks, several at a time, on other threads. Data that does not shrink is noticed after a
 * block or two, and from then on only now and then tried again, so that it costs next to nothing.
 */

import { runJob } from '../../parallel/pool.js'
import type { Chunk } from '../chunk-store.js'
import { CODEC_NONE, CODEC_ZSTD } from './record.js'
import type { Payload } from './segment-log.js'

/** Blocks passed over after one that did not shrink: twice as many each time, up to this. */
const MAX_PASSED_OVER = 64

export class BlockPacker {
  readonly #level: number | undefined
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
    const level = this.#level
    const tried =
      level === undefined ? [] : pieces.flatMap((_, index) => (this.#isWorthTrying() ? [index] : []))
    const payloads: (Payload | Promise<Payload>)[] = pieces.map((each) => ({
      codec: CODEC_NONE,
      pieces: each,
    }))
    if (level === undefined || tried.length === 0) return payloads
    const byteCount = tried.reduce((sum, index) => sum + bytesIn(pieces[index]!), 0)
    const job = Promise.resolve(
      runJob(
        'packBlocks',
        byteCount,
        tried.map((index) => pieces[index]!.map(copyOf)),
        level,
      ),
    )
    for (const [slot, index] of tried.entries()) {
      payloads[index] = job.then((packed) => this.#taken(packed[slot], pieces[index]!))
    }
    return payloads
  }

  #isWorthTrying(): boolean {
    if (this.#passOver === 0) return true
    this.#passOver--
    return false
  }

  #taken(packed: Uint8Array | undefined, pieces: readonly Uint8Array[]): Payload {
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

/** In a buffer of its own, which can be given away: chunks lie many in a buffer, and are still to be read. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function bytesIn(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
