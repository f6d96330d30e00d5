import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { Workplace } from './program.js'

const FORMS = 'write none, zstd or zstd:LEVEL, LEVEL being -7 to -1 (fast) or 1 to 19 (small)'

const at = new Workplace()

beforeAll(() => {
  // Text that zstd makes much smaller, none of it twice; a block each.
  for (const name of ['a', 'b', 'c', 'd']) {
    const lines = Array.from({ length: 3000 }, (_, index) => `${name} line ${index * 7919}\n`)
    writeFileSync(at.path(name), lines.join(''))
  }
})

function storedBytes(store: string): number {
  const segments = at.path(store, 'segments')
  return readdirSync(segments).reduce((sum, name) => sum + statSync(`${segments}/${name}`).size, 0)
}

const lastLine = (store: string): string => readFileSync(at.path(store, 'FORMAT'), 'utf8').slice(58)

/** What the store grows by when the file is put, by the bytes of the file. */
async function growth(store: string, file: string, ...args: string[]): Promise<number> {
  const before = existsSync(at.path(store)) ? storedBytes(store) : 0
  await at.ok('put', '--store', store, file, ...args)
  return (storedBytes(store) - before) / statSync(at.path(file)).size
}

describe('--compression', () => {
  test('of init is remembered, and of put holds for that put', async () => {
    await at.ok('init', 'plain', '--compression', 'none')
    expect(lastLine('plain')).toBe('compression none\n')
    expect(await growth('plain', 'a')).toBeGreaterThan(1)
    expect(await growth('plain', 'b', '--compression', 'zstd:9')).toBeLessThan(0.5)
    expect(await growth('plain', 'c')).toBeGreaterThan(1)
    expect(await growth('plain', 'd', '--compression=zstd:-1')).toBeLessThan(0.9)
    expect(lastLine('plain')).toBe('compression none\n')
    expect((await at.nomsy(['check', '--data', '--store', 'plain'])).code).toBe(0)
  })

  test('of a put that makes the store is remembered', async () => {
    expect(await growth('made-by-put', 'a', '--compression', 'none')).toBeGreaterThan(1)
    expect(await growth('made-by-put', 'b')).toBeGreaterThan(1)
    expect(lastLine('made-by-put')).toBe('compression none\n')
  })

  test('is zstd at level 1 for a store made without, which says nothing of it', async () => {
    const size = await growth('default', 'a')
    expect(size).toBeLessThan(0.5)
    expect(lastLine('default')).toBe('')
    expect(await growth('default-by-name', 'a', '--compression', 'zstd')).toBe(size)
    expect(lastLine('default-by-name')).toBe('compression zstd:1\n')
  })

  test('changes no ref', async () => {
    const expected = await at.ok('hash', 'a')
    for (const how of ['none', 'zstd:-7', 'zstd:19']) {
      expect(await at.ok('put', '--store', `ref-${how}`, '--compression', how, 'a')).toBe(expected)
      expect(await at.ok('cat', '--store', `ref-${how}`, expected.slice(0, 32))).toBe(
        readFileSync(at.path('a'), 'utf8'),
      )
    }
  })

  test('of init on a store that is there is fine if it is what that remembers', async () => {
    await at.ok('init', 'twice', '--compression', 'zstd:5')
    const err = 'twice is a store already; nothing was changed\n'
    expect(await at.nomsy(['init', 'twice', '--compression', 'zstd:5'])).toMatchObject({ code: 0, err })
    expect(await at.nomsy(['init', 'twice'])).toMatchObject({ code: 0, err })
    const other = await at.nomsy(['init', 'twice', '--compression', 'none'])
    expect(other).toMatchObject({ code: 1, out: '' })
    expect(other.err).toBe(
      "nomsy: twice is a store already and packs with zstd:5; that is chosen when a store is made, 'nomsy put --compression none' packs one put otherwise\n",
    )
    expect(lastLine('twice')).toBe('compression zstd:5\n')
    await at.ok('init', 'unasked')
    await at.ok('init', 'unasked', '--compression', 'zstd')
    expect(lastLine('unasked')).toBe('')
  })

  test.concurrent.each(['zstd:99', 'zstd:0', 'zstd:-8', 'zstd:1.5', 'zstd:', 'gzip', ''])(
    '%j is wrong usage',
    async (how) => {
      for (const args of [
        ['init', 'refused'],
        ['put', 'a', '--store', 'refused'],
      ]) {
        const outcome = await at.nomsy([...args, '--compression', how])
        expect(outcome).toMatchObject({ code: 2, out: '' })
        expect(outcome.err).toBe(`nomsy: --compression ${how}: not a way to compress; ${FORMS}\n`)
      }
      expect(existsSync(at.path('refused'))).toBe(false)
    },
  )

  test('is refused for a store that would take no notice of it', async () => {
    for (const args of [
      ['init', 'level:level'],
      ['put', 'a', '--store', 'level:level'],
      ['put', 'a', '--store', 'memory:'],
    ]) {
      const { code, err } = await at.nomsy([...args, '--compression', 'none'])
      expect([code, err]).toEqual([
        2,
        `nomsy: ${args.at(-1)} is of a kind that packs in its own way; leave out --compression\n`,
      ])
    }
    expect(existsSync(at.path('level'))).toBe(false)
  })

  test('that a store remembers and nobody understands is told, once by check, and the store can be read', async () => {
    await at.ok('put', '--store', 'damaged', '--compression', 'none', '--name', 'a', 'a')
    appendFileSync(at.path('damaged', 'FORMAT'), 'more\n')
    const words = `damaged/FORMAT is damaged at byte 58: "compression none\\nmore\\n" names no compression; write 'compression none' or 'compression zstd:1' there, or nothing`
    const put = await at.nomsy(['put', '--store', 'damaged', 'b'])
    expect([put.code, put.out]).toEqual([1, ''])
    expect(put.err).toContain(`nomsy: ${words}; `)
    const cat = await at.nomsy(['cat', '--store', 'damaged', 'a'])
    expect([cat.code, cat.out]).toEqual([0, readFileSync(at.path('a'), 'utf8')])
    const check = await at.nomsy(['check', '--data', '--store', 'damaged'])
    expect([check.code, check.out.split(words).length - 1]).toEqual([1, 1])
    expect(check.err).toContain('1 problem;')
  })
})
