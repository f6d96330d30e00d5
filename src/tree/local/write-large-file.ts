/** Brings one file back whose bytes are more than one wants to hold, or have holes: piece by piece. */

import { read as readAsync, write as writeAsync } from 'node:fs'
import { promisify } from 'node:util'
import { Blob } from '../../blob/blob.js'
import { List } from '../../collection/list.js'
import { InvalidNodeError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { BLOCK_BYTES, cloneSeeds } from './clone-seeds.js'
import type { ExtractContext, ExtractRun } from './extract-run.js'
import type { FileOnTheWay } from './file-writer.js'
import { ftruncate } from './libc.js'
import type { AttributeFailure } from './set-attributes.js'
import { FileInTheMaking, type WriteOptions } from './write-files.js'

/** Bytes read and written at once. */
const PIECE_BYTES = 1024 * 1024

const read = promisify(readAsync)
const write = promisify(writeAsync)

/** What could not be set of its attributes. */
export async function writeLargeFile(
  run: ExtractRun,
  { entry, file }: FileOnTheWay,
  options: WriteOptions,
): Promise<AttributeFailure[]> {
  const blob = await Blob.open(run.context, entry.content)
  if (blob.size !== entry.size) {
    throw new InvalidNodeError(
      entry.content.toString(),
      `it has ${blob.size} bytes where its directory says ${entry.size}`,
    )
  }
  const made = new FileInTheMaking(file, options)
  let underWay: Promise<void> = Promise.resolve()
  try {
    // A size that no file here can have is refused before anything is written.
    if (entry.holes !== undefined) ftruncate(made.fd, entry.size)
    const holes = entry.holes && new Holes(run.context, entry.holes)
    const isCloned = holes === undefined && (await clone(run, blob, made.fd))
    let [piece, other] = [new Uint8Array(pieceBytes(entry.size)), new Uint8Array(pieceBytes(entry.size))]
    for (let position = 0; position < entry.size; position += piece.length) {
      run.check()
      const bytes = piece.subarray(0, await blob.read(piece, { position }))
      await underWay
      if (holes !== undefined) underWay = holes.write(made.fd, bytes, position)
      else underWay = (isCloned ? writeDiffering : writeAll)(made.fd, bytes, position)
      // Its failure is met at the next await.
      underWay.catch(() => {})
      ;[piece, other] = [other, piece]
    }
    await underWay
    return made.finish()
  } finally {
    await underWay.catch(() => {})
    made.close()
  }
}

/** Whether bytes of seeds have become some of the file's. */
async function clone(run: ExtractRun, blob: Blob, fd: number): Promise<boolean> {
  if (!run.mayClone) return false
  const byteCount = await cloneSeeds(run.context.seeds!, blob, fd)
  if (byteCount === undefined) run.mayClone = false
  return byteCount !== undefined && byteCount > 0
}

/** Writes the blocks that the file does not have there already. */
async function writeDiffering(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  const found = new Uint8Array(bytes.length)
  await read(fd, found, 0, found.length, position)
  let start = 0
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, bytes.length)
    if (Buffer.compare(found.subarray(at, end), bytes.subarray(at, end)) !== 0) continue
    await writeAll(fd, bytes.subarray(start, at), position + start)
    start = end
  }
  await writeAll(fd, bytes.subarray(start), position + start)
}

function pieceBytes(size: number): number {
  return Math.min(PIECE_BYTES, size)
}

async function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await write(fd, bytes, done, bytes.length - done, position + done)).bytesWritten
}

const NO_BYTES = new Uint8Array(PIECE_BYTES)

/** The stretches of a file that were not on the disk, met in their order. What is not zero in them is written yet. */
class Holes {
  readonly #offsets: AsyncIterator<unknown>
  /** The hole that ends last of those that have been read. */
  #start = 0
  #end = 0

  constructor(context: ExtractContext, ref: Ref) {
    this.#offsets = offsetsOf(context, ref)
  }

  /** Writes bytes that come after those of the last call, except for holes. */
  async write(fd: number, bytes: Uint8Array, position: number): Promise<void> {
    const end = position + bytes.length
    for (let at = position; at < end; ) {
      while (this.#end <= at) await this.#next()
      const isHole = this.#start <= at
      const to = Math.min(end, isHole ? this.#end : this.#start)
      const part = bytes.subarray(at - position, to - position)
      if (!isHole || !isZero(part)) await writeAll(fd, part, at)
      at = to
    }
  }

  async #next(): Promise<void> {
    const [start, length] = [await this.#offsets.next(), await this.#offsets.next()]
    const isPair = start.done !== true && length.done !== true
    this.#start = isPair && isOffset(start.value) ? start.value : Number.POSITIVE_INFINITY
    this.#end = isPair && isOffset(length.value) ? this.#start + length.value : Number.POSITIVE_INFINITY
  }
}

async function* offsetsOf(context: ExtractContext, ref: Ref): AsyncGenerator<unknown> {
  yield* await List.open(context, ref)
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, NO_BYTES.subarray(0, bytes.length)) === 0
}
