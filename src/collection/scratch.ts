/**
 * Room for bytes that are too many to hold in memory and are needed for a while only: a temporary file where there is
 * Node, which leaves nothing behind when the process ends however it does, a web Blob elsewhere, which browsers keep
 * on disk when it is large.
 */

import type { FileHandle } from 'node:fs/promises'

export interface Scratch {
  /** Adds bytes at the end. */
  append(bytes: Uint8Array): Promise<void>
  /** The bytes from `start` to `end`, which were added. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Gives the room back. */
  close(): Promise<void>
}

export async function openScratch(): Promise<Scratch> {
  return (await openFileScratch()) ?? new BlobScratch()
}

/** Undefined where there is no Node. */
async function openFileScratch(): Promise<Scratch | undefined> {
  const { process } = globalThis
  const fs = process?.getBuiltinModule?.('node:fs/promises')
  if (fs === undefined) return undefined
  const { tmpdir } = process.getBuiltinModule('node:os')
  const { join } = process.getBuiltinModule('node:path')
  const path = join(tmpdir(), `nomsy-${process.pid}-${crypto.randomUUID()}`)
  const file = await fs.open(path, 'wx+', 0o600)
  // A file without a name goes when it is closed. Windows removes no file that is open.
  const isWindows = process.platform === 'win32'
  if (!isWindows) await fs.unlink(path)
  return new FileScratch(file, isWindows ? () => fs.unlink(path) : async () => {})
}

class FileScratch implements Scratch {
  readonly #file: FileHandle
  readonly #remove: () => Promise<void>
  #length = 0

  constructor(file: FileHandle, remove: () => Promise<void>) {
    this.#file = file
    this.#remove = remove
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#length)
      this.#length += bytesWritten
      at += bytesWritten
    }
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start)
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, start + at)
      if (bytesRead === 0) throw new Error(`a temporary file lost its bytes from ${start + at} on`)
      at += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    await this.#file.close()
    await this.#remove()
  }
}

export class BlobScratch implements Scratch {
  #blob = new Blob([])

  async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#blob = new Blob([this.#blob, bytes])
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    return new Uint8Array(await this.#blob.slice(start, end).arrayBuffer())
  }

  async close(): Promise<void> {
    this.#blob = new Blob([])
  }
}
