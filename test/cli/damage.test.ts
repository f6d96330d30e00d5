import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { Level } from 'level'
import { beforeAll, describe, expect, test } from 'vitest'
import { writeBlob } from '../../src/blob/blob.js'
import type { Ref } from '../../src/hash/ref.js'
import { type Chunk, chunkOf } from '../../src/store/chunk-store.js'
import { LevelStore } from '../../src/store/level-store.js'
import { jsonLines, noise, Workplace } from './program.js'

const data = noise('damage', 200_000)

/** The chunks of a blob of `data`, its leaves in order first. */
async function chunksOfData(): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  const put = async (batch: readonly Chunk[]): Promise<number> => chunks.push(...batch)
  await writeBlob({ put }, data)
  return chunks
}

describe('a chunk that is', () => {
  const damages: [what: string, code: string, damage: (chunk: Chunk, level: Level) => Promise<void>][] = [
    ['missing', 'is not in this store', ({ ref }, level) => level.del(keyOf(ref), KEYS)],
    ['damaged', 'is damaged in', ({ ref, bytes }, level) => level.put(keyOf(ref), flipped(bytes), KEYS)],
  ]
  describe.each(damages)('%s', (what, words, damage) => {
    const at = new Workplace('level:')
    let leaf: Chunk
    let start = 0

    beforeAll(async () => {
      const chunks = await chunksOfData()
      await at.put(data, '--name', 'data')
      await at.put('other', '--name', 'other')
      leaf = chunks[3]!
      const [, , , chunk] = jsonLines(await at.ok('show', 'data', '--chunks', '--json'))
      expect(chunk!.ref).toBe(leaf.ref.toString())
      start = chunk!.offset
      const level = new Level(at.path('store'))
      await damage(leaf, level)
      await level.close()
    })

    test('ends a cat with one line, after what comes before it', async () => {
      const whole = await at.nomsy(['cat', 'data'])
      expect(whole.code).toBe(1)
      expect(whole.err).toMatch(new RegExp(`^nomsy: chunk ${leaf.ref} ${words}[^\n]*'nomsy check'[^\n]*\n$`))
      expect(data.subarray(0, start).subarray(0, whole.bytes.length).equals(whole.bytes)).toBe(true)
      const before = await at.nomsy(['cat', 'data', '--range', `0-${start - 1}`])
      expect(before.bytes.equals(data.subarray(0, start))).toBe(true)
      expect((await at.nomsy(['cat', 'data', '--range', `${start}-${start}`])).code).toBe(1)
    })

    test('leaves no file behind a get', async () => {
      expect((await at.nomsy(['get', 'data', 'copy'])).code).toBe(1)
      expect(readdirSync(at.directory)).toEqual(['store'])
    })

    test('is found by check, which says what it affects', async () => {
      const { code, out, err } = await at.nomsy(['check', '--data'])
      expect(code).toBe(1)
      expect(out).toMatch(new RegExp(`^data: bytes ${start}-\\d+: chunk ${leaf.ref} is ${what}$`, 'm'))
      expect(err).toMatch(
        /^nomsy: \S+: \d problems?; storing the same data again brings damaged and missing chunks back \(directories with 'put --no-state'\), and so may 'nomsy repair'\n$/,
      )
      const one = jsonLines((await at.nomsy(['check', '--data', 'data', '--json'])).out)
      expect(one).toMatchObject([
        { ref: leaf.ref.toString(), object: 'data', start },
        { problems: 1, known: 0 },
      ])
      expect((await at.nomsy(['check', '--data', 'other'])).code).toBe(0)
    })

    test('is repaired by putting the same data again', async () => {
      await at.put(data)
      expect(await at.nomsy(['check', '--data'])).toMatchObject({ code: 0, out: '' })
      expect((await at.nomsy(['cat', 'data'])).bytes.equals(data)).toBe(true)
    })
  })
})

test('where a name cannot be followed any more, what follows all names says which to give up', async () => {
  const at = new Workplace('level:')
  const ref = await at.put(data)
  await at.ok('branch', 'copy', ref)
  const level = new Level(at.path('store'))
  const root = (await chunksOfData()).at(-1)!
  expect(root.ref.toString()).toBe(ref)
  await level.del(keyOf(root.ref), KEYS)
  await level.close()
  const words = `nomsy: chunk ${ref} is not in this store; 'nomsy check' lists what that affects, storing the same data again brings it back; or give up what needs it: 'nomsy rm copy', 'nomsy rm ${ref}'\n`
  expect(await at.nomsy(['gc'])).toMatchObject({ code: 1, out: '', err: words })
  await at.ok('rm', 'copy', ref)
  expect((await at.nomsy(['gc'])).code).toBe(0)
})

test('an object that is no blob is listed as such and not shown as one', async () => {
  const at = new Workplace('level:')
  const store = await LevelStore.open(at.path('store'))
  // The array [1], which is nothing that has a size.
  const chunk = chunkOf(Uint8Array.of(0x91, 1))
  await store.put([chunk])
  await store.heads.compareAndSet('list', undefined, chunk.ref)
  await store.close()
  expect(await at.ok('heads')).toMatch(/ +\? +unknown +list\n$/)
  const { code, err } = await at.nomsy(['cat', 'list'])
  expect(code).toBe(1)
  expect(err).toMatch(/^nomsy: chunk .* is not a valid node here: [^\n]*\n$/)
})

test('a store of a newer format is left alone', async () => {
  const at = new Workplace('level:')
  await at.ok('init', at.store)
  const level = new Level(at.path('store'))
  await level.put('format', 'nomsy level store 99')
  await level.close()
  for (const args of [['heads'], ['put', '-'], ['check']]) {
    const { code, out, err } = await at.nomsy(args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^nomsy: \S+ is a level store of version 99, this nomsy knows 1; [^\n]*\n$/)
  }
})

test('flipped bytes in a segment are found, told, and do not hide the rest', async () => {
  const at = new Workplace()
  await at.put(data, '--name', 'data')
  await at.put('other', '--name', 'other')
  const segment = at.path('store', 'segments', readdirSync(at.path('store', 'segments')).sort()[0]!)
  const bytes = readFileSync(segment)
  bytes[100_000]! ^= 1
  writeFileSync(segment, bytes)
  const { code, out, err } = await at.nomsy(['check', '--data'])
  expect(code).toBe(1)
  expect(out).toMatch(/^data: bytes \d+-\d+: chunk \w+ is damaged$/m)
  expect(err).toMatch(/^nomsy: [^\n]+\n$/)
  expect(await at.ok('cat', 'other')).toBe('other')
  const cat = await at.nomsy(['cat', 'data'])
  expect(cat.code).toBe(1)
  expect(cat.err).toMatch(/^nomsy: [^\n]+\n$/)
})

test('bytes missing at the end of a store are told by check, with a head that went with them', async () => {
  const at = new Workplace()
  await at.put(data, '--name', 'data')
  const segment = at.path('store', 'segments', '00000001.seg')
  truncateSync(segment, statSync(segment).size - 60)
  const { code, out } = await at.nomsy(['check', '--data'])
  expect(code).toBe(1)
  expect(out).toMatch(/00000001\.seg is damaged at byte \d+: \d+ bytes are missing at its end/)
  const list = await at.nomsy(['heads'])
  expect([list.code, list.err]).toEqual([0, expect.stringContaining('reading what is left')])
})

test('check fails also where nobody reads what it says', async () => {
  const at = new Workplace()
  await at.put(data, '--name', 'data')
  const segment = at.path('store', 'segments', '00000001.seg')
  const bytes = readFileSync(segment)
  for (let place = 1000; place < bytes.length; place += 8000) bytes[place]! ^= 1
  writeFileSync(segment, bytes)
  const child = at.start(['check', '--data'])
  child.stdout.destroy()
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(1)
})

const KEYS = { keyEncoding: 'view', valueEncoding: 'view' } as unknown as Record<string, never>

function keyOf(ref: Ref): string {
  return Uint8Array.of(0x63, ...ref.bytes) as unknown as string
}

function flipped(bytes: Uint8Array): string {
  const other = Uint8Array.from(bytes)
  other[other.length >> 1]! ^= 1
  return other as unknown as string
}
