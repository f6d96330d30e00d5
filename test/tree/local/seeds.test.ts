/** Bytes that files on the disk have are taken from there, wherever they lie in them, and are never believed. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Blob } from '../../../src/blob/blob.js'
import { open } from '../../../src/database/open.js'
import type { Ref } from '../../../src/hash/ref.js'
import { NodeCache } from '../../../src/sequence/node-cache.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { scanSeeds } from '../../../src/tree/local/scan-seeds.js'
import { SeededStore } from '../../../src/tree/local/seeded-store.js'
import { noise } from '../../cli/program.js'

const KIB = 1024
const MIB = 1024 * KIB

const home = mkdtempSync(join(tmpdir(), 'nomsy-seeds-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Counts the bytes that are read of it. */
class CountedStore extends MemoryStore {
  readBytes = 0

  override async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    const chunks = await super.getMany(refs)
    for (const chunk of chunks) this.readBytes += chunk?.length ?? 0
    return chunks
  }
}

/** The seed's files, each a part of `bytes` with something else around it. */
function scatter(bytes: Uint8Array): string {
  const seed = mkdtempSync(join(home, 'seed-'))
  mkdirSync(join(seed, 'sub', 'empty'), { recursive: true })
  writeFileSync(
    join(seed, 'a large one'),
    Buffer.concat([noise('before', 12_345), bytes.subarray(0, 2 * MIB)]),
  )
  writeFileSync(join(seed, 'sub', 'nothing'), '')
  for (let at = 2 * MIB; at < bytes.length; at += 300 * KIB)
    writeFileSync(
      join(seed, 'sub', `${at}`),
      Buffer.concat([bytes.subarray(at, at + 300 * KIB), noise('x', 7)]),
    )
  return seed
}

test('what lies anywhere in files of a seed is not read from the store', async () => {
  const bytes = noise('scattered', 4 * MIB)
  const store = new CountedStore()
  const cache = new NodeCache(0)
  const { ref } = await Blob.put({ store, cache }, bytes)
  const seeded = new SeededStore(store, await scanSeeds([scatter(bytes)]))
  store.readBytes = 0
  const blob = await Blob.open({ store: seeded, cache: new NodeCache(0) }, ref)
  expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
  // Chunks at seams of the files, of 10 KiB on average and 64 at most, and the nodes above.
  expect(store.readBytes).toBeLessThan(400 * KIB)
  expect(store.readBytes).toBeGreaterThan(0)
})

test('files that have changed since are not believed', async () => {
  const bytes = noise('changing', 4 * MIB)
  const store = new CountedStore()
  const { ref } = await Blob.put({ store, cache: new NodeCache(0) }, bytes)
  const seed = scatter(bytes)
  const seeds = await scanSeeds([seed])
  const changed = readFileSync(join(seed, 'a large one'))
  for (let at = 0; at < changed.length; at += 50_000) changed[at]! ^= 1
  writeFileSync(join(seed, 'a large one'), changed)
  rmSync(join(seed, 'sub', `${2 * MIB}`))
  writeFileSync(join(seed, 'sub', `${2 * MIB + 300 * KIB}`), 'short')
  const blob = await Blob.open({ store: new SeededStore(store, seeds), cache: new NodeCache(0) }, ref)
  expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
})

test('a directory and a blob are brought back by seeds', async () => {
  const bytes = noise('tree', 4 * MIB)
  const source = mkdtempSync(join(home, 'source-'))
  writeFileSync(join(source, 'large'), bytes)
  for (let at = 0; at < bytes.length; at += 100 * KIB)
    writeFileSync(join(source, `${at}`), bytes.subarray(at, at + 100 * KIB))
  await using db = await open(join(home, 'store'))
  const { tree } = await db.putTree(source)
  const problems: unknown[] = []
  const out = join(home, 'out')
  const seeds = [scatter(bytes), join(source, 'large')]
  await db.extract(tree, out, { seeds, onProblem: (problem) => problems.push(problem) })
  expect(problems).toEqual([])
  expect(execFileSync('diff', ['-r', source, out]).length).toBe(0)
  const blob = await db.blob((await tree.blob('large')).ref, { seeds })
  expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
  await expect(db.extract(tree, join(home, 'no'), { seeds: [join(home, 'nowhere')] })).rejects.toMatchObject({
    code: 'NOMSY_DESTINATION',
  })
  expect(() => statSync(join(home, 'no'))).toThrow()
})
