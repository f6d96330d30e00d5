/** Random values of every kind that a chunk can hold. */

import fc from 'fast-check'
import type { Value } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'

const refs = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Ref.fromBytes(bytes))

/** Text of code points from everywhere, and of those about which UTF-8 and UTF-16 disagree in order. */
const texts = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.constantFrom('a', '\u07ff', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
      maxLength: 4,
    }),
  },
)

const keys = fc.oneof(
  { weight: 8, arbitrary: texts },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', '10', '9', '') },
)

/** Numbers and sizes around the places where headers grow. */
const edges = [0, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, 2 ** 53 - 1]
const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(...edges, ...edges.map((edge) => -edge), ...edges.map((edge) => -edge - 1)),
)
const bigints = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 5n),
)

export const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    numbers,
    bigints,
    texts,
    fc.uint8Array({ maxLength: 40 }),
    refs,
    fc
      .array(refs, { maxLength: 4 })
      .filter((each) => each.length !== 1)
      .map(RefList.of),
    fc.array(tie('value'), { maxLength: 18 }),
    fc.uniqueArray(fc.tuple(keys, tie('value')), { maxLength: 18, selector: ([key]) => key }).map(
      // Unlike assignment, this makes '__proto__' a key like any other.
      (entries) => Object.fromEntries(entries),
    ),
  ),
}))

/** What is read back of `value`: 0 for -0, and numbers for bigints within the safe integers. */
export function asRead(value: Value): Value {
  if (value === 0) return 0
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(asRead)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array || value instanceof Ref || value instanceof RefList) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asRead(each)]))
}
