/** gc, expire and stats. */

import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Random } from '../crash/random.js'
import { Workplace } from './program.js'

const NOISE = new Random(1).bytes(300_000)

describe.each(['', 'level:'] as const)('in a store at %jPATH', (kind) => {
  test('gc frees what no name holds, and says how much; a dry run says it before', async () => {
    const place = new Workplace(kind)
    await place.nomsy(['put', '--name', 'kept', '-'], { input: 'kept' })
    await place.nomsy(['put', '--name', 'removed', '-'], { input: NOISE })
    const ref = (await place.ok('list', '--json'))
      .match(/"ref":"(\w+)"/g)!
      .at(-1)!
      .slice(7, -1)
    expect(await place.ok('gc', '--dry-run')).toMatch(/^would free 0 chunks of 0 B.*; \d+ chunks stay\n$/)
    await place.ok('rm', 'removed')
    const would = JSON.parse(await place.ok('gc', '--dry-run', '--json'))
    expect(would).toMatchObject({ dryRun: true, keptChunks: 1 })
    expect(would.freedBytes).toBeGreaterThan(NOISE.length)
    expect((await place.nomsy(['cat', ref])).bytes).toHaveLength(NOISE.length)
    expect(await place.ok('gc')).toMatch(/^freed \d+ chunks of 3\d\d kB/)
    expect((await place.nomsy(['cat', ref])).code).toBe(1)
    expect(await place.ok('cat', 'kept')).toBe('kept')
    await place.ok('check')
    expect(JSON.parse(await place.ok('stats', '--json'))).toMatchObject({
      chunks: 1,
      dead: { chunks: 0 },
      heads: [{ name: 'kept', own: { chunks: 1 } }],
    })
  })
})

test('gc makes the default store smaller, and its index can still be removed', async () => {
  const place = new Workplace()
  await place.nomsy(['put', '--name', 'kept', '-'], { input: 'kept' })
  await place.nomsy(['put', '--name', 'removed', '-'], { input: NOISE })
  await place.ok('rm', 'removed')
  expect(await place.ok('stats')).toMatch(
    /^chunks {2}\d+, 3\d\d kB\nstored {2}3\d\d kB in 1 segments.*\nshared {2}0, 0 B\ndead {4}\d+, 3\d\d kB\nown {5}1, 6 B: kept\n$/,
  )
  expect(JSON.parse(await place.ok('gc', '--json')).storedBytes).toBeGreaterThan(NOISE.length - 2000)
  expect(JSON.parse(await place.ok('stats', '--json')).storedBytes).toBeLessThan(2000)
  rmSync(place.path('store', 'index'), { recursive: true })
  expect(await place.ok('cat', 'kept')).toBe('kept')
  await place.ok('check')
})

test('expire says what stays and why, and what goes', async () => {
  const place = new Workplace()
  for (const value of ['1', '2', '3']) await place.ok('map', 'set', 'm', 'key', value, '-m', `say ${value}`)
  const dry = await place.ok('expire', 'm', '--keep-last', '2', '--dry-run')
  expect(dry.split('\n').map((line) => line.replace(/ \w{10} {2}\S+ /, ' '))).toEqual([
    'would keep  say 3  (present, last)',
    'would keep  say 2  (last)',
    'would drop  say 1',
    '',
  ])
  expect((await place.ok('log', 'm', '--oneline')).trim().split('\n')).toHaveLength(3)
  const { out, err } = await place.nomsy(['expire', 'm', '--keep-last', '2'])
  expect(out).toMatch(/^kept .*say 3 {2}\(present, last\)\nkept .*say 2 {2}\(last\)\ndropped .*say 1\n$/)
  expect(err).toMatch(/^m: 2 kept, 1 dropped; now at \w{32}\n$/)
  expect((await place.ok('log', 'm', '--oneline')).trim().split('\n')).toHaveLength(2)
  expect(await place.ok('map', 'get', 'm', 'key')).toBe('3\n')
  await place.ok('gc')
  await place.ok('check')
  expect(await place.nomsy(['expire', 'm'])).toMatchObject({ code: 2 })
  expect(await place.nomsy(['expire', 'm', '--keep-daily', 'all'])).toMatchObject({ code: 2 })
})

test('a name is there whatever the durability, and there are three of those', async () => {
  const place = new Workplace()
  for (const mode of ['commit', 'lazy', 'none']) {
    await place.nomsy(['put', '--name', mode, '--durability', mode, '-'], { input: mode })
    expect(await place.ok('cat', mode)).toBe(mode)
  }
  const { code, err } = await place.nomsy(['--durability', 'never', 'list'])
  expect(code).toBe(2)
  expect(err).toContain('write commit, lazy, none')
})
