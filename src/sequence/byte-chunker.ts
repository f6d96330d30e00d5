/**
 * Cuts bytes, each of which is an item, into chunks: the leaves of a blob. Bytes gather in slabs; all places in a slab
 * where a chunk could end are found at once, on another thread if there is one, and the cuts among them by size, slab
 * after slab. SPEC "Boundaries".
 *
 *     slab    [ room for a chunk's beginning | bytes, up to 1 MiB ]
 *                        [ carry: what is left of the slab before ]
 */

import { SourceError } from '../errors.js'
import { MAX_SCAN_BYTES, SCAN_WINDOW_BYTES } from '../hash/boundary-scan.js'
import { type FilePart, type ScannedBytes, scan } from '../parallel/jobs.js'
import { runJob } from '../parallel/pool.js'
import { BoundaryFinder, type BoundaryRule } from './boundary.js'

/**
 * Whole chunks one after the other in `items`, each up to one of `ends`. The taker owns both, with the buffer in which
 * the items lie, and may hand that back to {@link ByteChunker.reuse}.
 */
export type EmitRun = (items: Uint8Array, ends: Uint32Array) => void

/** Most bytes of a part of a file that is pushed. */
export const MAX_PART_BYTES = MAX_SCAN_BYTES

/** A slab is no larger than this while it may be the only one: little data costs little. */
const SMALL_SLAB_BYTES = 64 * 1024

/** Fewer bytes than this are looked at one by one, and fewer than that on the spot. */
const MIN_SCAN_BYTES = 4096
const PARALLEL_BYTES = 256 * 1024

/** Slabs in which boundaries are being looked for at a time. */
const MAX_SCANS = 4

/** Memory of slabs of the greatest size that were handed back, for whoever comes next: many files are many chunkers. */
const SPARES: ArrayBufferLike[] = []
const MAX_SPARES = 8

/** Memory with the bytes from `start` to `end`; before them is room for the carry. */
interface Slab {
  readonly memory: Uint8Array
  readonly start: number
  end: number
}

/** A slab in which boundaries have been looked for, but not those whose window begins before it. */
interface ScannedSlab extends Slab {
  /** Where a chunk may end, from the slab's start; undefined where nobody has looked. */
  readonly offsets: Uint32Array | undefined
}

export class ByteChunker {
  readonly #rule: BoundaryRule
  readonly #finder: BoundaryFinder
  readonly #emit: EmitRun
  /** Slabs that are full, in order. */
  readonly #full: (ScannedSlab | Promise<ScannedSlab>)[] = []
  /** The slab after them, which is being filled. */
  #slab: Slab | undefined
  /** Bytes since the last cut, of the slabs that have been cut. */
  #carry: Uint8Array = new Uint8Array(0)
  constructor(rule: BoundaryRule, emit: EmitRun) {
    this.#rule = rule
    this.#finder = new BoundaryFinder(rule)
    this.#emit = emit
  }

  /** Adds bytes, which it copies. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const slab = this.#roomFor(bytes.length - at)
      const free = Math.min(slab.memory.length, slab.start + MAX_SCAN_BYTES) - slab.end
      const part = bytes.subarray(at, at + free)
      slab.memory.set(part, slab.end)
      slab.end += part.length
      at += part.length
      if (slab.end - slab.start === MAX_SCAN_BYTES) this.#endSlab()
    }
  }

  /** Adds a part of a file, of at most 1 MiB, which is read where its boundaries are looked for. */
  pushPart(part: FilePart): void {
    if (this.#slab !== undefined) this.#endSlab()
    this.#slab = this.#newSlab()
    this.#slab.end += part.length
    this.#endSlab(part)
  }

  /** Whether {@link cutNext} is to be awaited before more is pushed: it can be done at once, or enough is under way. */
  get isBusy(): boolean {
    const [first] = this.#full
    return first !== undefined && (this.#full.length > MAX_SCANS || !(first instanceof Promise))
  }

  /** Cuts the first slab that is full. */
  async cutNext(): Promise<void> {
    const slab = await this.#full[0]!
    this.#full.shift()
    this.#cut(slab)
  }

  /** Cuts all that was pushed. */
  async settle(): Promise<void> {
    while (this.#full.length > 0) await this.cutNext()
    const slab = this.#slab
    if (slab === undefined) return
    this.#slab = undefined
    this.#cut(await this.#scan(slab))
  }

  /** Whether what was pushed and settled ends at a boundary. */
  get isAtBoundary(): boolean {
    return this.#carry.length === 0
  }

  /** Ends the last chunk, if there is one. */
  async flush(): Promise<void> {
    await this.settle()
    const rest = this.#carry
    this.#carry = new Uint8Array(0)
    if (rest.length > 0) this.#emit(rest, Uint32Array.of(rest.length))
  }

  /** Resolves when no file is being read any more. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#full)
  }

  /** Takes a slab's memory back that was handed over with `items`. */
  reuse({ buffer }: Uint8Array): void {
    const isWhole = buffer.byteLength === this.#headroom + MAX_SCAN_BYTES
    if (isWhole && SPARES.length < MAX_SPARES) SPARES.push(buffer)
  }

  /** The most bytes that a carry has. */
  get #headroom(): number {
    return this.#rule.maxUnits
  }

  /** Whether the compiled search is made for this rule. */
  get #isScannable(): boolean {
    const { unitBytes, windowUnits } = this.#rule
    return unitBytes * windowUnits === SCAN_WINDOW_BYTES
  }

  /** The slab to fill, with room for some at least of `byteCount` more bytes: little at first, then all there is. */
  #roomFor(byteCount: number): Slab {
    const slab = this.#slab
    if (slab !== undefined && slab.end < slab.memory.length) return slab
    const held = slab === undefined ? new Uint8Array(0) : slab.memory.subarray(slab.start, slab.end)
    const least = held.length + Math.max(byteCount, held.length)
    const larger =
      this.#full.length === 0 && least <= SMALL_SLAB_BYTES ? this.#smallSlab(least) : this.#newSlab()
    larger.memory.set(held, larger.end)
    larger.end += held.length
    this.#slab = larger
    return larger
  }

  #newSlab(): Slab {
    const start = this.#headroom
    const size = start + MAX_SCAN_BYTES
    const spare = SPARES.pop()
    const buffer = spare?.byteLength === size ? spare : new ArrayBuffer(size)
    return { memory: new Uint8Array(buffer), start, end: start }
  }

  /** A slab for `byteCount` bytes that come after the carry of now. */
  #smallSlab(byteCount: number): Slab {
    const start = this.#carry.length
    return { memory: new Uint8Array(start + byteCount), start, end: start }
  }

  /** Begins to look for boundaries in the slab, in whose place `part` is read first, if one is given. */
  #endSlab(part?: FilePart): void {
    const slab = this.#slab!
    this.#slab = undefined
    const scanned = part === undefined ? this.#scan(slab) : this.#readAndScan(slab, part)
    // A failure is met when the slab's turn comes.
    if (scanned instanceof Promise) scanned.catch(() => {})
    this.#full.push(scanned)
  }

  #scan(slab: Slab): ScannedSlab | Promise<ScannedSlab> {
    const bytes = slab.memory.subarray(slab.start, slab.end)
    if (!this.#isScannable || bytes.length < MIN_SCAN_BYTES) return { ...slab, offsets: undefined }
    if (bytes.length < PARALLEL_BYTES) return slabOf(scan(bytes, this.#rule.ones))
    const scanned = runJob('scan', bytes.length, bytes, this.#rule.ones)
    return scanned instanceof Promise ? scanned.then(slabOf) : slabOf(scanned)
  }

  async #readAndScan({ memory, start, end }: Slab, part: FilePart): Promise<ScannedSlab> {
    const slab = slabOf(await this.#read(memory.subarray(start, end), part))
    if (slab.end < end) {
      const fileEnd = part.position + slab.end - start
      throw new SourceError(`a file ended at byte ${fileEnd} while it was read: it was longer before`)
    }
    return this.#isScannable ? slab : { ...slab, offsets: undefined }
  }

  async #read(memory: Uint8Array, part: FilePart): Promise<ScannedBytes> {
    try {
      return await runJob('readAndScan', memory.length, memory, this.#rule.ones, part)
    } catch (cause) {
      throw new SourceError(`a file cannot be read: ${(cause as Error).message}`, { cause })
    }
  }

  /** Hands over the chunks that end in `slab`; what is left is the carry. */
  #cut({ memory, start, end, offsets }: ScannedSlab): void {
    const first = start - this.#carry.length
    memory.set(this.#carry, first)
    const ends = this.#ends(memory, first, start, end, offsets)
    const last = ends[ends.length - 1]
    this.#carry = memory.slice(last ?? first, end)
    if (last === undefined) return this.reuse(memory)
    const sizes = Uint32Array.from(ends, (each) => each - first)
    this.#emit(memory.subarray(first, last), sizes)
  }

  /** Where chunks end in `memory` after `from` and up to `to`, the first one beginning at `first`. */
  #ends(memory: Uint8Array, first: number, from: number, to: number, offsets?: Uint32Array): number[] {
    const ends: number[] = []
    // In the windows that reach back over the slab's start nobody else has looked.
    const begun = offsets === undefined ? to : Math.min(to, from + SCAN_WINDOW_BYTES - 1)
    let start = first
    for (let looked = from; ; ) {
      const end = this.#finder.find(memory, start, looked, begun)
      if (end < 0) break
      ends.push(end)
      start = end
      looked = end
    }
    if (offsets !== undefined) cutAt(offsets, from, start, to, this.#rule, ends)
    return ends
  }
}

/**
 * Cuts at those of `offsets`, counted from `from`, that may end a chunk by its size, the first chunk beginning at
 * `start`; adds the ends of chunks up to `to`.
 */
export function cutAt(
  offsets: Iterable<number>,
  from: number,
  start: number,
  to: number,
  { minUnits, maxUnits }: BoundaryRule,
  ends: number[],
): void {
  let begin = start
  for (const offset of offsets) {
    const at = from + offset
    for (; at - begin > maxUnits; begin += maxUnits) ends.push(begin + maxUnits)
    if (at - begin < minUnits) continue
    ends.push(at)
    begin = at
  }
  for (; to - begin >= maxUnits; begin += maxUnits) ends.push(begin + maxUnits)
}

/** The slab of which `bytes` are what it was filled with. */
function slabOf({ bytes, offsets }: ScannedBytes): ScannedSlab {
  const { buffer, byteOffset, length } = bytes
  return { memory: new Uint8Array(buffer), start: byteOffset, end: byteOffset + length, offsets }
}
