/**
 * Finds what was renamed between two directories: a path that is new with the content of one that is gone. Directories
 * first, as a whole, then files. What is empty is left out, since it is equal to too much. SPEC "Diff".
 */

import { refKey } from '../hash/ref.js'
import { type DirTree, EMPTY_DIRECTORY } from './dir-tree.js'
import { diffDirectories, type PlainChange, type TreeChange } from './directory-diff.js'
import type { DirectoryEntry, Entry, EntryName, FileEntry } from './entry.js'
import { isUnder, lastName, pathKey } from './tree-path.js'

/** Paths that are held in memory while they are matched; those after them are not. */
const MAX_PATHS = 65_536

type Renamed = Extract<TreeChange, { kind: 'renamed' }>

/** A path that is on one side only. */
interface OneSided {
  readonly path: EntryName
  readonly entry: FileEntry | DirectoryEntry
  /** The directory in which it is, if that is on one side only too. */
  readonly parent: OneSided | undefined
  /** Whether it was matched, or something in it. */
  state: 'free' | 'opened' | 'matched'
}

/** As {@link diffDirectories}, with renamed paths in place of those added and removed. */
export async function* diffWithRenames(before: DirTree, after: DirTree): AsyncGenerator<TreeChange> {
  const added = new Candidates()
  const removed = new Candidates()
  for await (const change of diffDirectories(before, after)) {
    if (change.kind === 'added') added.add(change.path, change.after)
    else if (change.kind === 'removed') removed.add(change.path, change.before)
    if (added.count + removed.count >= MAX_PATHS) break
  }
  const origins = match(added, removed)
  const gone = new Set([...origins.values()].map(({ path }) => pathKey(path)))
  yield* diffDirectories(before, after, (change: PlainChange): PlainChange | Renamed | undefined => {
    if (change.kind === 'removed' && gone.has(pathKey(change.path))) return undefined
    const origin = change.kind === 'added' ? origins.get(pathKey(change.path)) : undefined
    if (change.kind !== 'added' || origin === undefined) return change
    const { path, after } = change
    return { kind: 'renamed', path, from: origin.path, before: origin.entry, after }
  })
}

/** What each added path was before, by its key. */
function match(added: Candidates, removed: Candidates): Map<string, OneSided> {
  const origins = new Map<string, OneSided>()
  const matchAll = (type: 'dir' | 'file', keysOf: (candidate: OneSided) => string[]): void => {
    for (const candidate of added.all) {
      if (candidate.entry.type !== type || !isFree(candidate)) continue
      const origin = removed.take(keysOf(candidate))
      if (origin === undefined) continue
      candidate.state = 'matched'
      origins.set(pathKey(candidate.path), origin)
    }
  }
  // Of each directory it is settled whether it moved as a whole before what is in it is looked at.
  matchAll('dir', (directory) => [keyOfNamed(directory), keyOfContent(directory)])
  matchAll('file', (file) => [keyOfNamed(file)])
  matchAll('file', (file) => [keyOfContent(file)])
  return origins
}

/** Whether neither it was matched, nor what it is in. */
function isFree(candidate: OneSided): boolean {
  for (let at: OneSided | undefined = candidate.parent; at !== undefined; at = at.parent)
    if (at.state === 'matched') return false
  return candidate.state === 'free'
}

/** The paths on one side, found by their content. */
class Candidates {
  readonly all: OneSided[] = []
  /** By content, and by content and name. */
  readonly #byKey = new Map<string, OneSided[]>()
  /** From the outermost to the last that came, each in the one before. */
  readonly #directories: OneSided[] = []

  get count(): number {
    return this.all.length
  }

  /** To be called in the order of a diff. */
  add(path: EntryName, entry: Entry): void {
    if (!hasContent(entry)) return
    let parent = this.#directories.at(-1)
    for (; parent !== undefined && !isUnder(path, parent.path); parent = this.#directories.at(-1))
      this.#directories.pop()
    const candidate: OneSided = { path, entry, parent, state: 'free' }
    this.all.push(candidate)
    if (entry.type === 'dir') this.#directories.push(candidate)
    for (const key of [keyOfNamed(candidate), keyOfContent(candidate)]) {
      const others = this.#byKey.get(key)
      if (others === undefined) this.#byKey.set(key, [candidate])
      else others.push(candidate)
    }
  }

  /** The last one with the first of these keys of which one is still free; it is matched then. */
  take(keys: readonly string[]): OneSided | undefined {
    for (const key of keys) {
      const candidates = this.#byKey.get(key) ?? []
      // Who is not free does not become so again.
      let last = candidates.at(-1)
      for (; last !== undefined && !isFree(last); last = candidates.at(-1)) candidates.pop()
      if (last === undefined) continue
      last.state = 'matched'
      for (let at = last.parent; at !== undefined && at.state === 'free'; at = at.parent) at.state = 'opened'
      return last
    }
    return undefined
  }
}

function hasContent(entry: Entry): entry is FileEntry | DirectoryEntry {
  if (entry.type === 'dir') return !entry.content.equals(EMPTY_DIRECTORY)
  return entry.type === 'file' && entry.size > 0
}

function keyOfContent({ entry }: OneSided): string {
  return entry.type + refKey(entry.content.bytes)
}

function keyOfNamed(candidate: OneSided): string {
  return `${keyOfContent(candidate)}/${pathKey(lastName(candidate.path))}`
}
