/**
 * Merges sorted runs of encoded items, which lie one after the other in a scratch:
 *
 *     run   for each item its length (4 bytes, big-endian), then the item, which begins with its key
 */

import { compareKeys } from './key-order.js'
import type { Scratch } from './scratch.js'

export const LENGTH_BYTES = 4

/** Bytes read back at once: of all runs together, and of each at least. */
const READ_BYTES = 16 * 1024 * 1024
const MIN_READ_BYTES = 16 * 1024

/** All items, rising by key, one for each key: that of the last run with it. Each run ends at one of `runEnds`. */
export async function* mergeRuns(scratch: Scratch, runEnds: readonly number[]): AsyncGenerator<Uint8Array> {
  const blockBytes = Math.max(MIN_READ_BYTES, Math.floor(READ_BYTES / runEnds.length))
  // The one whose item comes first is the last, where it is cheap to take away.
  const cursors: RunCursor[] = []
  for (const [run, end] of runEnds.entries()) {
    const cursor = new RunCursor(scratch, run, run === 0 ? 0 : runEnds[run - 1]!, end, blockBytes)
    await cursor.advance()
    insert(cursors, cursor)
  }
  let last: Uint8Array | undefined
  for (let cursor = cursors.pop(); cursor !== undefined; cursor = cursors.pop()) {
    const { item } = cursor
    if (last === undefined || compareKeys(last, 0, item, 0) !== 0) yield item
    last = item
    if (cursor.advanceInBlock() || (await cursor.advance())) insert(cursors, cursor)
  }
}

function insert(cursors: RunCursor[], cursor: RunCursor): void {
  let low = 0
  let high = cursors.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (comesBefore(cursor, cursors[middle]!)) low = middle + 1
    else high = middle
  }
  cursors.splice(low, 0, cursor)
}

/** Of equal keys, that of the later run comes first. */
function comesBefore(a: RunCursor, b: RunCursor): boolean {
  const order = compareKeys(a.item, 0, b.item, 0)
  return order < 0 || (order === 0 && a.run > b.run)
}

/** Reads one run, block by block. */
class RunCursor {
  readonly run: number
  /** The item at which it stands: a view of a block, which is not written again. */
  item: Uint8Array = new Uint8Array(0)
  readonly #scratch: Scratch
  readonly #blockBytes: number
  /** Where the block at hand ends in the scratch, and the run. */
  #blockEnd: number
  readonly #end: number
  #block: Uint8Array = new Uint8Array(0)
  #offset = 0

  constructor(scratch: Scratch, run: number, start: number, end: number, blockBytes: number) {
    this.run = run
    this.#scratch = scratch
    this.#blockBytes = blockBytes
    this.#blockEnd = start
    this.#end = end
  }

  /** Goes to the next item, if it is at hand. */
  advanceInBlock(): boolean {
    const start = this.#offset + LENGTH_BYTES
    if (start > this.#block.length) return false
    const end = start + this.#itemLength
    if (end > this.#block.length) return false
    this.item = this.#block.subarray(start, end)
    this.#offset = end
    return true
  }

  /** Goes to the next item; false where the run has ended. */
  async advance(): Promise<boolean> {
    const start = this.#blockEnd - (this.#block.length - this.#offset)
    if (start === this.#end) return false
    await this.#readBlock(start, Math.min(start + this.#blockBytes, this.#end))
    if (this.advanceInBlock()) return true
    // An item that is longer than a block is read by itself.
    await this.#readBlock(start, start + LENGTH_BYTES + this.#itemLength)
    return this.advanceInBlock()
  }

  get #itemLength(): number {
    const { buffer, byteOffset } = this.#block
    return new DataView(buffer, byteOffset).getUint32(this.#offset)
  }

  async #readBlock(start: number, end: number): Promise<void> {
    this.#block = await this.#scratch.read(start, end)
    this.#blockEnd = end
    this.#offset = 0
  }
}
