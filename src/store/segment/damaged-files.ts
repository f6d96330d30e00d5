/**
 * Copies of bytes of the log that were damaged, in the store's directory `damaged`, made before anything is written over
 * them. Their names say where they lay: `00000002-157-222.bin` is bytes 157 to 221 of segment 2, `.old` once its chunks have
 * been put again. SPEC "Repair".
 */

import { join } from 'node:path'
import { type File, type FileSystem, readFully, writeFully } from './file-system.js'
import type { Stretch } from './log-check.js'
import { hasCode } from './store-format.js'

/** Bytes that are copied, or written, in one go. */
export const MAX_PIECE_BYTES = 1024 * 1024

/** A copy: the file, and where its bytes lay where it is of a segment. */
export interface DamagedFile {
  readonly path: string
  readonly stretch: Stretch | undefined
}

export class DamagedFiles {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #directory: string

  /** `path` is the store's directory. */
  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.#path = path
    this.#directory = join(path, 'damaged')
  }

  /** Copies a stretch of a segment, open as `file`; durable when it resolves. Gives the copy's path, none for no bytes. */
  async keep(file: File, { segment, start, end }: Stretch): Promise<string | undefined> {
    if (end <= start) return undefined
    const name = `${String(segment).padStart(8, '0')}-${start}-${end}`
    return this.#copy(file, start, end, name)
  }

  /** Copies a whole file, as {@link keep} does. */
  async keepFile(path: string, name: string): Promise<string | undefined> {
    const file = await this.#fs.open(path, 'read')
    try {
      return await this.#copy(file, 0, await file.size(), name)
    } finally {
      await file.close()
    }
  }

  /** Those that have not been {@link salvaged}. */
  async list(): Promise<DamagedFile[]> {
    const names = await this.#fs.readDir(this.#directory).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    })
    return names
      .filter((name) => name.endsWith('.bin'))
      .sort()
      .map((name) => ({ path: join(this.#directory, name), stretch: stretchOf(name) }))
  }

  /**
   * All in `files` that could be read is in the log again, durable. They are kept, and not read again: what a collection
   * frees of it later is not to come back.
   */
  async salvaged(files: readonly DamagedFile[]): Promise<void> {
    for (const { path } of files) await this.#fs.rename(path, path.replace(/bin$/, 'old'))
    if (files.length > 0) await this.#fs.syncDir(this.#directory)
  }

  async #copy(file: File, start: number, end: number, name: string): Promise<string> {
    const fs = this.#fs
    await fs.makeDir(this.#directory).then(
      () => fs.syncDir(this.#path),
      (error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error
      },
    )
    const draft = join(this.#directory, `${name}.tmp`)
    await fs.remove(draft).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
    const copy = await fs.create(draft)
    try {
      for (let at = start; at < end; at += MAX_PIECE_BYTES) {
        const bytes = new Uint8Array(Math.min(MAX_PIECE_BYTES, end - at))
        const read = await readFully(file, bytes, at)
        await writeFully(copy, [bytes.subarray(0, read)], at - start)
      }
      await copy.sync()
    } finally {
      await copy.close()
    }
    const path = join(this.#directory, await this.#freeName(name))
    await fs.rename(draft, path)
    await fs.syncDir(this.#directory)
    return path
  }

  /** Of the same place there may be a copy already: a repair that was interrupted made it, or the place was damaged anew. */
  async #freeName(name: string): Promise<string> {
    const taken = await this.#fs.readDir(this.#directory)
    for (let number = 1; ; number++) {
      const candidate = number === 1 ? `${name}.bin` : `${name}.${number}.bin`
      if (!taken.includes(candidate) && !taken.includes(candidate.replace(/bin$/, 'old'))) return candidate
    }
  }
}

function stretchOf(name: string): Stretch | undefined {
  const [, segment, start, end] = /^(\d{8})-(\d+)-(\d+)(?:\.\d+)?\.bin$/.exec(name) ?? []
  if (segment === undefined) return undefined
  return { segment: Number(segment), start: Number(start), end: Number(end) }
}
