/** Changes of a directory and of all under it, collected until {@link DirectoryEdit.done} makes a new directory of them. */

import { Blob } from '../blob/blob.js'
import { Collection } from '../collection/collection.js'
import { DIR_FORMAT } from './dir-format.js'
import type { Directory } from './directory.js'
import type { NameEdit } from './edit-tree.js'
import type { Entry, EntryName } from './entry.js'
import { encodeEntry } from './entry-item.js'
import { namesOf, pathKey, type TreePath } from './tree-path.js'

export class DirectoryEdit {
  readonly #apply: (edits: NameEdit['below']) => Promise<Directory>
  readonly #edits: NameEdit['below'] = new Map()

  /** @internal */
  constructor(apply: (edits: NameEdit['below']) => Promise<Directory>) {
    this.#apply = apply
  }

  /**
   * Puts something at `path`, in place of what is there: an entry as it is now, a blob as a file of which nothing else
   * is recorded, or a directory. What a top said of itself becomes its entry's. Directories on the way are made where
   * there is nothing. Throws a TypeError or RangeError for what cannot be a path or an entry.
   */
  set(path: TreePath, value: Entry | Blob | Directory): this {
    const { parents, name } = this.#way(path)
    const placed = isDirectory(value) ? value : encodeEntry(name, entryFor(value))
    let edits = this.#edits
    for (const parent of parents) {
      const edit = editOf(edits, parent)
      edit.isDirectory = true
      edits = edit.below
    }
    place(edits, name, placed)
    return this
  }

  /** Removes what is at `path`, and all under it, if there is something. */
  delete(path: TreePath): this {
    const { parents, name } = this.#way(path)
    place(
      parents.reduce((edits, parent) => editOf(edits, parent).below, this.#edits),
      name,
      'nothing',
    )
    return this
  }

  /**
   * The directory with all changes so far, done one after the other. Writes what it needs, and nothing where all stays
   * the same. Rejects with NOMSY_NOT_A_DIRECTORY where something was set under what is no directory,
   * with NOMSY_MISSING_CHUNK where an entry refers to what the store does not hold.
   */
  done(): Promise<Directory> {
    return this.#apply(this.#edits)
  }

  #way(path: TreePath): { readonly parents: readonly EntryName[]; readonly name: EntryName } {
    const parents = namesOf(path)
    const name = parents.pop()
    if (name === undefined) throw new RangeError('the empty path is the directory itself, and no entry in it')
    return { parents, name }
  }
}

function editOf(edits: NameEdit['below'], name: EntryName): NameEdit {
  const key = pathKey(name)
  let edit = edits.get(key)
  if (edit === undefined) {
    edit = { name, placed: 'kept', below: new Map(), isDirectory: false }
    edits.set(key, edit)
  }
  return edit
}

function place(edits: NameEdit['below'], name: EntryName, placed: NameEdit['placed']): void {
  edits.set(pathKey(name), { name, placed, below: new Map(), isDirectory: false })
}

function isDirectory(value: Entry | Blob | Directory): value is Directory {
  return value instanceof Collection && value.tree.reader.format === DIR_FORMAT
}

function entryFor(value: Entry | Blob): Entry {
  return value instanceof Blob ? { type: 'file', content: value.ref, size: value.size } : value
}
