/** Maps, sets and lists from the shell. */

import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcome, Workplace } from './program.js'

/** Runs the program for each line of words, one after the other, and gives what became of each. */
async function runAll(at: Workplace, lines: readonly string[][]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const words of lines) outcomes.push(await at.nomsy(words))
  return outcomes
}

function lines(out: string): string[] {
  return out.split('\n').slice(0, -1)
}

describe('a map', () => {
  const at = new Workplace()

  beforeAll(async () => {
    const [made, set] = await runAll(at, [
      ['map', 'set', 'users', 'ada', '{"born":1815, "langs":["en","fr"]}'],
      ['map', 'set', 'users', 'alan', '1912'],
    ])
    expect(made).toMatchObject({ code: 0, err: `made a new store at ${at.store}\nmade the map users\n` })
    expect(made!.out).toMatch(/^[0-9a-v]{32} {2}users\n$/)
    expect(set).toMatchObject({ code: 0, err: '' })
  })

  test('its values are printed as JSON, in the order that they are asked for', async () => {
    expect(await at.ok('map', 'get', 'users', 'ada')).toBe('{"born": 1815, "langs": ["en", "fr"]}\n')
    expect(await at.ok('map', 'get', 'users', 'alan', 'ada', '--json')).toBe(
      '1912\n{"born":1815,"langs":["en","fr"]}\n',
    )
    const { code, out, err } = await at.nomsy(['map', 'get', 'users', 'alan', 'nobody'])
    expect([code, out, err]).toEqual([1, '', 'nomsy: users: no key "nobody"\n'])
  })

  test('ranges are as in Level', async () => {
    const at = new Workplace()
    await at.nomsy(['map', 'import', 'm', '-'], {
      input: ['a', 'b', 'c', 'd'].map((key, value) => `${JSON.stringify({ key, value })}\n`).join(''),
    })
    const range = async (...args: string[]): Promise<string> => {
      const out = await at.ok('map', 'range', 'm', ...args)
      return lines(out)
        .map((line) => line[1])
        .join('')
    }
    expect(await at.ok('map', 'range', 'm', '--limit', '1', '--json')).toBe('{"key":"a","value":0}\n')
    expect(await range()).toBe('abcd')
    expect(await range('--gte', 'b', '--lt', 'd')).toBe('bc')
    expect(await range('--lte', 'c', '--reverse', '--limit', '2')).toBe('cb')
  })

  test('values and keys of all types, and what is no JSON', async () => {
    const at = new Workplace()
    const portrait = await at.put('portrait', '--name', 'portrait')
    const sets: [words: string[], value: string][] = [
      [['a', '--type', 'string', 'hello'], '"hello"'],
      [['b', '[{"$number":"NaN"},"hello"]'], '[{"$number":"NaN"},"hello"]'],
      [['c', '--type', 'bytes', 'aGk='], '{"$bytes":"aGk="}'],
      [['d', '--type', 'ref', 'portrait'], `{"$ref":"${portrait}"}`],
      [['__proto__', '{"__proto__":{"x":1}}'], '{"__proto__":{"x":1}}'],
      [['7', '--key-type', 'number', 'null'], 'null'],
    ]
    for (const [words] of sets) await at.ok('map', 'set', 'm', ...words)
    const [a, b, c, d, proto] = sets.map(
      ([[key], value]) => `{"key":${JSON.stringify(key)},"value":${value}}`,
    )
    expect(lines(await at.ok('map', 'export', 'm'))).toEqual(['{"key":7,"value":null}', proto, a, b, c, d])
    expect((await at.nomsy(['map', 'get', 'm', 'c', 'a', '-r'])).out).toBe('hihello\n')
    expect(await at.ok('map', 'get', 'm', '--key-type', 'number', '7')).toBe('null\n')
    expect((await at.nomsy(['map', 'get', 'm', '7'])).err).toBe(
      'nomsy: m: no key "7"; its first key is 7: is --key-type number meant?\n',
    )
    expect(await at.ok('cat', 'm:d')).toBe('portrait')
    const piped = await at.nomsy(['map', 'set', 'm', 'long', '-'], {
      input: JSON.stringify('x'.repeat(200_000)),
    })
    expect(piped.code).toBe(0)
    expect((await at.ok('map', 'get', 'm', 'long', '-r')).length).toBe(200_001)
    expect((await at.nomsy(['check', '--data'])).err).toMatch(/all is well\n$/)
  })

  test('deleting keys, and what is not there', async () => {
    const before = await at.ok('--json', 'map', 'set', 'users', 'bob', '1')
    expect(JSON.parse(before)).toMatchObject({ head: 'users', kind: 'map', count: 3 })
    await at.ok('map', 'delete', 'users', 'bob')
    const { code, err } = await at.nomsy(['map', 'delete', 'users', 'bob', 'nobody'])
    expect([code, err]).toEqual([0, 'users stays as it is\n'])
    expect((await at.nomsy(['map', 'delete', 'nothing', 'x'])).err).toContain(
      'nothing: there is no head of that name',
    )
  })

  test.concurrent.each<[words: string[], message: string]>([
    [
      ['set', 'm', 'k', 'hello'],
      `value hello: not JSON: .*; text is written '"hello"' in the shell, or hello with --type string`,
    ],
    [['set', 'm', 'k', '--type', 'date', '1'], '--type date: not a type; write one of string, number, '],
    [['set', 'users~1', 'k', '1'], "'users~1' cannot name a head"],
    [['set', 'users', 'k'], "missing required argument 'value'; see 'nomsy map set --help'"],
    [['frobnicate'], "unknown command 'frobnicate'; see 'nomsy map --help'"],
  ])('wrong usage: %j', async (words, message) => {
    const outcome = await at.nomsy(['map', ...words])
    expect(outcome).toMatchObject({ code: 2, out: '' })
    expect(outcome.err).toMatch(new RegExp(`^nomsy: .*${message}.*\n$`))
  })

  test.each<[words: string[], message: string]>([
    [
      ['set', 'users', 'k', '{"$ref":"00000000000000000000000000000000"}'],
      'chunk 0{32} is not in this store',
    ],
    [['set', 'users', 'k'.repeat(1100), '1'], 'key is 1103 bytes encoded, above 1024'],
  ])('refused: %j', async (words, message) => {
    const outcome = await at.nomsy(['map', ...words])
    expect(outcome).toMatchObject({ code: 1, out: '' })
    expect(outcome.err).toMatch(new RegExp(`^nomsy: .*${message}.*\n$`))
  })
})

describe('a set', () => {
  const at = new Workplace()

  test('keys are added, found, listed and removed', async () => {
    await at.ok('set', 'add', 'tags', 'b', 'a', 'b')
    expect(await at.ok('set', 'range', 'tags')).toBe('"a"\n"b"\n')
    const [has, hasNot, wrong] = await runAll(at, [
      ['set', 'has', 'tags', 'a'],
      ['set', 'has', 'tags', 'z'],
      ['set', 'has', 'tags'],
    ])
    expect([has!.code, has!.out]).toEqual([0, 'true\n'])
    expect([hasNot!.code, hasNot!.out, hasNot!.err]).toEqual([1, 'false\n', ''])
    expect(wrong!.code).toBe(2)
    await at.ok('set', 'add', 'tags', '--key-type', 'number', '2', '--', '-1')
    expect(await at.ok('set', 'range', 'tags', '--json', '--limit', '3')).toBe('-1\n2\n"a"\n')
    await at.ok('set', 'delete', 'tags', 'a', 'z')
    expect(await at.ok('set', 'export', 'tags')).toBe('-1\n2\n"b"\n')
  })

  test('is no map, and says so', async () => {
    expect((await at.nomsy(['map', 'set', 'tags', 'x', '1'])).err).toBe(
      "nomsy: tags is a set, not a map; 'nomsy show tags' shows it\n",
    )
    expect((await at.nomsy(['cat', 'tags'])).err).toContain('tags is a set, not a blob')
  })
})

describe('a list', () => {
  const at = new Workplace()

  test('items are pushed, got, replaced, spliced and removed', async () => {
    const range = async (...args: string[]): Promise<string> =>
      lines(await at.ok('list', 'range', 'q', ...args)).join(' ')
    await at.ok('list', 'push', 'q', '0', '"one"', '[2]')
    await at.ok('list', 'push', 'q', '--type', 'string', 'three')
    expect(await at.ok('list', 'get', 'q', '-1', '0')).toBe('"three"\n0\n')
    expect(await range()).toBe('0 "one" [2] "three"')
    expect(await range('--start', '-3', '--limit', '2')).toBe('"one" [2]')
    expect(await range('--end', '-1', '--reverse', '--limit', '2')).toBe('[2] "one"')
    await at.ok('list', 'set', 'q', '-2', '2')
    await at.ok('list', 'splice', 'q', '--at', '1', '--remove', '1', '"a"', '"b"')
    expect(await range()).toBe('0 "a" "b" 2 "three"')
    await at.ok('list', 'delete', 'q', '0', '-1', '0')
    expect(await range()).toBe('"a" "b" 2')
    expect((await at.nomsy(['list', 'push', 'q', '-'], { input: '{"x":1}\n' })).code).toBe(0)
    expect(await at.ok('list', 'get', 'q', '3')).toBe('{"x": 1}\n')
  })

  test.each<[code: number, words: string[], message: string]>([
    [1, ['set', 'q', '-5', '1'], 'q: no item -5; it has 4'],
    [1, ['splice', 'q', '--at', '2', '--remove', '3'], '--remove 3: q has only 2 items from 2 on'],
    [2, ['get', 'q', 'x'], "index: 'x' is not a position; write 0 for the first, -1 for the last"],
  ])('exit status %i for %j', async (code, words, message) => {
    expect(await at.nomsy(['list', ...words])).toMatchObject({ code, out: '', err: `nomsy: ${message}\n` })
  })
})
