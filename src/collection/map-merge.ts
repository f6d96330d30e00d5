/** Merging maps: what a conflict is to a caller, and what a caller says to do about it. SPEC "Merge". */

import { encodeItem } from './item-batch.js'
import type { ResolveItem } from './keyed-merge.js'
import type { MergeConflicts } from './merge-conflicts.js'
import { readItem, readKey, readValue } from './read-item.js'
import type { Input, Key, Value } from './value.js'

/** A key that both sides changed, and not to the same. A value is undefined where the key is not there. */
export interface MapConflict<K extends Key, V extends Value> {
  readonly key: K
  readonly base: V | undefined
  readonly ours: V | undefined
  readonly theirs: V | undefined
}

export type ResolveConflict<K extends Key, V extends Value> = (
  conflict: MapConflict<K, V>,
) => Input<V> | undefined | Promise<Input<V> | undefined>

export interface MapMergeOptions<K extends Key, V extends Value> {
  /**
   * Whose value to take where both sides changed a key, or a function that gives the value, undefined for none. Left
   * out, the merge rejects with NOMSY_MERGE_CONFLICT if there are such keys.
   */
  readonly resolve?: 'ours' | 'theirs' | ResolveConflict<K, V> | undefined
}

/** What `resolve` means for items. Without it, conflicts are noted as `unresolved`. */
export function itemResolver<K extends Key, V extends Value>(
  { resolve }: MapMergeOptions<K, V>,
  unresolved: MergeConflicts,
): ResolveItem {
  if (resolve === 'theirs') return ({ theirs }) => theirs
  if (typeof resolve !== 'function') {
    return ({ key, ours }) => {
      if (resolve === undefined) unresolved.add(readItem(key, readKey))
      return ours
    }
  }
  return async ({ key: item, base, ours, theirs }) => {
    const key = readItem(item, readKey<K>)
    const read = (side: Uint8Array | undefined): V | undefined => side && readItem(side, readValue<V>)
    const value = await resolve({ key, base: read(base), ours: read(ours), theirs: read(theirs) })
    return value === undefined ? undefined : encodeItem((batch) => batch.addEntry(key, value))
  }
}
