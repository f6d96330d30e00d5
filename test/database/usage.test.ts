/** What objects take up, against sets of chunks that are walked one by one. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Database } from '../../src/database/database.js'
import { usageOf } from '../../src/database/usage.js'
import { isBin } from '../../src/encoding/decode.js'
import { Ref } from '../../src/hash/ref.js'
import { RefNumbers } from '../../src/hash/ref-numbers.js'
import { childrenOf } from '../../src/sequence/walk.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { Random } from '../crash/random.js'
import { check } from '../seed.js'

/** The chunks under `refs` and their bytes, of a blob's leaf those of the blob; nothing under `without`. */
async function chunksUnder(
  db: Database,
  refs: readonly Ref[],
  without: readonly Ref[] = [],
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const closed = new Set(without.map(String))
  const waiting = [...refs]
  for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
    if (found.has(String(ref)) || closed.has(String(ref))) continue
    const chunk = (await db.store.get(ref))!
    // A bin of up to 65,536 bytes has a header of 2, 3 or 5.
    const header = chunk.length < 258 ? 2 : chunk.length < 65_539 ? 3 : 5
    found.set(String(ref), isBin(chunk) ? chunk.length - header : chunk.length)
    waiting.push(...childrenOf(ref, chunk))
  }
  return found
}

/** Files by path: a seed and a length, so that some share all and some share parts. */
const filesArbitrary = fc.dictionary(
  fc.constantFrom('a', 'b', 'c/d', 'c/e', 'c/f/g'),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 10, 2047, 2048, 2049, 20_000, 150_000)),
)

test('of each object what nothing else holds is unique, and all else shared', async () => {
  await check(
    fc.asyncProperty(fc.array(filesArbitrary, { minLength: 1, maxLength: 4 }), async (versions) => {
      const db = new Database(new MemoryStore())
      for (const [index, files] of versions.entries()) {
        const edit = (await db.tree()).edit()
        for (const [path, [seed, length]] of Object.entries(files)) {
          const blob = await db.putBlob(new Random(seed).bytes(length))
          edit.set(path, { type: 'file', content: blob.ref, size: length })
        }
        await db.commit(`name-${index % 2}`, await edit.done())
      }
      const objects = await Promise.all(
        [...new Set(versions.map((_, index) => `name-${index % 2}`))].map((name) => db.at(name)),
      )
      const roots: Ref[] = []
      for await (const { ref } of db.roots()) roots.push(ref)
      const others = await chunksUnder(db, roots, objects)
      const own = await Promise.all(objects.map((ref) => chunksUnder(db, [ref])))
      const sum = (chunks: Iterable<readonly [string, number]>): number =>
        [...chunks].reduce((total, [, bytes]) => total + bytes, 0)
      const expected = own.map((chunks, index) => {
        const unique = sum(
          [...chunks].filter(
            ([ref]) => !others.has(ref) && own.every((other, at) => at === index || !other.has(ref)),
          ),
        )
        return { unique, shared: sum(chunks) - unique }
      })
      const { usages, common } = await usageOf(db.store, objects, { roots: db.roots() })
      expect(usages).toEqual(expected)
      const [first, second] = own
      expect(common).toBe(second === undefined ? 0 : sum([...first!].filter(([ref]) => second.has(ref))))
      for await (const problem of db.check()) expect(problem).toBeUndefined()
    }),
    { numRuns: 40 },
  )
})

test('what is missing is told', async () => {
  const db = new Database(new MemoryStore())
  const missing = Ref.of(Uint8Array.of(1))
  await expect(usageOf(db.store, [missing], { roots: db.roots() })).rejects.toMatchObject({
    code: 'NOMSY_MISSING_CHUNK',
  })
})

test('a ref has the number that it was given last', () => {
  const numbers = new RefNumbers()
  const refs = Array.from({ length: 5000 }, (_, index) => Ref.of(Buffer.from(String(index))))
  expect(refs.map((ref, index) => numbers.set(ref, index + 1))).toEqual(refs.map(() => 0))
  expect(refs.map((ref) => numbers.set(ref, 2 ** 32 - 1))).toEqual(refs.map((_, index) => index + 1))
  expect(refs.map((ref) => numbers.get(ref))).toEqual(refs.map(() => 2 ** 32 - 1))
  expect(numbers.get(Ref.of(Buffer.from('another')))).toBe(0)
  expect(numbers.size).toBe(5000)
  expect([...numbers].map(String).sort()).toEqual(refs.map(String).sort())
})
