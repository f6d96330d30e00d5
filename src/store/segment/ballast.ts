/**
 * The file `ballast` in a store's directory: room that is kept for when the disk is full, since to remove names and to
 * collect garbage something is written before anything is freed. SPEC "The directory".
 *
 * It is as large as the log, of which a collection may have to copy what lives, from 512 KiB up to 8 MiB: a small store
 * stays small, and what is written beside the log (the index, the lock) is small with it. Nothing in it means anything,
 * so that it is not synced, anybody may remove it, and failing to make it is no error.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type FileSystem, writeFully } from './file-system.js'

/** Of a log of this size or more. */
export const BALLAST_BYTES = 8 * 1024 * 1024

/** The smallest is this part of the largest. */
const MIN_SHARE = 1 / 16

/** Written in one go: more than any file system packs together, so that each has to allocate all of it. */
const PIECE_BYTES = 512 * 1024

export interface BallastOptions {
  readonly fs: FileSystem
  /** The store's directory. */
  readonly path: string
  /** Bytes at most; 0 for none. */
  readonly maxBytes: number
}

export class Ballast {
  readonly #options: BallastOptions
  /** Bytes that it has, or that it was found to be without room for. */
  #bytes = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(options: BallastOptions) {
    this.#options = options
  }

  /** Makes it, or makes it larger, for a log of `logBytes`, where that leaves as much room again. */
  keep(logBytes: number): Promise<void> {
    const { maxBytes } = this.#options
    if (this.#bytes >= maxBytes) return this.#turn
    const needed = 2 ** Math.ceil(Math.log2(logBytes))
    const bytes = Math.min(maxBytes, Math.max(Math.ceil(maxBytes * MIN_SHARE), needed))
    if (bytes <= this.#bytes) return this.#turn
    this.#bytes = bytes
    return this.#inTurn(() => this.#make(bytes))
  }

  /** Gives it up where the disk has less room than the largest one takes. It is made again at another opening. */
  giveUp(): Promise<void> {
    return this.#inTurn(async () => {
      const { fs, path, maxBytes } = this.#options
      if ((await fs.freeBytes(path)) >= maxBytes) return
      this.#bytes = maxBytes
      await fs.remove(ballastFile(path))
    })
  }

  /** Resolves once nothing of this is under way. */
  settled(): Promise<void> {
    return this.#turn
  }

  async #make(bytes: number): Promise<void> {
    const { fs, path } = this.#options
    const name = ballastFile(path)
    const file = await fs.open(name, 'write').catch(() => undefined)
    const there = (await file?.size()) ?? 0
    await file?.close()
    if (there >= bytes || (await fs.freeBytes(path)) + there < 2 * bytes) return
    if (file !== undefined) await fs.remove(name)
    const made = await fs.create(name)
    try {
      const piece = new Uint8Array(randomBytes(Math.min(PIECE_BYTES, bytes)))
      for (let at = 0; at < bytes; at += piece.length) {
        await writeFully(made, [piece.subarray(0, bytes - at)], at)
      }
    } catch {
      await fs.remove(name)
    } finally {
      await made.close()
    }
  }

  #inTurn(body: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(body).catch(() => {})
    return this.#turn
  }
}

const ballastFile = (path: string): string => join(path, 'ballast')
