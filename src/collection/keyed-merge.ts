/**
 * Merges what two sides have made of one set or map: the changes of theirs are done to ours. Both lists of changes
 * rise by key and are read side by side, so that neither is held in memory. SPEC "Merge".
 */

import { sameBytes } from '../encoding/byte-order.js'
import type { Tree } from '../sequence/node-reader.js'
import { compareKeys } from './key-order.js'
import { diffKeyed, type ItemChange } from './keyed-diff.js'
import type { KeyedEdit } from './keyed-edit.js'

/** The items under a key that both sides changed, and not to the same; undefined where there is none. */
export interface ItemConflict {
  readonly key: Uint8Array
  readonly base: Uint8Array | undefined
  readonly ours: Uint8Array | undefined
  readonly theirs: Uint8Array | undefined
}

/** The item that is to be under the key of a conflict; undefined where there is to be none. */
export type ResolveItem = (conflict: ItemConflict) => Uint8Array | undefined | Promise<Uint8Array | undefined>

/** What is to be done to `ours` so that it has what `theirs` changed of `base` too. */
export async function* mergeEdits(
  base: Tree,
  ours: Tree,
  theirs: Tree,
  resolve: ResolveItem,
): AsyncGenerator<KeyedEdit> {
  const ourChanges = diffKeyed(base, ours)
  try {
    let our = await ourChanges.next()
    for await (const their of diffKeyed(base, theirs)) {
      const key = keyOf(their)
      while (our.done !== true && compareKeys(keyOf(our.value), 0, key, 0) < 0) our = await ourChanges.next()
      if (our.done === true || compareKeys(keyOf(our.value), 0, key, 0) > 0) {
        yield { key, item: their.after }
      } else if (!isSame(our.value.after, their.after)) {
        const { before: base, after: ours } = our.value
        yield { key, item: await resolve({ key, base, ours, theirs: their.after }) }
      }
    }
  } finally {
    await ourChanges.return(undefined)
  }
}

function keyOf({ before, after }: ItemChange): Uint8Array {
  return (before ?? after)!
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b)
}
