/**
 * Changes a tree of directories in one pass from below: of each directory in which something changes the entries are
 * edited at once, those of its subdirectories first, so that each is written once. SPEC "Splice".
 */

import type { CollectionContext } from '../collection/collection.js'
import { COLLECTION_PARAMS } from '../collection/collection-format.js'
import { encodeKey } from '../collection/item-batch.js'
import { findKeys } from '../collection/key-search.js'
import { editKeyed, type KeyedEdit } from '../collection/keyed-edit.js'
import { readItemOf } from '../collection/read-item.js'
import { TreePathError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { type DirTree, emptyDir, openSubdirectory } from './dir-tree.js'
import { writeDirectory } from './directory-writer.js'
import type { DirectoryEntry, Entry, EntryName } from './entry.js'
import { decodeEntry, encodeEntry, entryReader } from './entry-item.js'
import { compareNames } from './entry-name.js'
import { joinPath, pathText } from './tree-path.js'

/** What becomes of a name, and of what is under it. */
export interface NameEdit {
  readonly name: EntryName
  /** What is there before the edits below are done: what was, nothing, an encoded entry, or a directory. */
  readonly placed: 'kept' | 'nothing' | Uint8Array | DirTree
  /** Edits of names in it, by {@link pathKey}. */
  readonly below: Map<string, NameEdit>
  /** Whether it has to be a directory, and is made one where there is nothing: something was set in it. */
  isDirectory: boolean
}

/** The ref of the directory with `edits` done. Rejects as DirectoryEdit.done. */
export function editTree(context: CollectionContext, dir: DirTree, edits: NameEdit['below']): Promise<Ref> {
  return new TreeEditor(context, dir).edit(dir, edits, '')
}

class TreeEditor {
  readonly #context: CollectionContext
  readonly #top: DirTree

  constructor(context: CollectionContext, top: DirTree) {
    this.#context = context
    this.#top = top
  }

  /** `dir` is undefined for a directory that is made. */
  async edit(dir: DirTree | undefined, edits: NameEdit['below'], path: EntryName): Promise<Ref> {
    const { store, params = COLLECTION_PARAMS } = this.#context
    const sorted = [...edits.values()].sort((a, b) => compareNames(a.name, b.name))
    const entered = sorted.filter(({ placed, below }) => placed === 'kept' && below.size > 0)
    const entries = await this.#entriesUnder(dir, entered)
    const changes: KeyedEdit[] = []
    for (const edit of sorted) {
      const item = await this.#itemOf(edit, entries.get(edit), path)
      if (item !== 'kept') changes.push({ key: item ?? encodeKey(edit.name), item })
    }
    const { tree } = dir ?? emptyDir(this.#top.tree.reader)
    const root = await editKeyed(tree, changes, { params })
    return (root ?? dir ?? (await writeDirectory([], { target: store, params }))).ref
  }

  /** The entries that `edits` go into, whose directories are fetched together. */
  async #entriesUnder(
    dir: DirTree | undefined,
    edits: readonly NameEdit[],
  ): Promise<ReadonlyMap<NameEdit, Entry>> {
    const entries = new Map<NameEdit, Entry>()
    if (dir === undefined) return entries
    const keys = edits.map(({ name }) => encodeKey(name))
    await findKeys(dir.tree, keys, ({ leaf, index, isFound }, slot) => {
      if (isFound) entries.set(edits[slot]!, readItemOf(leaf, index, entryReader(dir.ref))[1])
    })
    const directories = [...entries.values()].flatMap((entry) => (entry.type === 'dir' ? entry.content : []))
    await dir.tree.reader.prefetch(directories)
    return entries
  }

  /** The item that is to stand under a name, undefined for none; `before` is what stands there. */
  async #itemOf(
    { name, placed, below, isDirectory }: NameEdit,
    before: Entry | undefined,
    parent: EntryName,
  ): Promise<Uint8Array | undefined | 'kept'> {
    if (below.size === 0) return this.#itemPlaced(name, placed)
    const entry = await this.#entryPlaced(placed, before)
    const path = joinPath(parent, name)
    if (entry === undefined && !isDirectory) return undefined
    if (entry !== undefined && entry.type !== 'dir') {
      if (!isDirectory) return this.#itemPlaced(name, placed)
      const why = `a ${entry.type}, so that nothing can be put in it; delete it first`
      throw new TreePathError('NOMSY_NOT_A_DIRECTORY', pathText(path), why)
    }
    const dir = entry && (await openSubdirectory(this.#top, entry.content))
    const content = await this.edit(dir, below, path)
    return encodeEntry(name, entry === undefined ? { type: 'dir', content } : { ...entry, content })
  }

  async #itemPlaced(name: EntryName, placed: NameEdit['placed']): Promise<Uint8Array | undefined | 'kept'> {
    if (placed === 'kept' || placed instanceof Uint8Array) return placed
    return placed === 'nothing' ? undefined : encodeEntry(name, await this.#entryFor(placed))
  }

  async #entryPlaced(placed: NameEdit['placed'], before: Entry | undefined): Promise<Entry | undefined> {
    if (placed === 'kept') return before
    if (placed === 'nothing') return undefined
    return placed instanceof Uint8Array ? decodeEntry(placed) : this.#entryFor(placed)
  }

  /** The entry for a directory: what it says of itself as the top of a tree is said by the entry instead. */
  async #entryFor({ ref, tree, top }: DirTree): Promise<DirectoryEntry> {
    if (top === undefined) return { type: 'dir', content: ref }
    const { params = COLLECTION_PARAMS } = this.#context
    const { with: _, ...attributes } = top
    const content = await editKeyed(tree, [{ key: encodeKey(null), item: undefined }], { params })
    return { ...attributes, type: 'dir', content: content!.ref }
  }
}
