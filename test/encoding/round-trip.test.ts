import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { decode, refsIn } from '../../src/encoding/decode.js'
import { binHeader, encode } from '../../src/encoding/encode.js'
import { compareUtf8, type Value } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { check } from '../seed.js'
import { asRead, values } from './values.js'

test('what is read back equals what was written', () => {
  check(
    fc.property(values, (value) => {
      const bytes = encode(value)
      const read = decode(bytes)
      deepStrictEqual(read, asRead(value))
      deepStrictEqual(encode(read), bytes)
    }),
    { numRuns: 3000 },
  )
})

test('records with the same entries have the same bytes in whatever order they were made', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), fc.integer()), {
    selector: ([key]) => key,
  })
  check(
    fc.property(
      entries.chain((each) =>
        fc.tuple(fc.constant(each), fc.shuffledSubarray(each, { minLength: each.length })),
      ),
      ([one, other]) => {
        deepStrictEqual(encode(Object.fromEntries(one)), encode(Object.fromEntries(other)))
      },
    ),
  )
})

describe('a number has one spelling', () => {
  test.each<[string, Value, string]>([
    ['-0 is 0', -0, '00'],
    ['NaN', NaN, 'cb7ff8000000000000'],
    [
      'a NaN with other bits is NaN',
      new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0]!,
      'cb7ff8000000000000',
    ],
    ['a bigint within the safe integers is a number', 5n, '05'],
    ['-(2^53-1) as a bigint too', -(2n ** 53n - 1n), 'd3ffe0000000000001'],
    ['2^53 as a bigint is an integer', 2n ** 53n, 'cf0020000000000000'],
    ['2^53 as a number is a float', 2 ** 53, 'cb4340000000000000'],
    ['-2^53 as a bigint is an integer', -(2n ** 53n), 'd3ffe0000000000000'],
    ['the least int64', -(2n ** 63n), 'd38000000000000000'],
    ['the greatest uint64', 2n ** 64n - 1n, 'cfffffffffffffffff'],
    ['infinity', Infinity, 'cb7ff0000000000000'],
    ['a half', 0.5, 'cb3fe0000000000000'],
  ])('%s', (_, value, hex) => {
    expect(Buffer.from(encode(value)).toString('hex')).toBe(hex)
  })
})

test('a key named __proto__ is an entry and sets no prototype', () => {
  const bytes = encode(JSON.parse('{"__proto__": {"admin": true}}'))
  const read = decode(bytes) as { admin?: Value }
  expect(Object.keys(read)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(read.admin).toBeUndefined()
  expect(encode(read as Value)).toEqual(bytes)
})

test('a record without a prototype is a record', () => {
  const value: Value = Object.assign(Object.create(null), { a: 1 })
  expect(encode(value)).toEqual(encode({ a: 1 }))
})

test('a view is read without the bytes around it', () => {
  const bytes = encode(['text', 1.5, 300])
  const padded = new Uint8Array(bytes.length + 7)
  padded.set(bytes, 3)
  expect(decode(padded.subarray(3, 3 + bytes.length))).toEqual(['text', 1.5, 300])
})

describe('keys are in the order of their UTF-8 bytes', () => {
  const codePoints = fc.constantFrom(
    '',
    'a',
    '\u07ff',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(codePoints, { maxLength: 4 }).map((each) => each.join('')),
  )

  test.each([
    ['U+FFFF', 'U+10000', '\uffff', '\u{10000}'],
    ['U+E000', 'U+10FFFF', '\ue000', '\u{10ffff}'],
    ['U+D7FF', 'U+E000', '\ud7ff', '\ue000'],
    ['U+D7FF', 'U+10000', '\ud7ff', '\u{10000}'],
    ['a key', 'a longer one that begins with it', 'a', 'ab'],
    ['10', '9', '10', '9'],
  ])('%s before %s', (_before, _after, before, after) => {
    expect(compareUtf8(before, after)).toBeLessThan(0)
    expect(compareUtf8(after, before)).toBeGreaterThan(0)
    const record = encode({ [after]: 1, [before]: 2 })
    expect(Buffer.from(record).indexOf(before)).toBe(2)
  })

  test('whatever the text', () => {
    check(
      fc.property(texts, texts, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('msgpackr', () => {
  const packr = new Packr({ useRecords: false, mapsAsObjects: false, variableMapSize: true })

  test('reads what is written', () => {
    const readable = values.map(withoutRefs)
    check(
      fc.property(readable, (value) => {
        deepStrictEqual(packr.unpack(encode(value)), withWideBigints(forMsgpackr(asRead(value))))
      }),
      { numRuns: 1500 },
    )
  })

  test('writes the same bytes for values that it writes canonically', () => {
    check(
      fc.property(values.map(withoutRefs).map(withoutWideIntegers), (value) => {
        expect(Buffer.compare(packr.pack(forMsgpackr(value)), encode(value))).toBe(0)
      }),
      { numRuns: 1500 },
    )
  })

  test.each([15, 16, 31, 32, 255, 256, 65535, 65536, 70000])(
    'writes the same headers for %i bytes, characters, elements and entries',
    (count) => {
      const keys = Array.from({ length: count }, (_, index) => String(index).padStart(6, '0'))
      for (const value of [
        'x'.repeat(count),
        new Uint8Array(count),
        keys.map(() => null),
        Object.fromEntries(keys.map((key) => [key, true])),
      ] as Value[]) {
        expect(Buffer.compare(packr.pack(forMsgpackr(value)), encode(value))).toBe(0)
        deepStrictEqual(decode(encode(value)), value)
      }
    },
  )

  /** Records as Maps, which keep the order that they are given. */
  function forMsgpackr(value: Value): unknown {
    if (value instanceof Uint8Array) return value
    if (Array.isArray(value)) return value.map(forMsgpackr)
    if (value === null || typeof value !== 'object') return value
    const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return new Map(entries.map(([key, each]) => [key, forMsgpackr(each)]))
  }

  /** It reads integers of 64 bits as bigints. */
  function withWideBigints(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withWideBigints)
    if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, withWideBigints(each)]))
    const isWide =
      Number.isSafeInteger(value) && ((value as number) > 0xffffffff || (value as number) < -0x80000000)
    return isWide ? BigInt(value as number) : value
  }

  function withoutRefs(value: Value): Value {
    if (value instanceof Ref || value instanceof RefList) return value.bytes
    return eachInside(value, withoutRefs)
  }

  /** It writes integers of more than 32 bits as floats, and bigints signed where they fit. */
  function withoutWideIntegers(value: Value): Value {
    if (typeof value === 'bigint') return value < 2n ** 63n ? null : value
    if (Number.isSafeInteger(value)) return (value as number) | 0
    return eachInside(value, withoutWideIntegers)
  }

  function eachInside(value: Value, change: (value: Value) => Value): Value {
    if (Array.isArray(value)) return value.map(change)
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]))
  }
})

describe('refs in a chunk', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((text) => Ref.of(Buffer.from(text))) as [Ref, Ref, Ref]
  const found = (value: Value): string[] =>
    refsIn(encode(value)).flatMap((refs) => [...refs].map((ref) => ref.toString()))

  test.each<[string, Value, Ref[]]>([
    ['none in plain values', ['blob', 1, { a: [null, 'x'] }], []],
    ['none in a byte string that looks like one', encode(a), []],
    ['a ref by itself', a, [a]],
    [
      'lists of refs, and refs at any depth, in order',
      ['x', RefList.of([b, a]), { k: [[c]] }, a],
      [b, a, c, a],
    ],
    ['a list of none', RefList.of([]), []],
  ])('are found: %s', (_, value, refs) => {
    expect(found(value)).toEqual(refs.map((ref) => ref.toString()))
  })

  test('a list of one ref is read back as that ref', () => {
    expect(decode(encode(RefList.of([a])))).toBeInstanceOf(Ref)
  })
})

test.each([0, 1, 255, 256, 65535, 65536, 4 * 1024 * 1024])('the header of a bin of %i bytes', (length) => {
  const bytes = encode(new Uint8Array(length))
  expect(binHeader(length)).toEqual(bytes.subarray(0, bytes.length - length))
})
