import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeKey } from '../../src/collection/item-batch.js'
import { compareKeys, keyEnd } from '../../src/collection/key-order.js'
import type { Key } from '../../src/collection/value.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { EncodingError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { check } from '../seed.js'
import { compareNaively, keys } from './keys.js'

const ref = (byte: number): Ref => Ref.fromBytes(new Uint8Array(20).fill(byte))

describe('keys in their order:', () => {
  test.each<[string, Key[]]>([
    ['kinds', [null, false, true, -1, 'a', Uint8Array.of(0), ref(0), []]],
    [
      'integers',
      [-(2n ** 63n), -(2 ** 53 - 1), -(2 ** 31) - 1, -(2 ** 31), -32769, -32768, -129, -128, -33, -32, -1],
    ],
    [
      'more integers',
      [0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n],
    ],
    [
      'floats among integers',
      [-Infinity, -1e300, -2, -1.5, -1, -0.5, 0, 5e-324, 0.5, 1, 1.5, 1e300, Infinity],
    ],
    [
      'an integer before the float that equals it',
      [2 ** 53 - 1, 2n ** 53n, 2 ** 53, 2n ** 53n + 1n, 2 ** 53 + 2],
    ],
    ['the same below zero', [-(2n ** 53n) - 1n, -(2n ** 53n), -(2 ** 53), -(2 ** 53 - 1)]],
    [
      'strings by UTF-8',
      ['', 'A', 'a', 'aa', 'b', 'z'.repeat(40), 'é', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'],
    ],
    ['a long string before a greater short one', ['a'.repeat(300), 'b']],
    [
      'byte strings',
      [[], [0], [0, 0], [0, 1], [1], new Array(300).fill(1), [2]].map((each) => Uint8Array.from(each)),
    ],
    ['refs', [ref(0), ref(1), ref(127), ref(128), ref(255)]],
    ['arrays', [[], [null], [null, null], [1], [1, 'a'], [1, 'b'], [1.5], ['a'], [[]], [[], 1], [[1]]]],
    ['long arrays', [new Array(15).fill(1), new Array(16).fill(1), new Array(17).fill(1), [2]]],
  ])('%s', (_, sorted) => {
    const encoded = sorted.map(encodeKey)
    for (const [a, aBytes] of encoded.entries()) {
      for (const [b, bBytes] of encoded.entries()) {
        expect(Math.sign(compareKeys(aBytes, 0, bBytes, 0))).toBe(Math.sign(a - b))
      }
    }
  })
})

test('whatever the keys, the order of their encodings is their order, wherever they stand', () => {
  check(
    fc.property(keys, keys, fc.nat(3), (a, b, shift) => {
      const aBytes = Buffer.concat([Buffer.alloc(shift, 0xc1), encodeKey(a), Buffer.of(0xc1)])
      const bBytes = encodeKey(b)
      expect(Math.sign(compareKeys(aBytes, shift, bBytes, 0))).toBe(Math.sign(compareNaively(a, b)))
      expect(Math.sign(compareKeys(bBytes, 0, aBytes, shift))).toBe(Math.sign(compareNaively(b, a)))
      expect(compareKeys(aBytes, shift, encodeKey(a), 0)).toBe(0)
      expect(keyEnd(aBytes, shift)).toBe(aBytes.length - 1)
    }),
    { numRuns: 4000 },
  )
})

test.each<[string, Value]>([
  ['NaN', Number.NaN],
  ['a record', {}],
  ['NaN in an array', [1, [Number.NaN]]],
  ['a record in an array', [{ a: 1 }]],
])('the encoding of %s is no key', (_, value) => {
  expect(() => keyEnd(encode(value), 0)).toThrow(EncodingError)
})
