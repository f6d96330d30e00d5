/** Keys are found among items as a search item by item finds them, whatever they begin with. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeKey } from '../../src/collection/item-batch.js'
import { compareKeys } from '../../src/collection/key-order.js'
import { SearchedKey } from '../../src/collection/searched-key.js'
import type { Key } from '../../src/collection/value.js'
import type { EncodedItems } from '../../src/sequence/node.js'
import { check } from '../seed.js'

function itemsOf(sorted: readonly Uint8Array[]): EncodedItems {
  let end = 0
  const ends = Uint32Array.from(sorted, ({ length }) => {
    end += length
    return end
  })
  return { items: new Uint8Array(Buffer.concat(sorted)), ends }
}

/** Few letters, zeros among them, so that many begin alike and one is often the beginning of another. */
const letters = fc.array(fc.constantFrom(0, 1, 97, 255), { maxLength: 9 })
const bytes = letters.map((each) => Uint8Array.from(each))
const text = letters.map((each) => String.fromCharCode(...each.map((code) => code & 0x7f)))
const long = text.map((each) => `/a/path/that/many/begin/with/${each}`)
const KINDS: [string, fc.Arbitrary<Key>][] = [
  ['texts', text],
  ['long texts', long],
  ['byte strings', bytes],
  ['numbers', fc.oneof(fc.integer(), fc.double({ noNaN: true }))],
  ['arrays', fc.array(text, { maxLength: 3 })],
  [
    'all kinds',
    fc.oneof(text, long, bytes, fc.integer(), fc.constant(null), fc.array(text, { maxLength: 2 })),
  ],
]

test.each(KINDS)('%s', async (_, key) => {
  await check(
    fc.property(fc.array(key, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (present, others) => {
      const encoded = present.map(encodeKey).sort((a, b) => compareKeys(a, 0, b, 0))
      const sorted = encoded.filter((each, at) => at === 0 || compareKeys(encoded[at - 1]!, 0, each, 0) !== 0)
      const items = itemsOf(sorted)
      for (const each of [...others, ...present].map(encodeKey)) {
        const after = sorted.findIndex((other) => compareKeys(other, 0, each, 0) >= 0)
        const isThere = after >= 0 && compareKeys(sorted[after]!, 0, each, 0) === 0
        const expected = isThere ? after : ~(after < 0 ? sorted.length : after)
        // The first search of some items is another one than those after it.
        expect(new SearchedKey(each).searchIn({ ...items, heads: undefined })).toBe(expected)
        expect(new SearchedKey(each).searchIn(items)).toBe(expected)
        const between = new Uint8Array([0xc0, 0xc0, ...each, 0xc0])
        expect(new SearchedKey(between, 2).searchIn(items)).toBe(expected)
      }
    }),
    { numRuns: 300 },
  )
})
