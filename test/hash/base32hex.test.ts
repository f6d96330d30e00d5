import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase32Hex, encodeBase32Hex } from '../../src/hash/base32hex.js'
import { check } from '../seed.js'

/** Byte strings whose length is a multiple of 5. */
const groups = fc
  .integer({ min: 0, max: 8 })
  .chain((count) => fc.uint8Array({ minLength: 5 * count, maxLength: 5 * count }))

// The vectors of RFC 4648 section 10 that need no padding, and the ends of the alphabet.
test.each([
  ['', ''],
  ['666f6f6261', 'cpnmuoj1'],
  ['0000000000', '00000000'],
  ['ffffffffff', 'vvvvvvvv'],
  ['0000000001', '00000001'],
  ['00443214d4', '0123456k'],
])('%s is spelled %s', (hex, text) => {
  expect(encodeBase32Hex(Buffer.from(hex, 'hex'))).toBe(text)
  expect(Buffer.from(decodeBase32Hex(text)!).toString('hex')).toBe(hex)
})

test('decoding gives the bytes that were encoded', () => {
  check(
    fc.property(groups, (bytes) => {
      expect(decodeBase32Hex(encodeBase32Hex(bytes))).toEqual(bytes)
    }),
  )
})

test('whatever can be decoded is the one spelling of its bytes', () => {
  const digits = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwzAV =\u0660')
  check(
    fc.property(fc.oneof(fc.string({ unit: digits }), fc.string({ maxLength: 16 })), (text) => {
      const bytes = decodeBase32Hex(text)
      if (bytes !== undefined) expect(encodeBase32Hex(bytes)).toBe(text)
      else expect(text).not.toMatch(/^([0-9a-v]{8})*$/)
    }),
  )
})

test('texts sort as their bytes do', () => {
  check(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      fc.nat(19),
      fc.nat(255),
      (bytes, place, value) => {
        const other = Uint8Array.from(bytes)
        other[place] = value
        const [a, b] = [encodeBase32Hex(bytes), encodeBase32Hex(other)]
        expect(Number(a > b) - Number(a < b)).toBe(Buffer.compare(bytes, other))
      },
    ),
  )
})
