/** The segments of a store, open for reading: each is opened when it is first read and stays open. */

import type { File, FileSystem } from './file-system.js'
import { segmentFile } from './store-format.js'

export class SegmentFiles {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #files = new Map<number, Promise<File>>()

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.#path = path
  }

  get(segment: number): Promise<File> {
    let file = this.#files.get(segment)
    if (file === undefined) {
      file = this.#fs.open(segmentFile(this.#path, segment), 'read')
      this.#files.set(segment, file)
      file.catch(() => this.#files.delete(segment))
    }
    return file
  }

  /** Hands over a segment that is open already, in place of the one that was. */
  async add(segment: number, file: File): Promise<void> {
    const before = this.#files.get(segment)
    this.#files.set(segment, Promise.resolve(file))
    await (await before)?.close()
  }

  /** Closes a segment, which is about to be removed. */
  async remove(segment: number): Promise<void> {
    const file = await this.#files.get(segment)
    this.#files.delete(segment)
    await file?.close()
  }

  /** Where a segment lies, for messages. */
  name(segment: number): string {
    return segmentFile(this.#path, segment)
  }

  /** What matters of them has been made durable by now: failing to close one loses nothing. */
  async close(): Promise<void> {
    const files = await Promise.allSettled(this.#files.values())
    this.#files.clear()
    await Promise.allSettled(
      files.map((file) => (file.status === 'fulfilled' ? file.value.close() : undefined)),
    )
  }
}
