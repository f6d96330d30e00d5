/**
 * Merges what two sides have made of one directory, and of all under it: by names, as maps are merged by keys. A
 * directory on both sides is merged in turn, any other entry field by field. SPEC "Merge".
 */

import type { CollectionContext } from '../collection/collection.js'
import { COLLECTION_PARAMS } from '../collection/collection-format.js'
import { encodeItem } from '../collection/item-batch.js'
import { editKeyed } from '../collection/keyed-edit.js'
import { type ItemConflict, mergeEdits } from '../collection/keyed-merge.js'
import type { MergeConflicts } from '../collection/merge-conflicts.js'
import { readItem } from '../collection/read-item.js'
import type { Ref } from '../hash/ref.js'
import { type DirTree, emptyDir, openSubdirectory, topEntry } from './dir-tree.js'
import type { DirectoryEntry, Entry, EntryName, TopAttributes } from './entry.js'
import { addTop, encodeEntry, entryReader, isTopItem } from './entry-item.js'
import { mergeEntries } from './entry-merge.js'
import { joinPath } from './tree-path.js'

/**
 * A path whose entry both sides changed, and not to the same; undefined where there is none. What the top of a tree
 * says of itself is at the empty path.
 */
export interface TreeConflict {
  readonly path: EntryName
  readonly base: Entry | undefined
  readonly ours: Entry | undefined
  readonly theirs: Entry | undefined
}

/** The entry that is to be there; undefined for none. */
export type ResolveTreeConflict = (conflict: TreeConflict) => Entry | undefined | Promise<Entry | undefined>

export interface TreeMergeOptions {
  /**
   * Whose entry to take where both sides changed it, or a function that gives the entry, undefined for none. Left out,
   * the merge rejects with NOMSY_MERGE_CONFLICT if there are such entries.
   */
  readonly resolve?: 'ours' | 'theirs' | ResolveTreeConflict | undefined
}

/** One directory as it was, and as each side has it. */
export interface MergeSides {
  readonly path: EntryName
  readonly base: DirTree
  readonly ours: DirTree
  readonly theirs: DirTree
}

/** The ref of the merged directory. Conflicts that nothing resolves are noted in `unresolved`, and throw at the end. */
export function mergeDirectories(
  context: CollectionContext,
  sides: Omit<MergeSides, 'path'>,
  { resolve }: TreeMergeOptions,
  unresolved: MergeConflicts,
): Promise<Ref> {
  const { params = COLLECTION_PARAMS } = context
  const settle = async (conflict: TreeConflict): Promise<Entry | undefined> => {
    if (typeof resolve === 'function') return resolve(conflict)
    if (resolve === undefined) unresolved.add(conflict.path)
    return resolve === 'theirs' ? conflict.theirs : conflict.ours
  }

  async function merged(sides: MergeSides): Promise<Ref> {
    const { path, base, ours, theirs } = sides
    const edits = mergeEdits(base.tree, ours.tree, theirs.tree, (conflict) => mergedItem(sides, conflict))
    const isTop = path.length === 0
    const root = await editKeyed(ours.tree, isTop ? unresolved.throwAfter(edits) : edits, { params })
    return root?.ref ?? ours.ref
  }

  async function mergedItem(sides: MergeSides, item: ItemConflict): Promise<Uint8Array | undefined> {
    if (isTopItem(item.key, 0)) return mergedTop(sides)
    const { name, ...conflict } = conflictOf(sides, item)
    const below = await sidesBelow(sides, conflict)
    const content = below && (await merged(below))
    const entry =
      mergedEntry(withContent(conflict, content)) ?? (await settle(withContent(conflict, content)))
    return entry && encodeEntry(name, entry)
  }

  async function mergedTop(sides: MergeSides): Promise<Uint8Array | undefined> {
    const conflict = topConflict(sides)
    const entry = mergedEntry(conflict) ?? (await settle(conflict))
    if (entry === undefined) return undefined
    const { type: _, content: __, ...attributes } = entry as DirectoryEntry
    const kinds = (sides.ours.top ?? sides.theirs.top)!.with
    return encodeItem((batch) => addTop(batch, { ...attributes, with: kinds } as TopAttributes))
  }

  return merged({ path: '', ...sides })
}

/** The conflicts of a merge, for those who are to decide. Nothing is written. */
export async function* conflictsIn(top: Omit<MergeSides, 'path'>): AsyncGenerator<TreeConflict> {
  const open: MergeSides[] = [{ path: '', ...top }]
  for (let sides = open.pop(); sides !== undefined; sides = open.pop()) {
    const at = sides
    const found: TreeConflict[] = []
    const look = async (item: ItemConflict): Promise<undefined> => {
      const conflict = isTopItem(item.key, 0) ? topConflict(at) : conflictOf(at, item)
      if (mergedEntry(conflict) === undefined) found.push(conflict)
      const below = isTopItem(item.key, 0) ? undefined : await sidesBelow(at, conflict)
      if (below !== undefined) open.push(below)
    }
    for await (const _ of mergeEdits(at.base.tree, at.ours.tree, at.theirs.tree, look)) yield* found.splice(0)
  }
}

function conflictOf(
  { path, base, ours, theirs }: MergeSides,
  item: ItemConflict,
): TreeConflict & { readonly name: EntryName } {
  const read = (bytes: Uint8Array | undefined, { ref }: DirTree): [EntryName, Entry] | undefined =>
    bytes && readItem(bytes, entryReader(ref))
  const [was, our, their] = [read(item.base, base), read(item.ours, ours), read(item.theirs, theirs)]
  const [name] = (was ?? our ?? their)!
  return { name, path: joinPath(path, name), base: was?.[1], ours: our?.[1], theirs: their?.[1] }
}

function topConflict({ base, ours, theirs }: MergeSides): TreeConflict {
  return { path: '', base: topEntry(base), ours: topEntry(ours), theirs: topEntry(theirs) }
}

/** Undefined where it takes a decision. */
function mergedEntry({ base, ours, theirs }: TreeConflict): Entry | undefined {
  return ours && theirs && mergeEntries(base, ours, theirs)
}

/** The directories that both sides have at the path of a conflict; undefined where one of them has something else. */
async function sidesBelow(sides: MergeSides, conflict: TreeConflict): Promise<MergeSides | undefined> {
  const { path, base, ours, theirs } = conflict
  if (ours?.type !== 'dir' || theirs?.type !== 'dir') return undefined
  return {
    path,
    base:
      base?.type === 'dir'
        ? await openSubdirectory(sides.base, base.content)
        : emptyDir(sides.base.tree.reader),
    ours: await openSubdirectory(sides.ours, ours.content),
    theirs: await openSubdirectory(sides.theirs, theirs.content),
  }
}

/** The same, of directories that have been merged: both sides have what came of that. */
function withContent(conflict: TreeConflict, content: Ref | undefined): TreeConflict {
  if (content === undefined) return conflict
  const { path, base, ours, theirs } = conflict
  return { path, base, ours: { ...ours, content } as Entry, theirs: { ...theirs, content } as Entry }
}
