import type { SortedMap } from '../../collection/sorted-map.js'
import type { SortedSet } from '../../collection/sorted-set.js'
import type { Key, Value } from '../../collection/value.js'
import { Failure } from '../failure.js'
import { PLAIN } from '../styled.js'
import { prettyLine } from './pretty.js'
import { typeOf } from './value-type.js'

/** That `key` is not there, and what may be the reason: keys of another type. `object` is how the collection was called. */
export async function noSuchKey(
  collection: SortedMap<Key, Value> | SortedSet<Key>,
  key: Key,
  object: string,
): Promise<Failure> {
  const words = `${object}: no key ${prettyLine(key, PLAIN, 60)}`
  for await (const first of collection.keys({ limit: 1 })) {
    const type = typeOf(first)
    if (type !== typeOf(key)) {
      return new Failure(
        `${words}; its first key is ${prettyLine(first, PLAIN, 60)}: is --key-type ${type} meant?`,
      )
    }
  }
  return new Failure(words)
}
