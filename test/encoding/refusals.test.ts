import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, Reader, refsIn } from '../../src/encoding/decode.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { EncodingError } from '../../src/errors.js'
import { check, seed } from '../seed.js'
import { values } from './values.js'

const zeros = (count: number): string => '00'.repeat(count)
const text = (count: number): string => '61'.repeat(count)
/** `count` entries with the keys a00 to a99, sorted. */
const entries = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `a3${Buffer.from(`a${String(i).padStart(2, '0')}`).toString('hex')}c0`,
  ).join('')

describe('decode refuses', () => {
  describe.each<[string, [string, string][]]>([
    [
      'integers with too long a header',
      [
        ['0 in 8 bits', 'cc00'],
        ['127 in 8 bits', 'cc7f'],
        ['255 in 16 bits', 'cd00ff'],
        ['65535 in 32 bits', 'ce0000ffff'],
        ['2^32-1 in 64 bits', 'cf00000000ffffffff'],
        ['-1 in 8 bits', 'd0ff'],
        ['-32 in 8 bits', 'd0e0'],
        ['5 in 8 signed bits', 'd005'],
        ['-128 in 16 bits', 'd1ff80'],
        ['200 in 16 signed bits', 'd100c8'],
        ['-32768 in 32 bits', 'd2ffff8000'],
        ['70000 in 32 signed bits', 'd200011170'],
        ['-2^31 in 64 bits', 'd3ffffffff80000000'],
        ['2^33 in 64 signed bits', 'd30000000200000000'],
        ['2^63-1 in 64 signed bits', 'd37fffffffffffffff'],
      ],
    ],
    [
      'lengths with too long a header',
      [
        ['an empty string in 8 bits', 'd900'],
        ['a string of 31 bytes in 8 bits', `d91f${text(31)}`],
        ['a string of 255 bytes in 16 bits', `da00ff${text(255)}`],
        ['a string of 65535 bytes in 32 bits', `db0000ffff${text(65535)}`],
        ['a byte string of 255 bytes in 16 bits', `c500ff${zeros(255)}`],
        ['a byte string of 65535 bytes in 32 bits', `c60000ffff${zeros(65535)}`],
        ['an empty array in 16 bits', 'dc0000'],
        ['an array of 15 in 16 bits', `dc000f${zeros(15)}`],
        ['an array of 65535 in 32 bits', `dd0000ffff${zeros(65535)}`],
        ['an empty map in 16 bits', 'de0000'],
        ['a map of 15 in 16 bits', `de000f${entries(15)}`],
        ['a map of 16 in 32 bits', `df00000010${entries(16)}`],
        ['no refs in 16 bits', 'c8000001'],
        ['12 refs in 16 bits', `c800f001${zeros(240)}`],
        ['3276 refs in 32 bits', `c90000fff001${zeros(65520)}`],
      ],
    ],
    [
      'keys',
      [
        ['twice', '82a16101a16102'],
        ['twice the empty one', '82a001a002'],
        ['out of order', '82a16201a16101'],
        ['out of order, one the beginning of the other', '82a2616201a16101'],
        ['in the order of UTF-16', '82a4f090808001a3ee808001'],
        ['that are numbers', '810102'],
        ['that are byte strings', '81c4016101'],
        ['that are null', '81c001'],
        ['that are arrays', '819001'],
      ],
    ],
    [
      'text that is not UTF-8',
      [
        ['a byte that never occurs', 'a1ff'],
        ['a lone continuation', 'a180'],
        ['a truncated sequence', 'a1c3'],
        ['NUL in two bytes', 'a2c080'],
        ['/ in three bytes', 'a3e080af'],
        ['a surrogate', 'a3eda080'],
        ['a surrogate pair as two', 'a6eda080edb080'],
        ['a code point beyond U+10FFFF', 'a4f4908080'],
        ['a bad key', '81a1ff01'],
      ],
    ],
    [
      'floats',
      [
        ['of 32 bits', 'ca3fc00000'],
        ['that are 0', 'cb0000000000000000'],
        ['that are -0', 'cb8000000000000000'],
        ['that are 1', 'cb3ff0000000000000'],
        ['that are 2^53-1', 'cb433fffffffffffff'],
        ['that are -(2^53-1)', 'cbc33fffffffffffff'],
        ['that are NaN with a payload', 'cb7ff8000000000001'],
        ['that are NaN with a sign', 'cbfff8000000000000'],
        ['that are a signalling NaN', 'cb7ff0000000000001'],
      ],
    ],
    [
      'extensions',
      [
        ['fixext 1', 'd40100'],
        ['fixext 2', 'd5010000'],
        ['fixext 4', `d601${zeros(4)}`],
        ['fixext 8', `d701${zeros(8)}`],
        ['fixext 16', `d801${zeros(16)}`],
        ['a timestamp', `c70cff${zeros(12)}`],
        ['of type 0', `c71400${zeros(20)}`],
        ['of type 2', `c71402${zeros(20)}`],
        ['of type -1', `c714ff${zeros(20)}`],
        ['of 19 bytes', `c71301${zeros(19)}`],
        ['of 21 bytes', `c71501${zeros(21)}`],
      ],
    ],
    [
      'bytes that are no value',
      [
        ['none at all', ''],
        ['the code that is never used', 'c1'],
        ['that code inside an array', '91c1'],
        ['a value after the value', 'c0c0'],
        ['a byte after an array', '9000'],
        ['a byte after a byte string', 'c4010000'],
      ],
    ],
    [
      'values longer than the buffer',
      [
        ['8 bits', 'cc'],
        ['16 bits', 'cd01'],
        ['32 bits', 'ce010000'],
        ['64 bits', 'cf01000000000000'],
        ['8 signed bits', 'd0'],
        ['16 signed bits', 'd180'],
        ['32 signed bits', 'd2800000'],
        ['64 signed bits', 'd380000000000000'],
        ['a float', 'cb3fe00000000000'],
        ['a short string', 'a261'],
        ['a string without its length', 'd9'],
        ['a string of 255 bytes', 'd9ff61'],
        ['a string of 65535 bytes', 'daffff61'],
        ['a string of 4 GiB', 'dbffffffff61'],
        ['a byte string of 255 bytes', 'c4ff'],
        ['a byte string without its whole length', 'c5ff'],
        ['a byte string of 4 GiB', 'c6ffffffff00'],
        ['a short array', '9200'],
        ['an array of 65535', 'dcffff00'],
        ['an array of 4 billion', 'ddffffffff00'],
        ['arrays of 4 billion inside each other', 'ddffffffff'.repeat(60)],
        ['a short map', '82a16101'],
        ['a map without the last value', '81a161'],
        ['a map of 65535', 'deffffa16101'],
        ['a map of 4 billion', 'dfffffffffa16101'],
        ['a ref without its type', 'c714'],
        ['a ref without its last byte', `c71401${zeros(19)}`],
        ['4 GiB of refs', `c9ffffffec01${zeros(20)}`],
      ],
    ],
    [
      'nesting',
      [
        ['of 65 arrays', `${'91'.repeat(65)}c0`],
        ['of 65 maps', `${'81a0'.repeat(65)}c0`],
        ['of 65 of both', `${'9181a0'.repeat(32)}90`],
        ['without an end', '91'.repeat(1_000_000)],
      ],
    ],
  ])('%s:', (_, cases) => {
    test.each(cases)('%s', (_, hex) => {
      const bytes = Buffer.from(hex, 'hex')
      const error = thrownBy(() => decode(bytes))
      expect(error).toBeInstanceOf(EncodingError)
      expect((error as EncodingError).code).toBe('NOMSY_ENCODING')
      expect((error as EncodingError).offset).toBeLessThanOrEqual(bytes.length)
      expect((error as EncodingError).message).toContain(`at byte ${(error as EncodingError).offset}`)
      expect(() => passOver(bytes)).toThrow(EncodingError)
    })
  })
})

describe('decode takes', () => {
  test.each([
    ['64 arrays inside each other', `${'91'.repeat(63)}90`],
    ['64 maps inside each other', `${'81a0'.repeat(63)}80`],
    ['128', 'cc80'],
    ['-33', 'd0df'],
    ['2^53 as a float', 'cb4340000000000000'],
    ['the byte order mark', 'a3efbbbf'],
    ['the empty key', '81a001'],
    ['keys in the order of UTF-8', '82a3ee808001a4f090808001'],
    ['13 refs in 16 bits', `c8010401${zeros(260)}`],
  ])('%s', (_, hex) => {
    const bytes = Buffer.from(hex, 'hex')
    expect(Buffer.from(encode(decode(bytes))).toString('hex')).toBe(hex)
  })
})

describe('encode refuses', () => {
  const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], null)
  const cycle: unknown[] = []
  cycle.push({ self: cycle })
  class Point {
    x = 1
  }

  test.each<[string, unknown, typeof TypeError | typeof RangeError, string]>([
    ['undefined', undefined, TypeError, 'value is undefined'],
    ['undefined in an array', [1, undefined], TypeError, 'value[1]'],
    ['a hole in an array', new Array(1), TypeError, 'value[0]'],
    ['undefined in a record', { a: { b: undefined } }, TypeError, 'value.a.b'],
    ['a function', { f: () => 1 }, TypeError, 'value.f'],
    ['a symbol', [Symbol('s')], TypeError, 'value[0]'],
    ['a Date', { at: [new Date(0)] }, TypeError, 'value.at[0] is a Date'],
    ['a Map', [new Map()], TypeError, 'value[0] is a Map'],
    ['a Set', [new Set()], TypeError, 'value[0] is a Set'],
    ['a RegExp', { r: /x/ }, TypeError, 'value.r'],
    ['an Error', [new Error('e')], TypeError, 'value[0] is a Error'],
    ['an instance of a class', { p: new Point() }, TypeError, 'value.p is a Point'],
    ['a typed array of other numbers', [new Uint16Array(2)], TypeError, 'value[0] is a Uint16Array'],
    ['an ArrayBuffer', [new ArrayBuffer(2)], TypeError, 'value[0] is a ArrayBuffer'],
    ['a promise', [Promise.resolve()], TypeError, 'value[0] is a Promise'],
    ['a high surrogate by itself', { s: ['a\ud800'] }, TypeError, 'value.s[0]'],
    ['a low surrogate by itself', ['\udc00'], TypeError, 'value[0]'],
    ['a lone surrogate in a key', [{ '\ud800': 1 }], TypeError, 'value[0]["'],
    ['a bigint beyond 64 bits', { n: 2n ** 64n }, RangeError, 'value.n'],
    ['a negative bigint beyond 64 bits', { n: [-(2n ** 63n) - 1n] }, RangeError, 'value.n[0]'],
    ['65 arrays inside each other', nested(65), RangeError, `value${'[0]'.repeat(64)} is nested`],
    ['a million arrays inside each other', nested(1_000_000), RangeError, 'nested'],
    ['a key that is a symbol', [{ [Symbol('s')]: 1 }], TypeError, 'value[0] has a key that is a symbol'],
    [
      'undefined under a key that is no word',
      { 'a b': [undefined] },
      TypeError,
      'value["a b"][0] is undefined',
    ],
    ['a value that holds itself', cycle, RangeError, 'value[0].self[0].self'],
  ])('%s, naming its place', (_, value, errorClass, place) => {
    const error = thrownBy(() => encode(value as Value))
    expect(error).toBeInstanceOf(errorClass)
    expect((error as Error).message).toContain(place)
  })

  test('nothing that is 64 deep', () => {
    const value = nested(64) as Value
    expect(decode(encode(value))).toEqual(value)
  })
})

describe('of bytes of whatever origin, decode takes only what encode writes, and throws only EncodingErrors:', () => {
  const corpus = fc.sample(values, { numRuns: 400, seed }).map(encode)

  /** Whether `bytes` were taken. */
  function probe(bytes: Uint8Array): boolean {
    let value: Value
    try {
      value = decode(bytes)
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error
      expect(() => passOver(bytes)).toThrow(EncodingError)
      return false
    }
    if (Buffer.compare(encode(value), bytes) !== 0) throw new Error('a second spelling was taken')
    passOver(bytes)
    refsIn(bytes)
    return true
  }

  test('valid ones with changes', () => {
    const place = fc.nat({ max: 0xffff })
    const byte = fc.oneof(fc.nat(255), fc.integer({ min: 0xc0, max: 0xdf }))
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), place, byte }),
      fc.record({ kind: fc.constant('add' as const), place, byte }),
      fc.record({ kind: fc.constant('flip' as const), place, byte: fc.nat(7).map((bit) => 1 << bit) }),
      fc.record({ kind: fc.constant('remove' as const), place, byte: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('cut' as const), place, byte: fc.constant(0) }),
      fc.record({ kind: fc.constant('graft' as const), place, byte: fc.nat(255) }),
    )
    let taken = 0
    check(
      fc.property(
        fc.nat(corpus.length - 1),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (index, edits) => {
          const bytes = [...corpus[index]!]
          for (const { kind, place, byte } of edits) {
            const at = place % (bytes.length + 1)
            if (kind === 'set' && at < bytes.length) bytes[at] = byte
            if (kind === 'flip' && at < bytes.length) bytes[at]! ^= byte
            if (kind === 'add') bytes.splice(at, 0, byte)
            if (kind === 'remove') bytes.splice(at, byte)
            if (kind === 'cut') bytes.splice(at)
            if (kind === 'graft') bytes.splice(at, 1, ...corpus[byte]!)
          }
          if (probe(Uint8Array.from(bytes))) taken++
        },
      ),
      { numRuns: 12_000 },
    )
    expect(taken).toBeGreaterThan(500)
  })

  test('random ones', () => {
    const byte = fc.oneof(
      fc.nat(255),
      fc.constantFrom(0x00, 0x01, 0x14, 0x81, 0x91, 0xa1, 0xc4, 0xc7, 0xcc, 0xcd, 0xcf, 0xd9),
    )
    let taken = 0
    check(
      fc.property(fc.array(byte, { maxLength: 24 }), (bytes) => {
        if (probe(Uint8Array.from(bytes))) taken++
      }),
      { numRuns: 8_000 },
    )
    expect(taken).toBeGreaterThan(50)
  })
})

/** Reads one value without making it, which is to be as strict. */
function passOver(bytes: Uint8Array): void {
  const reader = new Reader(bytes)
  reader.skip()
  reader.end()
}

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
