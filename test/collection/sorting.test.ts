/** Sorting in bounded memory gives what sorting an array gives, however little memory that is. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeItem } from '../../src/collection/item-batch.js'
import { ItemSorter, type RunLimits } from '../../src/collection/item-sorter.js'
import { readEntry, readItem } from '../../src/collection/read-item.js'
import { BlobScratch, openScratch, type Scratch } from '../../src/collection/scratch.js'
import { check } from '../seed.js'
import { collect } from './contexts.js'
import { runs } from './runs.js'

/** The items of `entries`, sorted; they are added a few at a time. */
async function sorted(
  entries: readonly (readonly [number, string])[],
  limits?: RunLimits,
  open?: () => Promise<Scratch>,
): Promise<[number, string][]> {
  const sorter = new ItemSorter(limits, open)
  for (let from = 0; from < entries.length; from += 7) {
    const items = entries
      .slice(from, from + 7)
      .map(([key, value]) => encodeItem((batch) => batch.addEntry(key, value)))
    let end = 0
    await sorter.add(
      Buffer.concat(items),
      items.map(({ length }) => (end += length)),
    )
  }
  const found = await collect(sorter.sorted())
  await sorter.close()
  return found.map((item) => readItem(item, readEntry<number, string>))
}

function expected(entries: readonly (readonly [number, string])[]): [number, string][] {
  return [...new Map(entries)].sort(([a], [b]) => a - b)
}

const entry = fc.tuple(
  fc.oneof(fc.nat(50), fc.integer()),
  fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('y'.repeat(30_000), 'x'.repeat(2000))),
)

test.each<[string, RunLimits | undefined, (() => Promise<Scratch>) | undefined]>([
  ['all at once', undefined, undefined],
  ['in runs of a few items, in a file', { bytes: 1e9, items: 10 }, openScratch],
  ['in runs of a few bytes, in a file', { bytes: 500, items: 1e9 }, openScratch],
  ['in runs in a Blob', { bytes: 3000, items: 30 }, async () => new BlobScratch()],
])('items sorted %s rise, and of equal keys the last is there', async (_, limits, open) => {
  await check(
    fc.asyncProperty(fc.array(entry, { maxLength: 200 }), async (entries) => {
      expect(await sorted(entries, limits, open)).toEqual(expected(entries))
    }),
    { numRuns: runs(40) },
  )
})

test('many runs are read back in blocks', async () => {
  const entries = Array.from({ length: 50_000 }, (_, index) => [(index * 7919) % 40_009, `${index}`] as const)
  expect(await sorted(entries, { bytes: 1e9, items: 1000 })).toEqual(expected(entries))
})

test('the room for runs is given back, also where sorting is given up', async () => {
  let open = 0
  const scratch = async (): Promise<Scratch> => {
    open++
    const inner = new BlobScratch()
    return {
      append: (bytes) => inner.append(bytes as Uint8Array<ArrayBuffer>),
      read: (start, end) => inner.read(start, end),
      close: async () => {
        open--
      },
    }
  }
  const sorter = new ItemSorter({ bytes: 1e9, items: 2 }, scratch)
  const item = encodeItem((batch) => batch.addKey('a'))
  for (let count = 0; count < 10; count++) await sorter.add(item, [item.length])
  for await (const _ of sorter.sorted()) break
  expect(open).toBe(1)
  await sorter.close()
  expect(open).toBe(0)
})
