/** From what a chunk says that it is to the class that can read it. SPEC "Chunks". */

import type { Ref } from '../hash/ref.js'
import type { CollectionContext } from './collection.js'
import { List } from './list.js'
import { SortedMap } from './sorted-map.js'
import { SortedSet } from './sorted-set.js'
import type { Key, Value } from './value.js'

export type AnyCollection = List<Value> | SortedMap<Key, Value> | SortedSet<Key>

/** The collection `ref`, whose root says that it is of this kind; undefined where that is no kind of collection. */
export async function openCollection(
  context: CollectionContext,
  kind: string | undefined,
  ref: Ref,
): Promise<AnyCollection | undefined> {
  switch (kind) {
    case 'list':
      return List.open(context, ref)
    case 'map':
      return SortedMap.open(context, ref)
    case 'set':
      return SortedSet.open(context, ref)
    default:
      return undefined
  }
}
