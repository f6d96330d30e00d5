/** Nodes that are kept in memory. */

import { expect, test } from 'vitest'
import { LIST_FORMAT, SET_FORMAT } from '../../src/collection/collection-format.js'
import { NodeCache } from '../../src/sequence/node-cache.js'

/** A leaf of about `bytes` bytes. */
function leafOf(bytes: number): Uint8Array {
  const item = new Uint8Array(bytes)
  item.set([0xc5, (bytes - 3) >> 8, (bytes - 3) & 0xff])
  return LIST_FORMAT.encodeLeaf(item, 1)
}

test('are there, of their kind, until the budget is spent; those that were used go last', () => {
  const cache = new NodeCache(100_000)
  const kept = (name: string): boolean => cache.get(LIST_FORMAT, name) !== undefined
  for (let index = 0; index < 1000; index++) {
    cache.set(LIST_FORMAT, `${index}`, leafOf(1000))
    // Asked for again and again; others are not.
    expect(kept('0')).toBe(true)
    expect(cache.get(SET_FORMAT, '0')).toBeUndefined()
  }
  const left = Array.from({ length: 1000 }, (_, index) => `${index}`).filter(kept)
  expect(left.length).toBeGreaterThan(60)
  expect(left.length).toBeLessThanOrEqual(80)
  expect(left[0]).toBe('0')
  expect(left.at(-1)).toBe('999')
})

test('whoever knows a node that is kept no longer finds nothing in it', () => {
  const cache = new NodeCache(100_000)
  cache.set(LIST_FORMAT, 'first', leafOf(1000))
  const first = cache.get(LIST_FORMAT, 'first')!
  expect(first.node?.length).toBe(1)
  for (let index = 0; index < 1000; index++) {
    cache.set(LIST_FORMAT, `${index}`, leafOf(1000))
    cache.get(LIST_FORMAT, `${index}`)
  }
  expect(cache.get(LIST_FORMAT, 'first')).toBeUndefined()
  expect(first.node).toBeUndefined()
})

test('one that is larger than the budget is not kept, and does no harm', () => {
  const cache = new NodeCache(1000)
  cache.set(LIST_FORMAT, 'large', leafOf(5000))
  expect(cache.get(LIST_FORMAT, 'large')).toBeUndefined()
  cache.set(LIST_FORMAT, 'small', leafOf(400))
  expect(cache.get(LIST_FORMAT, 'small')?.node?.length).toBe(1)
})
