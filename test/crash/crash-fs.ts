/**
 * A file system in memory that can stop at any operation and that keeps a journal, from which the disk at every
 * moment, and what a crash at that moment may leave of it, can be had again.
 */

import type { File, FileSystem } from '../../src/store/segment/file-system.js'
import { type Change, type Disk, type DiskEvent, type Inode, newInode } from './disk.js'

/** What every operation after the crash rejects with. */
export class CrashError extends Error {
  readonly code = 'crash'

  constructor() {
    super('crash')
  }
}

/** There is room for all that tests write. */
const FREE_BYTES = 1024 ** 3

export interface CrashFsOptions {
  /** The disk to work on. */
  readonly disk: Disk
  /** Told of everything that happens to the disk, before it does. */
  readonly onEvent?: (event: DiskEvent) => void
  /** Turns of the event loop's microtasks that the next operation takes. */
  readonly turns?: () => number
  /** Operations that go through; all after them reject. */
  readonly stopAt?: number
}

export class CrashFs implements FileSystem {
  readonly #options: CrashFsOptions
  #operationCount = 0
  #isStopped = false

  constructor(options: CrashFsOptions) {
    this.#options = options
  }

  /** Operations asked for so far. */
  get operationCount(): number {
    return this.#operationCount
  }

  get disk(): Disk {
    return this.#options.disk
  }

  /** From now on every operation rejects, and those under way never end. */
  stop(): void {
    this.#isStopped = true
  }

  throwIfStopped(): void {
    if (this.#isStopped) throw new CrashError()
  }

  async readDir(path: string): Promise<string[]> {
    await this.#operation()
    return [...this.#directory(path).names.keys()]
  }

  async makeDir(path: string): Promise<void> {
    await this.#operation()
    await this.#link(path, true)
  }

  async open(path: string, mode: 'read' | 'write'): Promise<File> {
    await this.#operation()
    const inode = this.disk.find(path)
    if (inode === undefined) throw systemError('ENOENT', path)
    if (this.disk.bytes(inode) === undefined) throw systemError('EISDIR', path)
    return this.#file(inode, mode === 'write')
  }

  async create(path: string): Promise<File> {
    await this.#operation()
    return this.#file(await this.#link(path, false), true)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation()
    const [directory, name] = parts(from)
    const [otherDirectory, otherName] = parts(to)
    if (directory !== otherDirectory) throw systemError('EXDEV', from)
    const { inode, names } = this.#directory(directory)
    const target = names.get(name)
    if (target === undefined) throw systemError('ENOENT', from)
    await this.#change({ kind: 'rename', inode, name, to: otherName, target })
  }

  async remove(path: string): Promise<void> {
    await this.#operation()
    const [directory, name] = parts(path)
    const { inode, names } = this.#directory(directory)
    if (!names.has(name)) throw systemError('ENOENT', path)
    await this.#change({ kind: 'unlink', inode, name })
  }

  async syncDir(path: string): Promise<void> {
    await this.#operation()
    await this.#sync(this.#directory(path).inode)
  }

  async freeBytes(): Promise<number> {
    await this.#operation()
    return FREE_BYTES
  }

  #file(inode: Inode, isWritable: boolean): File {
    const disk = this.disk
    const operation = async (writes: boolean): Promise<void> => {
      await this.#operation()
      if (writes && !isWritable) throw systemError('EBADF', `inode ${inode}`)
    }
    return {
      read: async (buffer, position) => {
        await operation(false)
        const part = disk.bytes(inode)!.subarray(position, position + buffer.length)
        buffer.set(part)
        return part.length
      },
      write: async (buffers, position) => {
        await operation(true)
        const bytes = new Uint8Array(Buffer.concat(buffers))
        await this.#change({ kind: 'write', inode, position, bytes })
        return bytes.length
      },
      truncate: async (length) => {
        await operation(true)
        await this.#change({ kind: 'truncate', inode, length })
      },
      sync: async () => {
        await operation(true)
        await this.#sync(inode)
      },
      size: async () => {
        await operation(false)
        return disk.bytes(inode)!.length
      },
      close: () => operation(false),
    }
  }

  async #link(path: string, isDirectory: boolean): Promise<Inode> {
    const [directory, name] = parts(path)
    const { inode, names } = this.#directory(directory)
    if (names.has(name)) throw systemError('EEXIST', path)
    const target = newInode()
    await this.#change({ kind: 'link', inode, name, target, isDirectory })
    return target
  }

  #directory(path: string): { readonly inode: Inode; readonly names: ReadonlyMap<string, Inode> } {
    const inode = this.disk.find(path)
    if (inode === undefined) throw systemError('ENOENT', path)
    const names = this.disk.names(inode)
    if (names === undefined) throw systemError('ENOTDIR', path)
    return { inode, names }
  }

  async #change(change: Change): Promise<void> {
    this.#happens({ kind: 'begin', change })
    await this.#pause()
    this.#happens({ kind: 'end', change })
  }

  /** Covers what has ended when it begins, and holds only once it returns. */
  async #sync(inode: Inode): Promise<void> {
    const changes = this.disk.endedChanges(inode)
    await this.#pause()
    this.#happens({ kind: 'sync', inode, changes })
  }

  #happens(event: DiskEvent): void {
    this.throwIfStopped()
    this.#options.onEvent?.(event)
    this.disk.apply(event)
  }

  async #operation(): Promise<void> {
    const { stopAt = Number.POSITIVE_INFINITY } = this.#options
    if (this.#operationCount >= stopAt) this.stop()
    this.throwIfStopped()
    this.#operationCount++
  }

  async #pause(): Promise<void> {
    for (let turns = this.#options.turns?.() ?? 0; turns > 0; turns--) await undefined
  }
}

/** An error as Node's fs gives it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path })
}

function parts(path: string): [directory: string, name: string] {
  const at = path.lastIndexOf('/')
  return [path.slice(0, at), path.slice(at + 1)]
}
