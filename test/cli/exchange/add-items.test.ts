import { expect, test } from 'vitest'
import { combined, extended, storeItems } from '../../../src/cli/exchange/add-items.js'
import type { Item } from '../../../src/cli/exchange/item.js'
import type { CollectionKind } from '../../../src/cli/objects/find-object.js'
import { Database } from '../../../src/database/database.js'
import { MemoryStore } from '../../../src/store/memory-store.js'

const db = new Database(new MemoryStore())
const { signal } = new AbortController()

const itemsOf: Readonly<Record<CollectionKind, (from: number, to: number, word: string) => Item[]>> = {
  list: (from, to, word) => range(from, to).map((n) => `${word} ${n}`),
  set: (from, to) => range(from, to),
  map: (from, to, word) => range(from, to).map((n) => [n, `${word} ${n}`]),
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

test.each(['list', 'set', 'map'] as const)(
  'what is added to a %s comes out as if it had been there from the beginning',
  async (kind) => {
    const old = itemsOf[kind](0, 3000, 'old')
    const added = itemsOf[kind](1500, 4000, 'added')
    const before = await storeItems(db, kind, old, signal)
    const after = await extended(before, added, signal)
    expect(after.ref).toEqual((await storeItems(db, kind, [...old, ...added], signal)).ref)
    expect((await extended(before, [], signal)).ref).toEqual(before.ref)

    // Somebody else has put others there meanwhile.
    const others = itemsOf[kind](2900, 3100, 'others')
    const current = await extended(before, others, signal)
    const both = await combined(after, before, current)
    expect(both.ref).toEqual((await extended(current, added, signal)).ref)
  },
)
