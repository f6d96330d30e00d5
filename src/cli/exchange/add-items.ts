/** Adds items that are read to collections, in memory that grows neither with these nor with those. */

import { List } from '../../collection/list.js'
import type { AnyCollection } from '../../collection/open-collection.js'
import { SortedMap } from '../../collection/sorted-map.js'
import { SortedSet } from '../../collection/sorted-set.js'
import type { Source } from '../../collection/source.js'
import type { Key, Value } from '../../collection/value.js'
import type { Database } from '../../database/database.js'
import type { CollectionKind } from '../objects/find-object.js'
import type { Item } from './item.js'

// What is wrong with an item is found when it is stored, which must be before the next one is read.

/** Stores the items as a collection of their own. */
export function storeItems(
  db: Database,
  kind: CollectionKind,
  items: Source<Item>,
  signal: AbortSignal,
): Promise<AnyCollection> {
  const stored: Readonly<Record<CollectionKind, () => Promise<AnyCollection>>> = {
    list: () => db.list<Value>(items, { signal }),
    set: () => db.set<Key>(items as Source<Key>, { signal }),
    map: () => db.map<Key, Value>(items as Source<readonly [Key, Value]>, { signal }),
  }
  return stored[kind]()
}

/** `collection` with the items: of a list at its end; of a map they win over those under the same keys. */
export function extended(
  collection: AnyCollection,
  items: Source<Item>,
  signal: AbortSignal,
): Promise<AnyCollection> {
  if (collection instanceof List) return collection.append(items, { signal })
  if (collection instanceof SortedSet) return collection.extend(items as Source<Key>, { signal })
  return collection.extend(items as Source<readonly [Key, Value]>, { signal })
}

/** What `imported` has added to `before`, added to `current` instead. */
export async function combined(
  imported: AnyCollection,
  before: AnyCollection,
  current: AnyCollection,
): Promise<AnyCollection> {
  if (imported instanceof List && before instanceof List && current instanceof List)
    return current.concat(await imported.slice(before.length))
  if (imported instanceof SortedMap && before instanceof SortedMap && current instanceof SortedMap)
    return imported.merge(before, current, { resolve: 'ours' })
  if (imported instanceof SortedSet && before instanceof SortedSet && current instanceof SortedSet)
    return imported.merge(before, current)
  throw new TypeError('these are collections of different kinds')
}
