/** Bytes of a stream, taken in the numbers that a format asks for. */

import { ArchiveError } from '../../errors.js'

export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next `count` bytes; undefined at the end. Rejects with NOMSY_SOURCE_FAILED where it comes too early. */
  async take(count: number): Promise<Uint8Array | undefined> {
    if (this.#piece.length - this.#at >= count) return this.#part(count)
    const bytes = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      const part = await this.#some(count - filled)
      if (part === undefined) {
        if (filled === 0) return undefined
        throw cutOff()
      }
      bytes.set(part, filled)
      filled += part.length
    }
    return bytes
  }

  /** The next bytes without taking them: `count`, or as many as there are. */
  async peek(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for (let left = count; left > 0; ) {
      const part = await this.#some(left)
      if (part === undefined) break
      parts.push(part)
      left -= part.length
    }
    const bytes = Buffer.concat(parts)
    this.#piece = Buffer.concat([bytes, this.#piece.subarray(this.#at)])
    this.#at = 0
    return bytes
  }

  /** The next `count` bytes, as they come. */
  async *pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      const part = await this.#some(left)
      if (part === undefined) throw cutOff()
      left -= part.length
      yield part
    }
  }

  /** Ends the stream. */
  async end(): Promise<void> {
    await this.#source.return?.()
  }

  async #some(most: number): Promise<Uint8Array | undefined> {
    while (this.#at === this.#piece.length) {
      const next = await this.#source.next()
      if (next.done === true) return undefined
      this.#piece = next.value
      this.#at = 0
    }
    return this.#part(Math.min(most, this.#piece.length - this.#at))
  }

  #part(count: number): Uint8Array {
    return this.#piece.subarray(this.#at, (this.#at += count))
  }
}

export function cutOff(): ArchiveError {
  return new ArchiveError('the archive ends in the middle of a member; it is cut off')
}
