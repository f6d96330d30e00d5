/**
 * A map as a plain program would keep it, to hold stored ones against: some 2,000 keys of all kinds, sorted, each
 * with a number from which its value is made.
 */

import fc from 'fast-check'
import { encodeKey } from '../../src/collection/item-batch.js'
import type { Key } from '../../src/collection/value.js'
import type { Value } from '../../src/encoding/value.js'
import { asRead } from '../encoding/values.js'
import { seed } from '../seed.js'
import { compareNaively, keys } from './keys.js'

/** All keys that there may be, in order. */
export const UNIVERSE: readonly Key[] = universe()

function universe(): Key[] {
  const plain: Key[] = Array.from({ length: 1800 }, (_, index) => {
    if (index % 3 === 0) return `key ${index * 7919}`
    return index % 3 === 1 ? index * 37 - 9000 : [index % 10, `${index}`]
  })
  const all = [...plain, ...fc.sample(keys, { numRuns: 400, seed }).map((key) => asRead(key as Value) as Key)]
  const distinct = new Map(all.map((key) => [Buffer.from(encodeKey(key)).toString('hex'), key]))
  return [...distinct.values()].sort(compareNaively)
}

/** Numbers by index of their key. */
export type Model = ReadonlyMap<number, number>

/** What is stored of a model. */
export type Entry = [Key, { n: number; text: string }]

/** The value of a number: from a few bytes to more than a small chunk. */
export function valueFor(n: number): Entry[1] {
  return { n, text: 'value '.repeat(n % 23 === 0 ? 60 : n % 7) }
}

export function entriesOf(model: Model): Entry[] {
  return indicesOf(model).map((index) => [UNIVERSE[index]!, valueFor(model.get(index)!)])
}

export function indicesOf(model: Model): number[] {
  return [...model.keys()].sort((a, b) => a - b)
}

/** Sets a key to a number, or removes it. */
export interface Op {
  readonly index: number
  readonly n: number | undefined
}

export function applied(model: Model, ops: readonly Op[]): Model {
  const next = new Map(model)
  for (const { index, n } of ops) {
    if (n === undefined) next.delete(index)
    else next.set(index, n)
  }
  return next
}

const index = fc.nat(UNIVERSE.length - 1)
const n = fc.nat(200)

/** A few keys here and there, or every so manieth of a run of keys, set or removed. */
export const ops: fc.Arbitrary<Op[]> = fc.oneof(
  fc.array(fc.record({ index, n: fc.option(n, { nil: undefined }) }), { maxLength: 12 }),
  fc
    .record({
      from: index,
      count: fc.oneof(fc.nat(60), fc.nat(UNIVERSE.length)),
      step: fc.constantFrom(1, 1, 2, 7),
      n: fc.option(n, { nil: undefined }),
    })
    .map(({ from, count, step, n }) =>
      Array.from({ length: Math.ceil(Math.min(count, UNIVERSE.length - from) / step) }, (_, at) => ({
        index: from + at * step,
        n: n === undefined ? undefined : n + at,
      })),
    ),
)

/** Some part of the keys. */
export const models: fc.Arbitrary<Model> = fc
  .array(ops, { maxLength: 3 })
  .map((each) => applied(new Map(), each.flat()))
