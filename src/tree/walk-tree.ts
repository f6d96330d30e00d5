/**
 * Everything under a directory in the order of SPEC "Directories": in each directory first what is no directory, then
 * the directories, each followed by all that is in it. Holds one path in memory, and of each directory on it a few of
 * the directories that come next; those are fetched together.
 */

import { type DirTree, openSubdirectory, readEntries } from './dir-tree.js'
import type { DirectoryEntry, Entry, EntryName } from './entry.js'
import { entryReader } from './entry-item.js'
import { joinPath } from './tree-path.js'

/** Directories in one directory that are remembered at a time; it is read again for those after them. */
const MAX_AHEAD = 128

/** Directories fetched together. */
const BATCH_DIRECTORIES = 32

export interface WalkOptions {
  readonly signal?: AbortSignal | undefined
  /** Called where a directory, or the rest of it, cannot be read, to go on without it; else that ends the walk. */
  readonly onUnreadable?: ((path: EntryName, error: unknown) => void) | undefined
}

export interface WalkedEntry {
  /** From the directory where the walk began; bytes where a name in it is no UTF-8. */
  readonly path: EntryName
  /** The last name of the path. */
  readonly name: EntryName
  /** Names before it in the path. */
  readonly depth: number
  readonly entry: Entry
}

/** A directory on the path, whose other entries have been given. */
interface Open {
  readonly dir: DirTree
  readonly path: EntryName
  /** Directories in it that come next, the first of them at `at`; all, or those that were remembered. */
  next: (readonly [EntryName, DirectoryEntry])[]
  at: number
  isAll: boolean
}

export async function* walkTree(
  top: DirTree,
  { signal, onUnreadable }: WalkOptions = {},
): AsyncGenerator<WalkedEntry> {
  const open: Open[] = []
  const passOver = (path: EntryName, error: unknown): void => {
    if (onUnreadable === undefined || signal?.aborted) throw error
    onUnreadable(path, error)
  }
  for (let dir: DirTree | undefined = top, path: EntryName = ''; dir !== undefined; ) {
    const directories = new FirstDirectories()
    const depth = open.length
    try {
      for await (const [name, entry] of readEntries(dir, {}, entryReader(dir.ref))) {
        signal?.throwIfAborted()
        if (entry.type === 'dir') directories.add([name, entry])
        else yield { path: joinPath(path, name), name, depth, entry }
      }
    } catch (error) {
      passOver(path, error)
    }
    open.push({ dir, path, next: directories.first, at: 0, isAll: directories.isAll })
    dir = undefined
    while (dir === undefined && open.length > 0) {
      const parent = open[open.length - 1]!
      const next = await takeNext(parent).catch((error: unknown) => passOver(parent.path, error))
      if (!next) {
        open.pop()
        continue
      }
      const [name, entry] = next
      path = joinPath(parent.path, name)
      yield { path, name, depth: open.length - 1, entry }
      signal?.throwIfAborted()
      try {
        dir = await openSubdirectory(parent.dir, entry.content)
      } catch (error) {
        passOver(path, error)
      }
    }
  }
}

/** The next directory in `parent`, if there is one. */
async function takeNext(parent: Open): Promise<readonly [EntryName, DirectoryEntry] | undefined> {
  const { dir } = parent
  if (parent.at === parent.next.length && !parent.isAll) {
    const directories = new FirstDirectories()
    const [last] = parent.next[parent.at - 1]!
    for await (const [name, entry] of readEntries(dir, { gt: last }, entryReader(dir.ref))) {
      if (entry.type === 'dir') directories.add([name, entry])
      if (!directories.isAll) break
    }
    parent.next = directories.first
    parent.at = 0
    parent.isAll = directories.isAll
  }
  if (parent.at % BATCH_DIRECTORIES === 0) {
    const batch = parent.next.slice(parent.at, parent.at + BATCH_DIRECTORIES)
    // What cannot be had is told when its turn comes.
    await dir.tree.reader.prefetch(batch.map(([, { content }]) => content)).catch(() => {})
  }
  return parent.next[parent.at++]
}

/** Remembers the first directories of those that come. */
class FirstDirectories {
  readonly first: (readonly [EntryName, DirectoryEntry])[] = []
  /** Whether no other came. */
  isAll = true

  add(directory: readonly [EntryName, DirectoryEntry]): void {
    if (this.first.length < MAX_AHEAD) this.first.push(directory)
    else this.isAll = false
  }
}
