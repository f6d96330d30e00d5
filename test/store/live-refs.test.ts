import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ref } from '../../src/hash/ref.js'
import { LiveRefs } from '../../src/store/live-refs.js'
import { check } from '../seed.js'

async function tableOf(refs: readonly Ref[]): Promise<LiveRefs> {
  const sorted = [...refs].sort((a, b) => Buffer.compare(a.bytes, b.bytes))
  return LiveRefs.of(
    (async function* () {
      yield* sorted
    })(),
  )
}

/** Refs that lie evenly, and such that lie close together. */
const ref = fc
  .tuple(fc.boolean(), fc.uint8Array({ minLength: 20, maxLength: 20 }))
  .map(([isClose, bytes]) => Ref.fromBytes(isClose ? bytes.fill(7, 0, 18) : bytes))

test('is a set of refs with a mark each, however the refs lie', () =>
  check(
    fc.asyncProperty(
      fc.uniqueArray(ref, { selector: String, maxLength: 400 }),
      fc.array(ref),
      async (refs, others) => {
        const known = new Set(refs.map(String))
        const table = await tableOf(refs)
        const live = refs.filter((_, index) => index % 3 === 0)
        for (const each of live) expect(table.add(each)).toBe(true)
        for (const each of live) expect(table.add(each)).toBe(false)
        for (const each of others) {
          if (!known.has(each.toString())) expect(table.add(each)).toBeUndefined()
        }
        expect(table.count).toBe(refs.length)
        expect(table.liveCount).toBe(live.length)
        const dead = new Set([...table.dead()].map(String))
        expect(dead).toEqual(new Set(refs.filter((_, index) => index % 3 !== 0).map(String)))
        for (const each of refs) expect(table.isDead(each)).toBe(dead.has(each.toString()))
        expect([...table.entries()].map(([each]) => each.toString())).toEqual([...known].sort())
      },
    ),
  ))

test('holds more than a page', async () => {
  const count = 70_000
  const refs = Array.from({ length: count }, (_, index) => Ref.of(new TextEncoder().encode(`${index}`)))
  const table = await tableOf(refs)
  for (let index = 0; index < count; index += 2) table.add(refs[index]!)
  expect(table.liveCount).toBe(count / 2)
  for (let index = 0; index < count; index += 997) expect(table.isDead(refs[index]!)).toBe(index % 2 === 1)
})
