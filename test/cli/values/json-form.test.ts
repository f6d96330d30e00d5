import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromJson, toJson } from '../../../src/cli/values/json-form.js'
import { formatAs, parseAs, typeOf, VALUE_TYPES } from '../../../src/cli/values/value-type.js'
import type { Value } from '../../../src/collection/value.js'
import { encode } from '../../../src/encoding/encode.js'
import type { Value as AnyValue } from '../../../src/encoding/value.js'
import { check } from '../../seed.js'
import { anyValue } from './any-value.js'

const bytesOf = (value: Value): Uint8Array => encode(value as AnyValue)

test('any value comes back from its JSON as it was', () => {
  check(
    fc.property(anyValue, (value) => {
      const json = toJson(value)
      expect(json).not.toMatch(/[\n\r]/)
      expect(bytesOf(fromJson(json))).toEqual(bytesOf(value))
    }),
  )
})

test('any value comes back from the text of its type, and every type refuses what it cannot spell', () => {
  check(
    fc.property(anyValue, fc.constantFrom(...VALUE_TYPES), (value, type) => {
      const own = typeOf(value)
      expect(bytesOf(parseAs(own, formatAs(own, value)!))).toEqual(bytesOf(value))
      const text = formatAs(type, value)
      if (text !== undefined) expect(bytesOf(parseAs(type, text))).toEqual(bytesOf(value))
    }),
  )
})

test.each<[json: string, value: Value]>([
  ['{"$bytes":"aGk="}', Uint8Array.of(104, 105)],
  ['{"$bytes":""}', new Uint8Array(0)],
  ['{"$bigint":"9223372036854775808"}', 2n ** 63n],
  ['{"$number":"-Infinity"}', -Infinity],
  ['{"$$ref":"#/x"}', { $ref: '#/x' }],
  ['{"$$$ref":"#/x"}', { $$ref: '#/x' }],
  ['{"$ref":1,"more":2}', { $ref: 1, more: 2 }],
  ['{"$unknown":1}', { $unknown: 1 }],
  ['1e21', 1e21],
  ['9007199254740992', 2 ** 53],
  ['"12345678901234567890 \\" 12345678901234567890"', '12345678901234567890 " 12345678901234567890'],
])('%s is read as meant', (json, value) => {
  expect(fromJson(json)).toEqual(value)
})

describe('what JSON.parse would take and change is refused', () => {
  test.each([
    ['', 'not JSON: Unexpected end of JSON input'],
    ['hello', 'not JSON: Unexpected token'],
    [
      '9007199254740993',
      '9007199254740993 has more digits than a number holds; write {"$bigint":"9007199254740993"}',
    ],
    ['[1, {"a": -12345678901234567890}]', '-12345678901234567890 has more digits'],
    ['{"a\\\\": 1e400}', '1e400 is beyond all numbers'],
    [
      '{"$bytes":"aGk"}',
      '{"$bytes":"aGk"} is not base64; to store a record with the field $bytes, write it $$bytes',
    ],
    ['{"$bytes":"aGk=\\n"}', 'is not base64'],
    ['{"$bytes":1}', 'is not base64'],
    ['{"$bigint":"1.5"}', 'is not a whole number within 64 bits'],
    ['{"$bigint":"18446744073709551616"}', 'is not a whole number within 64 bits'],
    ['{"$number":"1"}', 'is not NaN, Infinity or -Infinity'],
    ['[{"$ref":"#/definitions/x"}]', 'is not a ref'],
    ['['.repeat(100_000) + ']'.repeat(100_000), 'nested too deep'],
  ])('%.60s', (json, words) => {
    expect(() => fromJson(json)).toThrow(words)
  })
})

test.each([
  ['number', '007'],
  ['number', '+5'],
  ['number', ' 5'],
  ['number', '1,000'],
  ['number', '0x10'],
  ['number', ''],
  ['number', '9007199254740993'],
  ['bigint', '1.0'],
  ['bigint', '18446744073709551616'],
  ['boolean', 'yes'],
  ['bytes', 'a'],
  ['ref', 'V'.repeat(32)],
  ['json', '{'],
] as const)('no %s is spelled %j', (type, text) => {
  expect(() => parseAs(type, text)).toThrow()
})
