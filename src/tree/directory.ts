/**
 * A stored directory: names, and what stands under each of them. Immutable, of any size, addressed by one ref that
 * depends on what is in it alone. What is asked for is read when it is asked for. SPEC "Directories".
 */

import { Blob } from '../blob/blob.js'
import { Collection, type CollectionContext } from '../collection/collection.js'
import type { KeyRange } from '../collection/key-range.js'
import { MergeConflicts } from '../collection/merge-conflicts.js'
import { readKey } from '../collection/read-item.js'
import { InvalidNodeError, TreePathError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { type DirTree, entryAt, openDir, openSubdirectory, readEntries } from './dir-tree.js'
import { diffDirectories, type TreeChange } from './directory-diff.js'
import { DirectoryEdit } from './directory-edit.js'
import { conflictsIn, mergeDirectories, type TreeConflict, type TreeMergeOptions } from './directory-merge.js'
import { writeDirectory } from './directory-writer.js'
import { editTree } from './edit-tree.js'
import type { Entry, EntryName, TopAttributes } from './entry.js'
import { entryReader } from './entry-item.js'
import { diffWithRenames } from './renames.js'
import { namesOf, pathText, type TreePath } from './tree-path.js'
import { type WalkedEntry, type WalkOptions, walkTree } from './walk-tree.js'

export interface DiffOptions {
  /** Whether to find what was renamed; false where left out. */
  readonly renames?: boolean | undefined
}

/** All methods that take paths throw a RangeError where something cannot be one. */
export class Directory extends Collection implements AsyncIterable<[EntryName, Entry]> {
  /** Of the top of what was put: its own attributes, and what was recorded. Of any other directory its entry has them. */
  readonly top: TopAttributes | undefined

  private constructor(context: CollectionContext, { ref, tree, top }: DirTree) {
    super(context, ref, tree)
    this.top = top
  }

  /** The directory `ref`. Rejects with NOMSY_MISSING_CHUNK, NOMSY_INVALID_NODE where it is no directory. */
  static async open(context: CollectionContext, ref: Ref): Promise<Directory> {
    return new Directory(context, await openDir(context, ref))
  }

  /** A directory with nothing in it. */
  static async empty(context: CollectionContext): Promise<Directory> {
    const { store, params } = context
    return store.writing(async () =>
      Directory.open(context, (await writeDirectory([], { target: store, params })).ref),
    )
  }

  /** Number of entries in it, those in its subdirectories not counted. */
  get size(): number {
    return this.tree.root.length - (this.top === undefined ? 0 : 1)
  }

  /** The entries, or those in a range of names, in the order of names: text by its UTF-8 bytes, then bytes. */
  entries(range: KeyRange<EntryName> = {}): AsyncIterableIterator<[EntryName, Entry]> {
    return readEntries(this, range, entryReader(this.ref))
  }

  /** The names in a range, in order. */
  names(range: KeyRange<EntryName> = {}): AsyncIterableIterator<EntryName> {
    return readEntries(this, range, readKey<EntryName>)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<[EntryName, Entry]> {
    return this.entries()
  }

  /** The entry at `path`, as in 'etc/passwd'; undefined if there is none. Symlinks are not followed. */
  async get(path: TreePath): Promise<Entry | undefined> {
    const found = await this.#find(namesOf(path))
    return found.isWhole ? found.entry : undefined
  }

  /**
   * The directory at `path`, '' being this one. Rejects with NOMSY_NO_ENTRY where there is nothing, with
   * NOMSY_NOT_A_DIRECTORY where there is something else, there or on the way.
   */
  async directory(path: TreePath): Promise<Directory> {
    const names = namesOf(path)
    if (names.length === 0) return this
    const entry = await this.#require(names)
    if (entry.type !== 'dir')
      throw new TreePathError('NOMSY_NOT_A_DIRECTORY', pathText(path), `a ${entry.type} and no directory`)
    return new Directory(this.context, await openSubdirectory(this, entry.content))
  }

  /** The content of the file at `path`. Rejects as {@link directory}, with NOMSY_NOT_A_FILE where it is something else. */
  async blob(path: TreePath): Promise<Blob> {
    const entry = await this.#require(namesOf(path))
    if (entry.type !== 'file')
      throw new TreePathError('NOMSY_NOT_A_FILE', pathText(path), `a ${entry.type} and no file`)
    const { store, cache } = this.context
    const blob = await Blob.open({ store, cache }, entry.content)
    if (blob.size === entry.size) return blob
    const why = `${blob.size} bytes, where ${pathText(path)} in ${this.ref} says ${entry.size}`
    throw new InvalidNodeError(entry.content.toString(), why)
  }

  /**
   * Everything in it and below: in each directory first what is no directory, then the directories, each followed by
   * all that is in it. So of a file with several names the one that has no `link` comes first.
   */
  walk(options?: WalkOptions): AsyncIterableIterator<WalkedEntry> {
    return walkTree(this, options)
  }

  /** Collects changes, of it and of all under it; the directory itself stays as it is. */
  edit(): DirectoryEdit {
    return new DirectoryEdit((edits) => this.#made(() => editTree(this.context, this, edits)))
  }

  /**
   * What turns this directory into `other`, in the order of names, each directory followed by what changed in it. Costs
   * what differs: equal directories are not read. With `renames` paths that are new with the content of one that is gone
   * are said to be renamed; of very many paths the first 65,536 are looked at.
   */
  async *diff(other: Directory, { renames = false }: DiffOptions = {}): AsyncGenerator<TreeChange> {
    if (this.equals(other)) return
    yield* (renames ? diffWithRenames : diffDirectories)(this, other)
  }

  /**
   * This directory with what `theirs` changed of `base` too, and so everything under it. A path that both changed to
   * the same is no conflict, nor is one of which they changed different fields; of two times the later is taken. About
   * others `resolve` says what to do, and without it the merge rejects with NOMSY_MERGE_CONFLICT.
   */
  async merge(base: Directory, theirs: Directory, options: TreeMergeOptions = {}): Promise<Directory> {
    const sides = { base, ours: this, theirs }
    return this.#made(() => mergeDirectories(this.context, sides, options, new MergeConflicts()))
  }

  /** The paths about which {@link merge} would ask. Nothing is written. */
  conflicts(base: Directory, theirs: Directory): AsyncGenerator<TreeConflict> {
    return conflictsIn({ base, ours: this, theirs })
  }

  /** The directory whose ref `make` gives. */
  #made(make: () => Promise<Ref>): Promise<Directory> {
    return this.context.store.writing(async () => {
      const ref = await make()
      return ref.equals(this.ref) ? this : Directory.open(this.context, ref)
    })
  }

  async #require(names: readonly EntryName[]): Promise<Entry> {
    const { entry, isWhole, depth } = await this.#find(names)
    if (entry !== undefined && isWhole) return entry
    const path = pathText(names.slice(0, depth))
    if (entry === undefined) throw new TreePathError('NOMSY_NO_ENTRY', path, 'there is no such entry')
    throw new TreePathError('NOMSY_NOT_A_DIRECTORY', path, `a ${entry.type}, so that nothing is in it`)
  }

  /** The last entry on the way along `names`, the `depth` first of them, and whether it is what they lead to. */
  async #find(
    names: readonly EntryName[],
  ): Promise<{ readonly entry: Entry | undefined; readonly depth: number; readonly isWhole: boolean }> {
    let dir: DirTree = this
    let entry: Entry | undefined
    for (const [index, name] of names.entries()) {
      if (entry?.type === 'dir') dir = await openSubdirectory(dir, entry.content)
      entry = await entryAt(dir, name)
      const depth = index + 1
      if (entry?.type !== 'dir') return { entry, depth, isWhole: depth === names.length }
    }
    return { entry, depth: names.length, isWhole: true }
  }
}
