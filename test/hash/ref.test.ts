import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ref, sameRef } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { check } from '../seed.js'

const refBytes = fc.uint8Array({ minLength: 20, maxLength: 20 })
const text = '0123456789abcdefghijklmnopqrstuv'

test('a ref is the first 20 bytes of SHA-256', () => {
  check(
    fc.property(fc.uint8Array({ maxLength: 1000 }), (chunk) => {
      const digest = createHash('sha256').update(chunk).digest()
      expect(Buffer.from(Ref.of(chunk).bytes).equals(digest.subarray(0, 20))).toBe(true)
    }),
  )
})

test('parsing the text of a ref gives the ref', () => {
  check(
    fc.property(refBytes, (bytes) => {
      const ref = Ref.fromBytes(bytes)
      expect(ref.toString()).toMatch(/^[0-9a-v]{32}$/)
      expect(Ref.isRef(ref.toString())).toBe(true)
      expect(Ref.parse(ref.toString())!.bytes).toEqual(bytes)
    }),
  )
})

describe('no ref is spelled', () => {
  test.each([
    ['by an empty text', ''],
    ['in upper case', text.toUpperCase()],
    ['with one upper-case digit', text.replace('v', 'V')],
    ['with a digit outside the alphabet', text.replace('v', 'w')],
    ['with one digit too few', text.slice(1)],
    ['with one digit too many', `${text}0`],
    ['with eight digits too many', `${text}00000000`],
    ['with padding', `${text.slice(0, 24)}========`],
    ['with a space before it', ` ${text.slice(1)}`],
    ['with a newline after it', `${text}\n`],
    ['with a newline for a digit', `${text.slice(1)}\n`],
    ['with a non-ASCII digit', text.replace('0', '\u0660')],
    ['with a NUL', text.replace('0', '\0')],
    ['as a number', text.replace('0', '-')],
  ])('%s', (_, spelling) => {
    expect(Ref.parse(spelling)).toBeUndefined()
    expect(Ref.isRef(spelling)).toBe(false)
  })
})

test.each([0, 19, 21, 32])('%i bytes are no ref', (length) => {
  expect(() => Ref.fromBytes(new Uint8Array(length))).toThrow(RangeError)
})

test('a ref shows its text in strings, in JSON and when inspected', () => {
  const ref = Ref.parse(text)!
  expect(`${ref}`).toBe(text)
  expect(JSON.stringify({ ref })).toBe(`{"ref":"${text}"}`)
  expect(inspect(ref)).toBe(`Ref(${text})`)
})

test('refs are equal where all their bytes are', () => {
  check(
    fc.property(refBytes, fc.nat(19), fc.integer({ min: 1, max: 255 }), (bytes, place, flip) => {
      const other = Uint8Array.from(bytes)
      expect(Ref.fromBytes(bytes).equals(Ref.fromBytes(other))).toBe(true)
      other[place]! ^= flip
      expect(Ref.fromBytes(bytes).equals(Ref.fromBytes(other))).toBe(false)
    }),
  )
})

describe('a list of refs', () => {
  test('gives back its refs, by index and in order', () => {
    check(
      fc.property(fc.array(refBytes, { maxLength: 20 }), (each) => {
        const list = RefList.of(each.map((bytes) => Ref.fromBytes(bytes)))
        expect(list.length).toBe(each.length)
        expect([...list].map((ref) => ref.bytes)).toEqual(each)
        expect(each.map((_, index) => list.at(index).bytes)).toEqual(each)
        expect(Buffer.concat(each).equals(list.bytes)).toBe(true)
      }),
    )
  })

  test.each([1, 19, 21, 39])('refuses %i bytes', (length) => {
    expect(() => new RefList(new Uint8Array(length))).toThrow(RangeError)
  })

  test('refuses an index outside it', () => {
    const list = RefList.of([Ref.parse(text)!])
    expect(() => list.at(1)).toThrow(RangeError)
    expect(() => list.at(-1)).toThrow(RangeError)
  })

  test('compares refs in place', () => {
    const a = RefList.of([Ref.of(Uint8Array.of(1)), Ref.of(Uint8Array.of(2))])
    const b = RefList.of([Ref.of(Uint8Array.of(2)), Ref.of(Uint8Array.of(3))])
    expect(sameRef(a.bytes, 20, b.bytes, 0)).toBe(true)
    expect(sameRef(a.bytes, 0, b.bytes, 0)).toBe(false)
    expect(sameRef(a.bytes, 20, b.bytes, 20)).toBe(false)
  })
})
