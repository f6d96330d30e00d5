/** A list of many integers in the store, such as where a file has holes. */

import { COLLECTION_PARAMS, LIST_FORMAT } from '../../collection/collection-format.js'
import { encodeItem } from '../../collection/item-batch.js'
import type { Ref } from '../../hash/ref.js'
import type { ChunkTarget } from '../../sequence/chunk-sink.js'
import { TreeWriter } from '../../sequence/tree-writer.js'

/** Integers that are asked for before others have their turn: each may take a seek. */
const INTEGERS_AT_ONCE = 512

/** Stores a list of integers. */
export async function writeIntegers(target: ChunkTarget, integers: Iterable<number>): Promise<Ref> {
  const writer = new TreeWriter(LIST_FORMAT, COLLECTION_PARAMS, target)
  let count = 0
  for (const integer of integers) {
    writer.pushItem(encodeItem((batch) => batch.addValue(integer)))
    if (++count % INTEGERS_AT_ONCE === 0) {
      await writer.drain()
      await new Promise(setImmediate)
    }
  }
  return (await writer.finish()).ref
}
