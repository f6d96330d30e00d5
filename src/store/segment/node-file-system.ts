/** The file system of the machine, by Node's fs. */

import { constants, readSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import type { File, FileSystem } from './file-system.js'

/** Most buffers that one writev takes. */
const MAX_BUFFERS = 1024

export const nodeFileSystem: FileSystem = {
  readDir: (path) => readdir(path),
  makeDir: async (path) => {
    await mkdir(path, { mode: 0o700 })
  },
  open: async (path, mode) =>
    new NodeFile(await open(path, mode === 'read' ? constants.O_RDONLY : constants.O_RDWR)),
  create: async (path) =>
    new NodeFile(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)),
  rename: (from, to) => rename(from, to),
  remove: (path) => unlink(path),
  syncDir: async (path) => {
    // Windows has no way to do this, and needs none.
    if (process.platform === 'win32') return
    const directory = await open(path, constants.O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}

class NodeFile implements File {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  get fd(): number {
    return this.#handle.fd
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(buffer, 0, buffer.length, position)).bytesRead
  }

  readSync(buffer: Uint8Array, position: number): number {
    return readSync(this.#handle.fd, buffer, 0, buffer.length, position)
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return (await this.#handle.writev(buffers.slice(0, MAX_BUFFERS), position)).bytesWritten
  }

  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes)
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
