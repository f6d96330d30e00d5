/** File systems that do not do what they are asked to, between a store and its disk. */

import type { File, FileSystem } from '../../src/store/segment/file-system.js'
import { systemError } from './crash-fs.js'

export type OperationName =
  | Exclude<keyof FileSystem, 'open' | 'create'>
  | 'open'
  | 'create'
  | `file.${keyof File}`

export interface Operation {
  readonly name: OperationName
  /** Of the file or directory. */
  readonly path: string
  /** Which opening of a file it is about; 0 where it is about none. */
  readonly handle: number
}

/** Stands around each operation; `run` does it. */
export type Around = <T>(operation: Operation, run: () => Promise<T>) => Promise<T>

export interface FaultOptions {
  readonly around?: Around
  /** How many of `byteCount` bytes a write takes. */
  readonly writtenBytes?: (operation: Operation, byteCount: number) => number
}

let handleCount = 0

/** `fs` with something around each of its operations. */
export function faultyFs(fs: FileSystem, options: FaultOptions): FileSystem {
  const { around = (_, run) => run(), writtenBytes = (_, byteCount) => byteCount } = options
  const on = <T>(name: OperationName, path: string, run: () => Promise<T>): Promise<T> =>
    around({ name, path, handle: 0 }, run)
  const opened = async (path: string, opening: Promise<File>): Promise<File> => {
    const file = await opening
    const handle = ++handleCount
    const onFile = <T>(name: keyof File, run: () => Promise<T>): Promise<T> =>
      around({ name: `file.${name}`, path, handle }, run)
    return {
      read: (buffer, position) => onFile('read', () => file.read(buffer, position)),
      write: (buffers, position) =>
        onFile('write', () => {
          const bytes = new Uint8Array(Buffer.concat(buffers))
          const count = writtenBytes({ name: 'file.write', path, handle }, bytes.length)
          return file.write([bytes.subarray(0, count)], position)
        }),
      truncate: (length) => onFile('truncate', () => file.truncate(length)),
      sync: () => onFile('sync', () => file.sync()),
      size: () => onFile('size', () => file.size()),
      close: () => onFile('close', () => file.close()),
    }
  }
  return {
    readDir: (path) => on('readDir', path, () => fs.readDir(path)),
    makeDir: (path) => on('makeDir', path, () => fs.makeDir(path)),
    open: (path, mode) => on('open', path, () => opened(path, fs.open(path, mode))),
    create: (path) => on('create', path, () => opened(path, fs.create(path))),
    rename: (from, to) => on('rename', from, () => fs.rename(from, to)),
    remove: (path) => on('remove', path, () => fs.remove(path)),
    syncDir: (path) => on('syncDir', path, () => fs.syncDir(path)),
    freeBytes: (path) => on('freeBytes', path, () => fs.freeBytes(path)),
  }
}

/** Never does the operation `name`, and says that it did. */
export function dropping(name: OperationName): (fs: FileSystem) => FileSystem {
  return (fs) =>
    faultyFs(fs, {
      around: async (operation, run) => (operation.name === name ? (undefined as never) : run()),
    })
}

/** Syncs a file only when it is asked to the next time. */
export function syncingLate(fs: FileSystem): FileSystem {
  const owed = new Map<number, () => Promise<unknown>>()
  return faultyFs(fs, {
    around: async (operation, run) => {
      if (operation.name !== 'file.sync') return run()
      const before = owed.get(operation.handle)
      owed.set(operation.handle, run)
      await before?.()
      return undefined as never
    },
  })
}

/** Writes of a file change places: each is done after the one that was asked for next, or at once before a read. */
export function swappingSyncs(fs: FileSystem): FileSystem {
  let held: (() => Promise<unknown>) | undefined
  return faultyFs(fs, {
    around: async (operation, run) => {
      if (operation.name === 'file.sync') {
        held = run
        return undefined as never
      }
      const result = await run()
      if (operation.name === 'file.write') {
        await held?.()
        held = undefined
      }
      return result
    },
  })
}

/** Removes the first segment once another one has been made, and later says that it was removed when it is asked to. */
export function removingEarly(fs: FileSystem): FileSystem {
  const first = '00000001.seg'
  let isCollecting = false
  return {
    ...fs,
    readDir: (path) => fs.readDir(path),
    makeDir: (path) => fs.makeDir(path),
    open: (path, mode) => fs.open(path, mode),
    rename: (from, to) => fs.rename(from, to),
    syncDir: (path) => fs.syncDir(path),
    freeBytes: (path) => fs.freeBytes(path),
    create: async (path) => {
      const file = await fs.create(path)
      // In the middle of a collection two segments are made.
      if (path.endsWith('.seg') && !path.endsWith(first) && !isCollecting) {
        isCollecting = true
        await fs.remove(path.replace(/\d+\.seg$/, first))
      }
      return file
    },
    remove: async (path) => {
      if (!path.endsWith(first)) await fs.remove(path)
    },
  }
}

/** By the path of a file, its pages of 4 KiB that cannot be read. */
export type BadPages = Map<string, Set<number>>

const PAGE_BYTES = 4096

/** Files of which some pages cannot be read; a file that is renamed takes its pages along. */
export function unreadablePages(fs: FileSystem, bad: BadPages): FileSystem {
  const opened = (path: string, file: File): File => {
    const pages = bad.get(path)
    if (pages === undefined) return file
    return {
      ...file,
      read: async (buffer, position) => {
        for (
          let page = Math.floor(position / PAGE_BYTES);
          page * PAGE_BYTES < position + buffer.length;
          page++
        )
          if (pages.has(page)) throw systemError('EIO', path)
        return file.read(buffer, position)
      },
    }
  }
  return {
    readDir: (path) => fs.readDir(path),
    makeDir: (path) => fs.makeDir(path),
    open: async (path, mode) => opened(path, await fs.open(path, mode)),
    create: (path) => fs.create(path),
    rename: async (from, to) => {
      await fs.rename(from, to)
      const pages = bad.get(from)
      bad.delete(from)
      if (pages === undefined) bad.delete(to)
      else bad.set(to, pages)
    },
    remove: async (path) => {
      await fs.remove(path)
      bad.delete(path)
    },
    syncDir: (path) => fs.syncDir(path),
    freeBytes: (path) => fs.freeBytes(path),
  }
}
