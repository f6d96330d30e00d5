/** Import and export by the program: files, pipes, memory, and what is wrong with them. */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MAIN, outcomeOf, Workplace } from './program.js'

/** Enough for the program, and not enough for what it reads. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=24' }

test('100,000 lines come back as they were, through CSV as well, in memory that does not hold them', async () => {
  const at = new Workplace()
  const count = 100_000
  const keys = Array.from({ length: count }, (_, index) => `k${(index * 7919) % count}`)
  const lineOf = (key: string): string =>
    `{"key":"${key}","value":{"id":${key.slice(1)},"name":"${`${key} `.repeat(14)}"}}\n`
  const file = openSync(at.path('in.jsonl'), 'w')
  for (let from = 0; from < count; from += 1000)
    writeSync(
      file,
      keys
        .slice(from, from + 1000)
        .map(lineOf)
        .join(''),
    )
  closeSync(file)
  const run = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await at.nomsy(words, { env: SMALL_HEAP })
    expect([code, err.replaceAll(/^made .*\n/gm, '')]).toEqual([0, ''])
    return out
  }
  const imported = await run('map', 'import', 'm', 'in.jsonl')
  const exported = createHash('sha256')
    .update(await run('map', 'export', 'm'))
    .digest('hex')
  const expected = createHash('sha256').update(keys.sort().map(lineOf).join('')).digest('hex')
  expect(exported).toBe(expected)
  const csv = openSync(at.path('out.csv'), 'w')
  const writing = await at.nomsy(['map', 'export', 'm', '--format', 'csv'], {
    env: SMALL_HEAP,
    stdio: ['pipe', csv, 'pipe'],
  })
  closeSync(csv)
  expect(writing).toMatchObject({
    code: 0,
    err: 'an import gives the same again with --key key --types id:number\n',
  })
  const again = await run('map', 'import', 'n', 'out.csv', '--key', 'key', '--types', 'id:number')
  expect(again.slice(0, 32)).toBe(imported.slice(0, 32))
})

describe('in a store', () => {
  const at = new Workplace()

  test('an import adds to what is there, or replaces it', async () => {
    const lines = (...keys: string[]): string =>
      keys.map((key) => `{"key":"${key}","value":"${keys.join('')}"}\n`).join('')
    await at.nomsy(['map', 'import', 'm', '-'], { input: lines('b', 'a', 'b') })
    const added = await at.nomsy(['map', 'import', 'm', '-', '--json'], { input: lines('b', 'c') })
    expect(JSON.parse(added.out)).toMatchObject({ head: 'm', kind: 'map', count: 3 })
    expect(await at.ok('map', 'range', 'm')).toBe('"a": "bab"\n"b": "bc"\n"c": "bc"\n')
    await at.nomsy(['map', 'import', 'm', '-', '--replace'], { input: lines('d') })
    expect(await at.ok('map', 'range', 'm')).toBe('"d": "d"\n')
    for (const kind of ['set', 'list']) {
      await at.nomsy([kind, 'import', kind, '-'], { input: '2\n\n1\n' })
      await at.nomsy([kind, 'import', kind, '-'], { input: '1\r\n3' })
    }
    expect(await at.ok('set', 'export', 'set')).toBe('1\n2\n3\n')
    expect(await at.ok('list', 'export', 'list')).toBe('2\n1\n1\n3\n')
    expect((await at.nomsy(['map', 'import', 'set', '-'])).err).toContain('set is a set, not a map')
  })

  test('CSV: columns, types, cells with nothing in them', async () => {
    writeFileSync(
      at.path('people.csv'),
      '\ufeffid;name;born;__proto__\r\n1;"Lovelace; Ada";1815;\r\n2;"";;x\r\n3;;1906;"two\r\nlines"\r\n',
    )
    const csv = ['--delimiter', ';', '--types', 'id:number,born:number']
    await at.ok('map', 'import', 'people', 'people.csv', '--key', 'id', ...csv)
    expect((await at.ok('map', 'export', 'people')).split('\n')).toEqual([
      '{"key":1,"value":{"born":1815,"name":"Lovelace; Ada"}}',
      '{"key":2,"value":{"__proto__":"x","name":""}}',
      '{"key":3,"value":{"__proto__":"two\\r\\nlines","born":1906}}',
      '',
    ])
    const refused = await at.nomsy(['map', 'export', 'people', '--format', 'csv'])
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/there is no column for '__proto__'; add it: --types __proto__:string\n$/)
    const out = await at.ok('map', 'export', 'people', '--format', 'csv', '--types', '__proto__:string')
    expect(out).toBe('key,born,name,__proto__\n1,1815,Lovelace; Ada,\n2,,"",x\n3,1906,,"two\r\nlines"\n')
    await at.ok('list', 'import', 'names', 'people.csv', '--value', 'id', '--delimiter', ';')
    expect(await at.ok('list', 'export', 'names', '--format', 'csv')).toBe('value\n1\n2\n3\n')
    await at.ok('set', 'import', 'ids', 'people.csv', '--key', 'id', ...csv)
    expect(await at.ok('set', 'export', 'ids')).toBe('1\n2\n3\n')
  })

  test.each<[input: string | Buffer, args: string[], message: string]>([
    [
      '{"key":"a","value":1}\n{"key":{"x":1},"value":1}\n{"key":"c","value":1}\n',
      [],
      'line 2: key is a record',
    ],
    [
      'id,n\n"1\n2",2\n3,4,5\n',
      ['--format', 'csv', '--key', 'id'],
      'line 4: 3 cells, and there are 2 columns',
    ],
  ])('%j is refused, and nothing is changed', async (input, args, message) => {
    const { code, out, err } = await at.nomsy(['map', 'import', 'bad', '-', ...args], { input })
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`nomsy: standard input: ${message}`)
    expect(err).toMatch(/; nothing was changed\n$/)
  })

  test('and nothing was', async () => {
    expect(await at.ok('heads', 'bad')).toBe('')
    expect((await at.nomsy(['check', '--data'])).err).toMatch(/all is well\n$/)
  })

  test.concurrent.each<[args: string[], message: string]>([
    [['map', 'import', 'm', 'x.csv'], 'CSV for a map: say with --key which column is the key'],
    [['map', 'import', 'm', 'x', '--types', 'a:number'], '--types is for CSV; say so with --format csv'],
    [['map', 'import', 'm', 'x.csv', '--key', 'a', '--types', 'a'], "'a' is not like id:number"],
    [['list', 'import', 'l', 'x.csv', '--delimiter', '"'], '--delimiter ": write one character, or tab'],
  ])('wrong usage: %j', async (args, message) => {
    expect(await at.nomsy(args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })

  test('a signal ends an import that waits, and leaves all as it was', async () => {
    await at.ok('set', 'add', 'kept', 'a')
    const child = at.start(['set', 'import', 'kept', '-'])
    const done = outcomeOf(child)
    await new Promise((resolve) => child.stdin.write(`${'"b"\n'.repeat(400_000)}`, resolve))
    child.kill('SIGINT')
    expect(await done).toMatchObject({ code: 130, out: '', err: expect.stringContaining('ended by SIGINT') })
    expect(await at.ok('set', 'export', 'kept')).toBe('"a"\n')
  })

  test('two at once both get through, or one is told who holds the store', async () => {
    await at.ok('map', 'set', 'both', 'x', '0')
    const runs = await Promise.all(['a', 'b'].map((key) => at.nomsy(['map', 'set', 'both', key, '1'])))
    const keys = await at.ok('map', 'range', 'both')
    for (const [index, { code, err }] of runs.entries()) {
      if (code !== 0) expect(err).toContain('is held by')
      expect(keys.includes(`"${'ab'[index]}"`)).toBe(code === 0)
    }
    expect(runs.some(({ code }) => code === 0)).toBe(true)
  })
})

test('a reader that stops early ends the program quietly', async () => {
  const at = new Workplace()
  const input = Array.from(
    { length: 20_000 },
    (_, index) => `{"key":${index},"value":"${'x'.repeat(50)}"}\n`,
  ).join('')
  await at.nomsy(['map', 'import', 'm', '-'], { input })
  await at.ok('map', 'set', 'empty', 'a', '1')
  const nomsy = `${process.execPath} ${MAIN}`
  const commands = ['map export m', 'map export m --format csv -q', 'map range m', 'diff empty m']
  const script = commands
    .map((command) => `${nomsy} ${command} | head -n 1 > /dev/null; echo $PIPESTATUS`)
    .join('; ')
  const { PATH } = process.env
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    env: { PATH, NOMSY_STORE: at.store },
  })
  expect(stderr.toString()).toBe('')
  expect(stdout.toString()).toBe('0\n'.repeat(commands.length))
})

test('a terminal gets colours, and anything else gets none', async () => {
  const at = new Workplace()
  await at.ok('map', 'set', 'm', 'ada', '{"born":1815}')
  const shell = `TERM=xterm script -qec "${process.execPath} ${MAIN} show m" /dev/null < /dev/null`
  const { PATH } = process.env
  const { stdout } = spawnSync('bash', ['--norc', '-c', shell], { env: { PATH, NOMSY_STORE: at.store } })
  expect(stdout.toString()).toContain('\u001b[34m"born"\u001b[39m: \u001b[33m1815\u001b[39m')
  expect(await at.ok('show', 'm')).not.toContain('\u001b')
})
