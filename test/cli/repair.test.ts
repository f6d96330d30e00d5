/** nomsy repair, and what check says before and after it. */

import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { jsonLines, noise, Workplace } from './program.js'

const data = noise('repair', 600_000)

/** A store with a blob `data` under that name, damaged in three places, without its index; `copy` is as it was. */
async function damagedStore(): Promise<Workplace> {
  const at = new Workplace()
  await at.put(data, '--name', 'data', '--compression', 'none')
  cpSync(at.path('store'), at.path('copy'), { recursive: true })
  const segment = at.path('store', 'segments', '00000001.seg')
  const bytes = readFileSync(segment)
  // The first is the header of a record, the others are data.
  for (const place of [90, 200_000, 400_000]) bytes.fill(0xaa, place, place + 40)
  writeFileSync(segment, bytes)
  rmSync(at.path('store', 'index'), { recursive: true })
  return at
}

describe('repair', () => {
  test('from another store brings everything back, and a dry run changes nothing', async () => {
    const at = await damagedStore()
    expect((await at.nomsy(['put', '-'], { input: 'more' })).err).toContain('is damaged at byte 86')
    const dry = await at.nomsy(['repair', '--dry-run', '--from', at.path('copy')])
    expect(dry.err).toMatch(/chunks could be brought back; nothing is lost\n$/)
    expect((await at.nomsy(['put', '-'], { input: 'more' })).code).toBe(1)
    const { code, out, err } = await at.nomsy(['repair', '--from', at.path('copy')])
    expect([code, err]).toEqual([0, expect.stringMatching(/chunks brought back; nothing is lost\n$/)])
    expect(out).toMatch(
      /^\S+00000001\.seg at byte 86: \d+ bytes were no record; they are kept in \S+damaged\S+\n$/,
    )
    expect(readdirSync(at.path('store', 'damaged'))).toHaveLength(1)
    expect(await at.nomsy(['check', '--data'])).toMatchObject({ code: 0, out: '' })
    expect((await at.nomsy(['cat', 'data'])).bytes.equals(data)).toBe(true)
    await at.put('more')
  })

  test('tells of what stays lost, which check knows from then on, and takes it from a file', async () => {
    const at = await damagedStore()
    const { code, out, err } = await at.nomsy(['repair', '--json'])
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/chunks are lost; --from another store or --seed files/),
    ])
    const lost = jsonLines(out).filter((line) => 'object' in line)
    expect(lost.length).toBeGreaterThan(1)
    expect(lost[0]).toMatchObject({
      object: 'data',
      isKnown: true,
      ref: expect.any(String),
      start: expect.any(Number),
    })
    const check = await at.nomsy(['check', '--data'])
    expect([check.code, check.out.split('\n').length - 1]).toEqual([0, lost.length])
    expect(check.err).toMatch(/nothing new is wrong; \d+ things are known to be lost\n$/)
    writeFileSync(at.path('data.bin'), data)
    expect(await at.nomsy(['repair', '--seed', at.path('data.bin')])).toMatchObject({ code: 0 })
    expect(await at.nomsy(['check', '--data'])).toMatchObject({ code: 0, out: '' })
  })

  test('of a whole store says so, and of what is none, or with what is not there, changes nothing', async () => {
    const at = new Workplace()
    expect((await at.nomsy(['repair'])).err).toMatch(/^nomsy: there is no nomsy store at [^\n]*\n$/)
    await at.put(data, '--name', 'data')
    expect((await at.nomsy(['repair'])).err).toMatch(/: 0 chunks brought back; nothing is lost\n$/)
    expect((await at.nomsy(['repair', '--seed', 'absent'])).code).toBe(1)
    expect((await at.nomsy(['repair', '--from', 'absent'])).code).toBe(1)
    expect(await at.nomsy(['check', '--data'])).toMatchObject({ code: 0, out: '' })
    // Files in place of the directories are made anew too, and read as if there were none.
    for (const name of ['state', 'lock']) {
      rmSync(at.path('store', name), { recursive: true, force: true })
      writeFileSync(at.path('store', name), 'in the way')
    }
    expect(await at.nomsy(['check', '--json'])).toMatchObject({ code: 0, out: '{"problems":0,"known":0}\n' })
    expect(await at.nomsy(['repair', '--json'])).toMatchObject({ code: 0, out: '{"found":0,"lost":0}\n' })
    expect((await at.nomsy(['check', '--data'])).code).toBe(0)
    expect(statSync(at.path('store', 'lock')).isDirectory()).toBe(true)
  })
})

describe('check', () => {
  test.each([
    [['--data', '--sample', '5%'], 'leave out --sample'],
    [['--resume'], '--resume goes on with --data'],
    [['--sample', '5'], 'a share is above 0% and up to 100%'],
    [['--sample', '0%'], 'a share is above 0% and up to 100%'],
    [['--seed', '5'], '--seed is for --sample'],
    [['--data', '--resume', 'data'], 'leave out the object'],
  ])('%s is a wrong use', async (args, words) => {
    const at = new Workplace()
    const { code, err } = await at.nomsy(['check', ...args])
    expect([code, err]).toEqual([2, expect.stringContaining(words)])
  })

  test('without --data reads no data, and says so; a sample says its seed', async () => {
    const at = await damagedStore()
    cpSync(at.path('copy', 'index'), at.path('store', 'index'), { recursive: true })
    const quick = await at.nomsy(['check'])
    expect([quick.code, quick.err]).toEqual([0, expect.stringMatching(/all is well, its data not read\n$/)])
    expect((await at.nomsy(['check', 'data'])).code).toBe(0)
    expect((await at.nomsy(['check', 'data', '--data'])).out).toMatch(
      /^(data: bytes \d+-\d+: chunk \w+ is damaged\n)+$/,
    )
    const sample = await at.nomsy(['check', '--sample', '100%', '--seed', '7'])
    expect([sample.code, sample.err]).toEqual([
      1,
      expect.stringContaining('100% of its data read (--seed 7)'),
    ])
  })
})
