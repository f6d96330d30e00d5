/**
 * Adds what one map or set has to another, in memory that does not grow with either: in the order of keys, many at a
 * time, so that each batch reads and writes leaves of its own.
 */

import type { SortedMap } from '../../collection/sorted-map.js'
import type { SortedSet } from '../../collection/sorted-set.js'
import type { Key, Value } from '../../collection/value.js'

/** A batch ends with the item that makes it this large, in bytes or so. */
const BATCH_BYTES = 8 * 1024 * 1024

/** `to` with all entries of `added`, which win over those under the same keys. */
export async function addEntries(
  to: SortedMap<Key, Value>,
  added: SortedMap<Key, Value>,
): Promise<SortedMap<Key, Value>> {
  if (to.size === 0) return added
  let edit = to.edit()
  let size = 0
  for await (const entry of added) {
    edit.set(...entry)
    size += sizeOf(entry)
    if (size < BATCH_BYTES) continue
    edit = (await edit.done()).edit()
    size = 0
  }
  return edit.done()
}

/** `to` with all keys of `added`. */
export async function addKeys(to: SortedSet<Key>, added: SortedSet<Key>): Promise<SortedSet<Key>> {
  if (to.size === 0) return added
  let edit = to.edit()
  let size = 0
  for await (const key of added) {
    edit.add(key)
    size += sizeOf(key)
    if (size < BATCH_BYTES) continue
    edit = (await edit.done()).edit()
    size = 0
  }
  return edit.done()
}

/** What `value` takes in memory, in bytes: roughly, and with what holds it. */
function sizeOf(value: Value): number {
  if (typeof value === 'string') return 100 + value.length
  if (typeof value !== 'object' || value === null) return 100
  if (value instanceof Uint8Array) return 100 + value.length
  let size = 100
  for (const [name, part] of Object.entries(value)) size += name.length + sizeOf(part as Value)
  return size
}
