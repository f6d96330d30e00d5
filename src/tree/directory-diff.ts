/**
 * What differs between two directories and all under them. In each pair of directories names are compared as the keys
 * of maps are; directories on both sides are compared in turn, and passed over unread where their refs are equal. So
 * the cost follows what differs. SPEC "Diff".
 */

import { diffKeyed, type ItemChange } from '../collection/keyed-diff.js'
import { itemReader } from '../collection/read-item.js'
import type { Ref } from '../hash/ref.js'
import { type DirTree, emptyDir, openSubdirectory } from './dir-tree.js'
import type { DirectoryEntry, Entry, EntryName } from './entry.js'
import { entryReader, isTopItem, sameEntry } from './entry-item.js'
import { joinPath } from './tree-path.js'

/** What became of one path. A directory has changed if its entry has, other than in what is in it. */
export type TreeChange =
  | { readonly kind: 'added'; readonly path: EntryName; readonly after: Entry }
  | { readonly kind: 'removed'; readonly path: EntryName; readonly before: Entry }
  | { readonly kind: 'changed'; readonly path: EntryName; readonly before: Entry; readonly after: Entry }
  | {
      readonly kind: 'renamed'
      readonly path: EntryName
      /** The path that it had before. */
      readonly from: EntryName
      readonly before: Entry
      readonly after: Entry
    }

/** A change of one path by itself. */
export type PlainChange = Exclude<TreeChange, { kind: 'renamed' }>

/** Names compared before what is in directories among them is, which are then fetched together. */
const BATCH_CHANGES = 32

/**
 * What turns `before` into `after`, each directory followed by what changed in it. Where `shown` gives something else
 * than the change it is told of, that is what is given, undefined for nothing, and nothing of what is in it.
 */
export async function* diffDirectories<T extends TreeChange>(
  before: DirTree,
  after: DirTree,
  shown: (change: PlainChange) => PlainChange | T | undefined = (change) => change,
): AsyncGenerator<PlainChange | T> {
  const open = [new OpenPair('', before, after)]
  try {
    const top = changeOf('', topEntry(before), topEntry(after))
    if (top !== undefined) yield top
    for (let pair = open.at(-1); pair !== undefined; pair = open.at(-1)) {
      const next = await pair.next()
      if (next === undefined) {
        open.pop()
        continue
      }
      const change = changeOf(next.path, next.before, next.after)
      const show = change && shown(change)
      if (show !== undefined) yield show
      if (show !== change) continue
      const below = await pair.below(next)
      if (below !== undefined) open.push(below)
    }
  } finally {
    for (const pair of open) await pair.close()
  }
}

/** Undefined where there is nothing to say of the entries themselves. */
function changeOf(
  path: EntryName,
  before: Entry | undefined,
  after: Entry | undefined,
): PlainChange | undefined {
  if (before === undefined) return { kind: 'added', path, after: after! }
  if (after === undefined) return { kind: 'removed', path, before }
  const isSame =
    before.type === 'dir' && after.type === 'dir' && sameEntry(before, { ...after, content: before.content })
  return isSame ? undefined : { kind: 'changed', path, before, after }
}

/** What the top of a tree says of itself, as an entry. */
function topEntry({ ref, top }: DirTree): DirectoryEntry {
  const { with: _, ...attributes } = top ?? { with: [] }
  return { ...attributes, type: 'dir', content: ref }
}

function contentOf(entry: Entry | undefined): Ref | undefined {
  return entry?.type === 'dir' ? entry.content : undefined
}

/** The entries that two sides have at one path; they differ. */
interface EntryChange {
  readonly path: EntryName
  readonly before: Entry | undefined
  readonly after: Entry | undefined
}

/** Two directories at one path, whose names are compared a batch at a time. */
class OpenPair {
  readonly #path: EntryName
  readonly #before: DirTree
  readonly #after: DirTree
  readonly #changes: AsyncGenerator<ItemChange>
  #batch: EntryChange[] = []

  constructor(path: EntryName, before: DirTree, after: DirTree) {
    this.#path = path
    this.#before = before
    this.#after = after
    this.#changes = diffKeyed(before.tree, after.tree)
  }

  async next(): Promise<EntryChange | undefined> {
    if (this.#batch.length === 0) await this.#fill()
    return this.#batch.pop()
  }

  /** The directories of a change, an empty one where a side has none; undefined where they are equal, or none. */
  async below({ path, before, after }: EntryChange): Promise<OpenPair | undefined> {
    const [from, to] = [contentOf(before), contentOf(after)]
    if (from === undefined ? to === undefined : to?.equals(from) === true) return undefined
    return new OpenPair(path, await openIn(this.#before, from), await openIn(this.#after, to))
  }

  async close(): Promise<void> {
    await this.#changes.return(undefined)
  }

  async #fill(): Promise<void> {
    while (this.#batch.length < BATCH_CHANGES) {
      const next = await this.#changes.next()
      if (next.done === true) break
      const change = this.#read(next.value)
      if (change !== undefined) this.#batch.push(change)
    }
    const refs = (side: 'before' | 'after'): Ref[] =>
      this.#batch.flatMap((change) => contentOf(change[side]) ?? [])
    await this.#before.tree.reader.prefetch(refs('before'))
    await this.#after.tree.reader.prefetch(refs('after'))
    // Taken from the end.
    this.#batch.reverse()
  }

  /** Undefined for what the top of a tree says of itself, which has no path. */
  #read({ before, after }: ItemChange): EntryChange | undefined {
    const from = entryIn(before, this.#before)
    const to = entryIn(after, this.#after)
    const name = (from ?? to)?.[0]
    return name === undefined
      ? undefined
      : { path: joinPath(this.#path, name), before: from?.[1], after: to?.[1] }
  }
}

function entryIn(item: Uint8Array | undefined, dir: DirTree): [EntryName, Entry] | undefined {
  return item === undefined || isTopItem(item, 0) ? undefined : entryReader(dir.ref)(itemReader(item))
}

async function openIn(parent: DirTree, ref: Ref | undefined): Promise<DirTree> {
  return ref === undefined ? emptyDir(parent.tree.reader) : openSubdirectory(parent, ref)
}
