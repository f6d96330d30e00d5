/** Random values of every kind that a collection can hold, and of every kind that looks like another one as text. */

import fc from 'fast-check'
import type { Value } from '../../../src/collection/value.js'
import { Ref } from '../../../src/hash/ref.js'

const FORM_NAMES = ['$bytes', '$bigint', '$number', '$ref', '$$ref', '$$$bytes', '$', '$other']
const TRICKY_TEXTS = [
  '',
  '1',
  'true',
  'null',
  '"',
  ',',
  '\n',
  '\r\n',
  '\ufeff',
  'NaN',
  ' x ',
  '\u2028',
  '\u0000',
  '0'.repeat(32),
]

export const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom(...TRICKY_TEXTS))

const fieldNames = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', '10', '9', ...FORM_NAMES) },
)

export const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom(null, true, false),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 53, -(2 ** 63), 1e21, 123456789012345680000, 5e-324, Number.MAX_VALUE),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  texts,
  fc.uint8Array({ maxLength: 12 }),
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Ref.fromBytes(bytes)),
)

export const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fieldNames, tie('value')), { maxLength: 5, selector: ([name]) => name })
      // Unlike assignment, this makes '__proto__' a field like any other.
      .map((entries) => Object.fromEntries(entries)),
    fc.tuple(fc.constantFrom(...FORM_NAMES), tie('value')).map(([name, value]) => ({ [name]: value })),
  ),
}))
