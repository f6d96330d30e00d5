/** What two sides have made of one value, as one: three-way, by kind. */

import type { CollectionContext } from '../collection/collection.js'
import { List } from '../collection/list.js'
import type { ListConflict } from '../collection/list-conflict.js'
import type { MapConflict, MapMergeOptions } from '../collection/map-merge.js'
import { type AnyCollection, openCollection } from '../collection/open-collection.js'
import { SortedMap } from '../collection/sorted-map.js'
import { SortedSet } from '../collection/sorted-set.js'
import type { Key, Storable, Value } from '../collection/value.js'
import { MergeConflictError, MissingChunkError } from '../errors.js'
import type { Ref } from '../hash/ref.js'
import { kindOf } from '../sequence/kind.js'
import { DIR_FORMAT } from '../tree/dir-format.js'
import { Directory } from '../tree/directory.js'
import type { TreeConflict, TreeMergeOptions } from '../tree/directory-merge.js'
import type { Entry } from '../tree/entry.js'
import { putStorable } from './plain-value.js'

/** A value as a whole that both sides changed, and whose parts cannot be merged. */
export interface ValueConflict {
  /** Undefined where there is no common ancestor. */
  readonly base: Ref | undefined
  readonly ours: Ref
  readonly theirs: Ref
}

/**
 * A value, a key of a map (it has `key`), a run of a list's items (it has `at`) or a path in a directory (it has
 * `path`) that both sides changed.
 */
export type MergeConflict = ValueConflict | MapConflict<Key, Value> | ListConflict<Value> | TreeConflict

type Resolved = Storable | Entry | undefined

/**
 * What to take for a conflict: a value, of a map's key also undefined for none, of a list's run an array of items, of a
 * path an entry or undefined for none.
 */
export type ResolveMerge = (conflict: MergeConflict) => Resolved | Promise<Resolved>

export type MergeResolution = 'ours' | 'theirs' | ResolveMerge

/** The ref of the merged value. Rejects with NOMSY_MERGE_CONFLICT where both changed it and nothing resolves that. */
export async function mergeValues(
  context: CollectionContext,
  values: ValueConflict,
  resolve: MergeResolution | undefined,
): Promise<Ref> {
  const { base, ours, theirs } = values
  if (theirs.equals(ours) || base?.equals(theirs) === true) return ours
  if (base?.equals(ours) === true) return theirs
  const merged = base && (await mergeCollections(context, [base, ours, theirs], resolve))
  if (merged !== undefined) return merged.ref
  if (resolve === 'ours') return ours
  if (resolve === 'theirs') return theirs
  if (resolve === undefined) throw new MergeConflictError(1, [], whyConflict(values))
  return putStorable(context.store, (await resolve(values)) as Storable)
}

/** What a merge of the values would ask about. Nothing is written. */
export async function* conflictsOf(
  context: CollectionContext,
  values: ValueConflict,
): AsyncGenerator<MergeConflict> {
  const { base: baseRef, ours: ourRef, theirs: theirRef } = values
  if (theirRef.equals(ourRef) || baseRef?.equals(theirRef) === true || baseRef?.equals(ourRef) === true)
    return
  const [base, ours, theirs] =
    baseRef === undefined ? [] : await openCollections(context, [baseRef, ourRef, theirRef])
  if (ours instanceof SortedSet && theirs instanceof SortedSet && base instanceof SortedSet) return
  if (ours instanceof SortedMap && theirs instanceof SortedMap && base instanceof SortedMap)
    yield* ours.conflicts(base, theirs)
  else if (ours instanceof Directory && theirs instanceof Directory && base instanceof Directory)
    yield* ours.conflicts(base, theirs)
  else if (ours instanceof List && theirs instanceof List && base instanceof List)
    yield* ours.conflicts(base, theirs)
  else yield values
}

/** Undefined where they are not collections of one kind. */
async function mergeCollections(
  context: CollectionContext,
  refs: readonly [base: Ref, ours: Ref, theirs: Ref],
  resolve: MergeResolution | undefined,
): Promise<AnyCollection | Directory | undefined> {
  const [base, ours, theirs] = await openCollections(context, refs)
  if (ours instanceof SortedSet && theirs instanceof SortedSet && base instanceof SortedSet)
    return ours.merge(base, theirs)
  if (ours instanceof SortedMap && theirs instanceof SortedMap && base instanceof SortedMap)
    return ours.merge(base, theirs, { resolve: resolve as MapMergeOptions<Key, Value>['resolve'] })
  if (ours instanceof Directory && theirs instanceof Directory && base instanceof Directory)
    return ours.merge(base, theirs, { resolve: resolve as TreeMergeOptions['resolve'] })
  if (ours instanceof List && theirs instanceof List && base instanceof List)
    return ours.merge(base, theirs, { resolve: typeof resolve === 'function' ? itemsFrom(resolve) : resolve })
  return undefined
}

/** Undefined where one is no collection. */
function openCollections(
  context: CollectionContext,
  refs: readonly Ref[],
): Promise<(AnyCollection | Directory | undefined)[]> {
  return Promise.all(refs.map((ref) => openIfCollection(context, ref)))
}

async function openIfCollection(
  context: CollectionContext,
  ref: Ref,
): Promise<AnyCollection | Directory | undefined> {
  const chunk = await context.store.get(ref)
  if (chunk === undefined) throw new MissingChunkError(ref.toString())
  const kind = kindOf(chunk)
  return kind === DIR_FORMAT.kind ? Directory.open(context, ref) : openCollection(context, kind, ref)
}

function whyConflict({ base }: ValueConflict): string {
  return base === undefined
    ? 'what was committed has no common ancestor'
    : 'both sides changed what was committed, and it has no parts to merge'
}

function itemsFrom(resolve: ResolveMerge): (conflict: ListConflict<Value>) => Promise<readonly Storable[]> {
  return async (conflict) => {
    const items = await resolve(conflict)
    if (!Array.isArray(items))
      throw new TypeError("'resolve' must give an array of items for a run of a list")
    return items
  }
}
