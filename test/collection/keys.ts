/** Random keys of every kind, and their order by its definition. */

import fc from 'fast-check'
import type { Key } from '../../src/collection/value.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'
import { MAX_KEY_BYTES } from '../../src/sequence/format.js'
import { KNOWN_REFS } from './contexts.js'

/** Around the places where headers grow, and where integers and floats meet. */
const EDGES = [
  0,
  1,
  31,
  32,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
]
const numbers: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }),
  fc.constantFrom(...EDGES, ...EDGES.map((edge) => -edge), Infinity, -Infinity, 0.5, 2 ** 64, -(2 ** 63)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)),
)

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '\u07ff', '\ue000', '\uffff', '\u{10000}'), maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', '', 'a'.repeat(31), 'a'.repeat(32), 'a'.repeat(300)),
)

const bytes = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 250, maxLength: 260 }))
const refs = fc.constantFrom(...KNOWN_REFS)

const { key } = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, false, true),
    numbers,
    texts,
    bytes,
    refs,
    fc.array(tie('key'), { maxLength: 4 }),
  ),
}))

export const keys = key.filter((each) => encode(each as Value).length <= MAX_KEY_BYTES)

/** SPEC "Collections", the order of keys, of keys that are not encoded. */
export function compareNaively(a: Key, b: Key): number {
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return kind - kindOf(b)
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const order = compareNaively(a[index], b[index])
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array)
  if (a instanceof Ref) return Buffer.compare(a.bytes, (b as Ref).bytes)
  if (a === null || typeof a === 'boolean') return 0
  if ((a as number) < (b as number)) return -1
  if ((a as number) > (b as number)) return 1
  return Number(isFloat(a as number)) - Number(isFloat(b as number))
}

function isFloat(number: number | bigint): boolean {
  return typeof number === 'number' && !Number.isSafeInteger(number)
}

function kindOf(key: Key): number {
  if (key === null) return 1
  if (typeof key === 'boolean') return key ? 3 : 2
  if (typeof key === 'number' || typeof key === 'bigint') return 4
  if (typeof key === 'string') return 5
  if (key instanceof Uint8Array) return 6
  return key instanceof Ref ? 7 : 8
}
