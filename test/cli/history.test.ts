/** Commits, branches, merges and differences from the shell. */

import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, Workplace } from './program.js'

describe('a name with a history', () => {
  const at = new Workplace()

  beforeAll(async () => {
    await at.nomsy(['map', 'import', 'users', '-'], {
      input: '{"key":"ada","value":{"born":1815}}\n{"key":"alan","value":1912}\n',
    })
    await at.ok('commit', 'users', 'users', '-m', 'begin', '--meta', '{"author":"bob"}')
    await at.ok('map', 'set', 'users', 'ada', '{"born":1816}')
    await at.ok('map', 'delete', 'users', 'alan', '-m', 'alan is gone\n\nfor good')
  })

  test('log shows the commits, the last one first', async () => {
    const [last, middle, first, ...others] = jsonLines(await at.ok('log', 'users', '--json')) as unknown as {
      message: string
      meta: object
      generation: number
      parents: string[]
      ref: string
      time: number
    }[]
    expect(others).toEqual([])
    expect(last).toMatchObject({ message: 'alan is gone\n\nfor good', generation: 3, parents: [middle!.ref] })
    expect(middle).toMatchObject({ message: 'map set ada', generation: 2, meta: {}, parents: [first!.ref] })
    expect(first).toMatchObject({ message: 'begin', generation: 1, meta: { author: 'bob' }, parents: [] })
    const date = `${new Date(first!.time).toISOString().slice(0, 19)}Z`
    expect(await at.ok('log', 'users~2')).toBe(
      `commit ${first!.ref}\ndate:   ${date}\nauthor: "bob"\n\n    begin\n`,
    )
    expect(await at.ok('log', 'users', '--limit', '2', '--oneline')).toMatch(
      /^[0-9a-v]{10} {2}\S+Z {2}alan is gone\n[0-9a-v]{10} {2}\S+Z {2}map set ada\n$/,
    )
  })

  test('all that reads takes commits and those before them', async () => {
    expect(await at.ok('map', 'get', 'users~2', 'alan')).toBe('1912\n')
    expect(await at.ok('show', 'users~1:ada/born')).toBe('1816\n')
    expect(await at.ok('heads', 'users')).toMatch(/^[0-9a-v]{32} +1 entry {2}commit {3}users\n$/)
    expect(await at.ok('stat', 'users')).toMatch(
      /^kind {4}map\nref .*\ncommit {2}[0-9a-v]{32}\nsize {4}1 entry\n/,
    )
    expect(await at.ok('show', 'users')).toMatch(
      /^commit .*\n\n {4}alan is gone\n\n {4}for good\n\nmap .*\n {2}"ada"/s,
    )
    const shown = JSON.parse(await at.ok('show', 'users', '--json'))
    expect(shown).toMatchObject({ kind: 'commit', generation: 3, content: { kind: 'map', count: 1 } })
  })

  test('diff says what was added, removed and changed', async () => {
    const run = (...args: string[]): Promise<string> => at.ok('diff', 'users~2', 'users', ...args)
    expect(await run()).toBe('- "ada": {"born": 1815}\n+ "ada": {"born": 1816}\n- "alan": 1912\n')
    expect(await run('--stat')).toBe('0 added, 1 removed, 1 changed\n')
    expect(jsonLines(await run('--json'))).toEqual([
      { kind: 'changed', key: 'ada', before: { born: 1815 }, after: { born: 1816 } },
      { kind: 'removed', key: 'alan', before: 1912 },
    ])
    const { code, err } = await at.nomsy(['diff', 'users', 'users~0', '--exit-code'])
    expect([code, err]).toEqual([0, ''])
    await at.nomsy(['list', 'import', 'a', '-'], { input: '1\n2\n3\n' })
    await at.nomsy(['list', 'import', 'b', '-'], { input: '1\n"two"\n3\n4\n' })
    const list = await at.nomsy(['diff', 'a', 'b', '--exit-code'])
    expect(list).toMatchObject({ code: 1, out: '- [1]: 2\n+ [1]: "two"\n+ [3]: 4\n' })
    expect(jsonLines(await at.ok('diff', 'a', 'b', '--json'))[2]).toEqual({
      kind: 'added',
      index: 3,
      after: 4,
    })
    expect(await at.ok('diff', 'users~2:ada', 'users:ada')).toBe('- {"born": 1815}\n+ {"born": 1816}\n')
    expect((await at.nomsy(['diff', 'a', 'users'])).err).toContain('a is a list and users a map')
  })

  test('put and splice go on with the history of a name', async () => {
    await at.put('one', '--name', 'file')
    await at.put('two', '--name', 'file', '-m', 'begin')
    await at.ok('splice', 'file', '--at', '0', '--remove', '2', '--name', 'file')
    expect(await at.ok('cat', 'file', 'file~1')).toBe('otwo')
    expect((await at.nomsy(['put', '-', '-m', 'x'], { input: 'x' })).code).toBe(2)
  })
})

describe('branches', () => {
  const at = new Workplace()

  beforeAll(async () => {
    await at.ok('map', 'set', 'main', 'ada', '1', '-m', 'begin')
    await at.ok('branch', 'draft', 'main')
    await at.ok('map', 'set', 'draft', 'bob', '2')
    await at.ok('map', 'set', 'main', 'carl', '3')
  })

  test('go their own way, and are merged', async () => {
    const again = await at.nomsy(['branch', 'draft', 'main'])
    expect(again).toMatchObject({
      code: 1,
      out: '',
      err: "nomsy: draft is there already; 'nomsy rm draft' removes that name\n",
    })
    const merged = await at.ok('merge', 'main', 'draft', '-m', 'take the draft')
    expect(await at.ok('map', 'range', 'main')).toBe('"ada": 1\n"bob": 2\n"carl": 3\n')
    expect(
      (await at.ok('log', 'main', '--graph', '--oneline')).replaceAll(/[0-9a-v]{10} {2}\S+ {2}/g, ''),
    ).toMatch(
      /^\* take the draft\n\|\\\n(\* \| map set carl\n\| \* map set bob|\| \* map set bob\n\* \| map set carl)\n\|\/\n\* begin\n$/,
    )
    expect(await at.nomsy(['merge', 'main', 'draft'])).toMatchObject({
      code: 0,
      out: merged,
      err: 'main has all of draft already\n',
    })
    expect((await at.nomsy(['merge', 'draft', 'main'])).err).toBe(
      'draft moved to main, which has all of it\n',
    )
  })

  test('conflicts are listed, nothing is changed, and a side can be taken', async () => {
    await at.ok('map', 'set', 'draft', 'ada', '{"x":1}')
    await at.ok('map', 'delete', 'main', 'ada')
    const before = await at.ok('heads', 'main')
    expect(await at.nomsy(['merge', 'main', 'draft'])).toEqual({
      code: 1,
      bytes: expect.anything(),
      out: 'conflict: "ada"\n  base    1\n  ours    nothing\n  theirs  {"x": 1}\n',
      err: 'nomsy: main: 1 conflict with draft; nothing was changed; --resolve ours or --resolve theirs takes one side\n',
    })
    const json = await at.nomsy(['merge', 'main', 'draft', '--json'])
    expect(jsonLines(json.out)).toEqual([{ key: 'ada', base: 1, theirs: { x: 1 } }])
    expect(await at.ok('heads', 'main')).toBe(before)
    await at.ok('merge', 'main', 'draft', '--resolve', 'theirs')
    expect(await at.ok('map', 'get', 'main', 'ada')).toBe('{"x": 1}\n')
    expect((await at.nomsy(['check', '--data'])).err).toMatch(/all is well\n$/)
  })

  test('are for commits', async () => {
    await at.ok('set', 'add', 'tags', 'a')
    const { code, err } = await at.nomsy(['merge', 'main', 'tags'])
    expect([code, err]).toEqual([
      1,
      "nomsy: tags is a set and no commit; 'nomsy commit NAME tags -m MESSAGE' makes one of it\n",
    ])
    expect((await at.nomsy(['commit', 'x', 'tags', '-m', 'x', '--meta', '1'])).err).toContain(
      '--meta 1: no record',
    )
  })
})
