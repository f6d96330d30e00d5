/** I4: damage is listed with every head that it affects, and brought back from another store or from files. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Problem } from '../../src/database/check/check.js'
import { Database } from '../../src/database/database.js'
import { open, repair } from '../../src/database/open.js'
import type { Ref } from '../../src/hash/ref.js'
import { childrenOf } from '../../src/sequence/walk.js'
import type { Chunk } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { REST_SECONDS } from '../../src/tree/local/tree-state.js'
import { Random } from '../crash/random.js'
import { seed } from '../seed.js'
import { stream } from '../vectors/stream.js'
import { collect } from './databases.js'

const { NOMSY_TORTURE } = process.env
const MIB = 1024 * 1024
const DATA_BYTES = NOMSY_TORTURE === '1' ? 64 * MIB : 8 * MIB
const DAMAGES = 1000

const directories: string[] = []
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

async function newPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-repair-'))
  directories.push(directory)
  return join(directory, 'store')
}

/** A store in memory that loses chunks until they are put again. */
class LosingStore extends MemoryStore {
  readonly #lost = new Set<string>()

  lose(ref: Ref): void {
    this.#lost.add(ref.toString())
  }

  override async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
    const chunks = await super.getMany(refs)
    return chunks.map((chunk, slot) => (this.#lost.has(refs[slot]!.toString()) ? undefined : chunk))
  }

  override async get(ref: Ref): Promise<Uint8Array | undefined> {
    return (await this.getMany([ref]))[0]
  }

  override async hasMany(refs: readonly Ref[]): Promise<boolean[]> {
    return (await this.getMany(refs)).map((chunk) => chunk !== undefined)
  }

  override put(chunks: readonly Chunk[]): Promise<number> {
    for (const { ref } of chunks) this.#lost.delete(ref.toString())
    return super.put(chunks)
  }
}

/** Blobs that share chunks, a map that refers to them, and a history. */
async function fill(db: Database): Promise<Uint8Array> {
  const data = stream('sha', 'repair', DATA_BYTES)
  const blob = await db.putBlob(data)
  await db.setHead('blob', blob.ref)
  await db.setHead('part', (await blob.splice(1000, 50, new Uint8Array(9))).ref)
  const entries = Array.from({ length: 5000 }, (_, key) => [key, `value ${key} ${key % 7}`] as const)
  const map = await db.map<number, string | Ref>(entries)
  for (let version = 0; version < 5; version++) {
    await db.commit(
      'main',
      await map
        .edit()
        .set(version * 900, blob.ref)
        .set(7, `version ${version}`)
        .done(),
    )
  }
  return data
}

/** Flips bits all over the log, each in a place of its own. */
async function damage(path: string, random: Random, count: number): Promise<void> {
  for (const name of await readdir(join(path, 'segments'))) {
    const bytes = await readFile(join(path, 'segments', name))
    for (let flips = 0; flips < count; flips++)
      bytes[200 + random.below(bytes.length - 300)]! ^= 1 << random.below(8)
    await writeFile(join(path, 'segments', name), bytes)
  }
}

/** The damaged chunks to which a way leads from `ref` that has no other one on it. */
async function damagedUnder(
  ref: Ref,
  whole: Database,
  isDamaged: (ref: Ref) => Promise<boolean>,
): Promise<string[]> {
  const seen = new Set<string>()
  const found: string[] = []
  const open = [ref]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next.toString())) continue
    seen.add(next.toString())
    if (await isDamaged(next)) found.push(next.toString())
    else open.push(...childrenOf(next, (await whole.store.get(next))!))
  }
  return found.sort()
}

test('a thousand damages are listed with the heads they affect, and repaired from another store', async () => {
  const random = new Random(seed)
  const path = await newPath()
  const other = `${path}-copy`
  let db = await open(path, { compression: 'none' })
  const data = await fill(db)
  await db.close()
  await cp(path, other, { recursive: true })
  const whole = await open(other)
  await damage(path, random, DAMAGES)

  db = await open(path, { readOnly: true })
  const problems = await collect(db.check({ data: true }))
  const isDamaged = (ref: Ref): Promise<boolean> =>
    db.store.get(ref).then(
      (bytes) => bytes === undefined,
      () => true,
    )
  const told = new Set(problems.flatMap(({ ref, refs = [] }) => [ref, ...refs].map(String)))
  let damagedCount = 0
  const untold = new Set<string>()
  const named = new Set<string>()
  for await (const { ref } of whole.heads.list()) named.add(ref.toString())
  for await (const ref of whole.store.refs()) {
    if (await isDamaged(ref)) {
      damagedCount++
      if (!told.has(ref.toString())) untold.add(ref.toString())
    } else {
      for (const child of childrenOf(ref, (await whole.store.get(ref))!)) named.add(child.toString())
    }
  }
  // Of a block whose record's head is damaged nothing is known but what others say of its chunks.
  expect(
    [...untold].filter((ref) => named.has(ref)),
    `NOMSY_SEED=${seed}`,
  ).toEqual([])
  expect(untold.size, `NOMSY_SEED=${seed}`).toBeLessThan(damagedCount / 10)
  expect(damagedCount).toBeGreaterThan(DAMAGES / 3)
  let pairs = 0
  const known = new Set((await collect(db.heads.list())).map(({ name }) => name))
  for await (const { name, ref } of whole.heads.list()) {
    if (!known.has(name)) {
      // Its own record is damaged, which is told as such: whoever only reads has the log alone.
      expect(problems.filter(({ object }) => object === undefined).length, name).toBeGreaterThan(0)
      continue
    }
    const expected = await damagedUnder(ref, whole, isDamaged)
    const told = problems.filter(({ object }) => object === name).map(({ ref }) => String(ref))
    expect(told.sort(), `NOMSY_SEED=${seed} ${name}`).toEqual(expected)
    pairs += expected.length
  }
  await db.close()
  expect(pairs).toBeGreaterThan(100)

  const mended: string[] = []
  const { found, lost } = await repair(path, {
    from: whole.store,
    onMended: (message) => mended.push(message),
  })
  console.log(
    `repair: ${DAMAGES} damages, ${damagedCount} damaged chunks, ${pairs} of them told by heads, ${mended.length} places mended, ${found} chunks fetched (seed ${seed})`,
  )
  expect(lost).toEqual([])
  db = await open(path)
  expect(await collect(db.check({ data: true }))).toEqual([])
  expect(await collect(db.heads.list())).toEqual(await collect(whole.heads.list()))
  const blob = await db.blob((await db.head('blob'))!)
  expect(Buffer.compare(await blob.bytes(), data)).toBe(0)
  await db.close()
  await whole.close()
}, 60_000)

test('what a file holds brings back the chunks of the blob that it was, also where nodes above them are gone', async () => {
  const store = new LosingStore()
  await using db = new Database(store)
  const data = stream('sha', 'seeds', 8 * MIB)
  const blob = await db.putBlob(data)
  const list = await db.list(['not', 'in', 'any', 'file'])
  await db.setHead('blob', blob.ref)
  await db.setHead('list', list.ref)
  const refs = [...childrenOf(blob.ref, (await store.get(blob.ref))!)]
  const below = [...childrenOf(refs[1]!, (await store.get(refs[1]!))!)]
  for (const ref of [blob.ref, refs[1]!, ...below.slice(0, 40), list.ref]) store.lose(ref)
  const seeds = () => [stream('sha', 'something else', 100_000), data]
  const dry = await db.repair({ seeds, dryRun: true })
  expect(dry.lost.map(String)).toContain(list.ref.toString())
  expect(await store.get(blob.ref)).toBeUndefined()
  const { found, lost } = await db.repair({ seeds })
  expect([found, lost.map(String)]).toEqual([42, [list.ref.toString()]])
  expect(Buffer.compare(await (await db.blob(blob.ref)).bytes(), data)).toBe(0)
})

test('what stays lost is known as such, until it is stored again, and lost anew if it is damaged again', async () => {
  const path = await newPath()
  const data = stream('sha', 'lost', MIB)
  const spoil = (): Promise<void> => damage(path, new Random(7), 3)
  {
    await using db = await open(path, { compression: 'none' })
    await db.setHead('data', (await db.putBlob(data)).ref)
  }
  const check = async (): Promise<Problem[]> => {
    await using db = await open(path)
    return await collect(db.check({ data: true }))
  }
  await spoil()
  const before = (await repair(path)).lost
  expect(before.length).toBeGreaterThan(0)
  const known = await check()
  expect(known.map(({ isKnown }) => isKnown)).toEqual(before.map(() => true))
  expect(known.map(({ ref }) => String(ref)).sort()).toEqual(before.map(String).sort())
  expect(known.every(({ message, object }) => message.includes('lost') && object === 'data')).toBe(true)
  {
    await using db = await open(path)
    await db.putBlob(data)
  }
  expect(await check()).toEqual([])
  {
    await using db = await open(path)
    expect(await db.store.lost!.list()).toEqual([])
  }
  await damage(path, new Random(8), 3000)
  {
    await using db = await open(path, { readOnly: true })
    const anew = await collect(db.check({ data: true }))
    expect(anew.length).toBeGreaterThan(0)
    expect(anew.some(({ isKnown }) => isKnown)).toBe(false)
  }
})

/** A process by itself, and one whose store another process has open. */
const WAYS = [['in the process that has the store', false] as const, ['through another one', true] as const]

test.each(WAYS)(
  'a check of all data goes on where it was interrupted, and still tells of the heads, %s',
  async (_, isClient) => {
    const path = await newPath()
    {
      await using db = await open(path, { compression: 'none' })
      await db.setHead('data', (await db.putBlob(stream('sha', 'resume', 6 * MIB))).ref)
    }
    await damage(path, new Random(3), 12)
    await using owner = await open(path)
    await using client = await open(path)
    const db = isClient ? client : owner
    const all = await collect(db.check({ data: true }))
    expect(all.some(({ message }) => message.includes('no record'))).toBe(false)
    let seen = 0
    for await (const { message } of db.check({ data: true })) if (message !== '' && ++seen === 5) break
    const rest = await collect(db.check({ data: true, resume: true }))
    const split = (problems: Problem[]) => ({
      heads: problems.filter(({ object }) => object === 'data'),
      log: problems.filter(({ object }) => object === undefined).map(({ message }) => message),
    })
    expect(split(rest).heads).toEqual(split(all).heads)
    const { log } = split(rest)
    const again = log.filter((message) => message.includes('before the check was interrupted'))
    expect(again.length).toBeGreaterThan(0)
    // What comes after the place of the interruption is told as before.
    expect(split(all).log.slice(-(log.length - again.length))).toEqual(log.slice(again.length))
    expect(await collect(db.check({ data: true, resume: true }))).toEqual(all)
  },
)

test.each(WAYS)('a sample finds what is in it, the same for the same seed, %s', async (_, isClient) => {
  const path = await newPath()
  {
    await using db = await open(path, { compression: 'none' })
    await db.setHead('data', (await db.putBlob(stream('sha', 'sample', 12 * MIB))).ref)
  }
  await damage(path, new Random(5), 12)
  await using owner = await open(path)
  await using client = await open(path)
  const db = isClient ? client : owner
  const sampled = async (share: number, seed: number) =>
    (await collect(db.check({ sample: { share, seed } }))).map(({ message }) => message)
  const all = (await collect(db.check({ data: true }))).map(({ message }) => message)
  expect(await sampled(1, 1)).toEqual(all)
  const some = await sampled(0.3, 1)
  expect(some.length).toBeGreaterThan(0)
  expect(some.length).toBeLessThan(all.length)
  expect(await sampled(0.3, 1)).toEqual(some)
  expect(all).toEqual(expect.arrayContaining(some))
})

test('a directory is read anew once some of what was stored of it is lost', async () => {
  const path = await newPath()
  const random = new Random(seed)
  const directory = join(path, '..', 'directory')
  await mkdir(directory)
  const files = Array.from({ length: 5 }, (_, file) => ({
    name: `file ${file}`,
    bytes: random.bytes(30_000),
  }))
  for (const { name, bytes } of files) await writeFile(join(directory, name), bytes)
  // Files have to have rested for this long, so as not to be read again anyway.
  await setTimeout(1000 * REST_SECONDS + 100)
  let db = await open(path, { compression: 'none' })
  await db.setHead('directory', (await db.putTree(directory)).tree.ref)
  await db.close()
  const segment = join(path, 'segments', '00000001.seg')
  const stored = await readFile(segment)
  stored[stored.indexOf(files[2]!.bytes.subarray(15_000, 15_050))]! ^= 1
  await writeFile(segment, stored)

  db = await open(path)
  expect((await db.repair()).lost.length).toBe(1)
  await utimes(join(directory, 'file 0'), 0, 0)
  const { tree } = await db.putTree(directory)
  for (const { name, bytes } of files)
    expect(Buffer.compare(await (await tree.blob(name)).bytes(), bytes), name).toBe(0)
  for await (const problem of db.check({ data: true })) expect(problem).toBeUndefined()
  await db.close()
})
