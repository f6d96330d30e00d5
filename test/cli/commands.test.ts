import { mkdirSync, openSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, noise, Workplace } from './program.js'

describe('in a store', () => {
  const at = new Workplace()
  const data = noise('data', 300_000)
  let ref = ''

  beforeAll(async () => {
    writeFileSync(at.path('data.bin'), data)
    const { out, err } = await at.nomsy(['put', '--name', 'big/data.bin', 'data.bin'])
    ref = out.slice(0, 32)
    expect(out).toBe(`${ref}  data.bin\n`)
    expect(err).toBe(`made a new store at ${at.store}\n`)
  })

  test('put gives equal bytes one ref, from a file, a pipe or a redirection, and hash agrees', async () => {
    const stdin = openSync(at.path('data.bin'), 'r')
    const runs = await Promise.all([
      at.nomsy(['hash', 'data.bin']),
      at.nomsy(['hash', '-'], { input: data }),
      at.nomsy(['hash', '-'], { stdio: [stdin, 'pipe', 'pipe'] }),
    ])
    expect(runs.map(({ out }) => out.slice(0, 32))).toEqual([ref, ref, ref])
    expect(runs[1]!.out).toBe(`${ref}  -\n`)
    expect(await at.put(data, '--name', 'piped')).toBe(ref)
  })

  test('put stores several files, pinned, and prints a line for each', async () => {
    writeFileSync(at.path('a'), 'aaa')
    writeFileSync(at.path('-b'), 'bbb')
    writeFileSync(at.path('empty'), '')
    const out = await at.ok('--json', 'put', '--', 'a', '-b', 'empty')
    expect(jsonLines(out)).toMatchObject([
      { name: 'a', size: 3 },
      { name: '-b', size: 3 },
      { name: 'empty', size: 0 },
    ])
    for (const { ref, name } of jsonLines(out)) {
      expect(await at.ok('cat', ref)).toBe(readFileSync(at.path(name), 'utf8'))
      expect(await at.ok('heads')).toMatch(new RegExp(`${ref} .* pinned\n`))
    }
  })

  test('cat writes objects one after the other, by name, ref and prefix', async () => {
    const { bytes, err } = await at.nomsy(['cat', 'big/data.bin', ref, ref.slice(0, 6)])
    expect(bytes.equals(Buffer.concat([data, data, data]))).toBe(true)
    expect(err).toBe('')
  })

  test.each([
    ['0-99', 0, 100],
    ['299990-', 299_990, 300_000],
    ['-500', 299_500, 300_000],
    ['65000-200000', 65_000, 200_001],
    ['299999-999999999', 299_999, 300_000],
  ])('cat --range %s', async (range, start, end) => {
    const { bytes } = await at.nomsy(['cat', 'big/data.bin', '--range', range])
    expect(bytes.equals(data.subarray(start, end))).toBe(true)
  })

  test('cat writes to a file as to a pipe', async () => {
    const file = openSync(at.path('redirected'), 'w')
    await at.nomsy(['cat', ref], { stdio: ['pipe', file, 'pipe'] })
    expect(readFileSync(at.path('redirected')).equals(data)).toBe(true)
  })

  test('get writes a file, replaces one, follows a link, and takes the name in a directory', async () => {
    mkdirSync(at.path('out'))
    writeFileSync(at.path('out', 'old'), 'old', { mode: 0o640 })
    symlinkSync('old', at.path('out', 'link'))
    const runs = [
      await at.nomsy(['get', ref, 'out/new']),
      await at.nomsy(['get', 'big/data.bin', 'out/link']),
      await at.nomsy(['get', 'big/data.bin', 'out']),
      await at.nomsy(['get', ref, '-']),
    ]
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(readdirSync(at.path('out')).sort()).toEqual(['data.bin', 'link', 'new', 'old'])
    for (const name of ['new', 'old', 'link', 'data.bin']) {
      expect(readFileSync(at.path('out', name)).equals(data)).toBe(true)
    }
    expect(statSync(at.path('out', 'old')).mode & 0o777).toBe(0o640)
    expect(runs[3]!.bytes.equals(data)).toBe(true)
  })

  test('stat and show agree with each other and with the data', async () => {
    const [stat] = jsonLines(await at.ok('stat', 'big/data.bin', '--json'))
    expect(stat).toMatchObject({ kind: 'blob', ref, size: 300_000, pinned: false })
    expect(stat!.names).toContain('big/data.bin')
    const [show] = jsonLines(await at.ok('show', ref, '--json'))
    const { levels } = show!
    expect(levels.map(({ level }) => level)).toEqual(levels.map((_, index) => levels.length - 1 - index))
    expect(levels.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(stat!.chunks)
    const chunks = jsonLines(await at.ok('show', ref, '--chunks', '--json'))
    expect(chunks).toHaveLength(levels.at(-1)!.nodes)
    let offset = 0
    for (const chunk of chunks) {
      expect(chunk.offset).toBe(offset)
      offset += chunk.length
    }
    expect(offset).toBe(300_000)
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBe(levels.at(-1)!.max)
    expect(await at.ok('stat', ref)).toMatch(
      /^kind {4}blob\nref {5}\w{32}\nsize {4}300000 bytes \(300 kB\)\n/,
    )
    expect(await at.ok('show', ref)).toMatch(/level +nodes +least +average +most\n(.*children\n)+.*bytes\n$/)
  })

  test('splice gives the ref of the edited bytes and leaves the name where it is', async () => {
    const edited = Buffer.concat([data.subarray(0, 1000), Buffer.from('new'), data.subarray(1005)])
    const { out } = await at.nomsy(
      ['splice', 'big/data.bin', '--at', '1000', '--remove', '5', '--insert', '-'],
      { input: 'new' },
    )
    const expected = (await at.nomsy(['hash', '-'], { input: edited })).out.slice(0, 32)
    expect(out).toBe(`${expected}\n`)
    expect(await at.ok('heads')).toMatch(new RegExp(`${expected} .* pinned\n`))
    expect(jsonLines(await at.ok('stat', 'big/data.bin', '--json'))).toMatchObject([{ ref }])
    const named = await at.ok(
      'splice',
      ref,
      '--at',
      '300000',
      '--insert',
      'data.bin',
      '--name',
      'twice',
      '--json',
    )
    expect(jsonLines(named)).toMatchObject([{ size: 600_000, head: 'twice' }])
    expect((await at.nomsy(['cat', 'twice'])).bytes.equals(Buffer.concat([data, data]))).toBe(true)

    const difference = jsonLines(await at.ok('diff', ref, expected, '--json'))
    expect(difference).toEqual([{ aStart: 1000, removed: 5, bStart: 1000, inserted: 3 }])
    const lines = [
      await at.ok('diff', ref, expected),
      await at.ok('diff', expected, ref),
      await at.ok('diff', ref, 'twice'),
      await at.ok('diff', 'twice', ref),
      await at.ok('diff', ref, 'big/data.bin'),
    ]
    expect(lines).toEqual([
      'at 1000: 5 bytes replaced by 3 bytes, at 1000 of the other\n',
      'at 1000: 3 bytes replaced by 5 bytes, at 1000 of the other\n',
      // Which of two equal runs of bytes is the new one cannot be told.
      expect.stringMatching(/^at (\d+): 300000 bytes inserted, at \1 of the other\n$/),
      expect.stringMatching(/^at (\d+): 300000 bytes removed, at \1 of the other\n$/),
      '',
    ])
    const codes = [
      await at.nomsy(['diff', ref, expected, '--exit-code']),
      await at.nomsy(['diff', ref, 'big/data.bin', '--exit-code']),
    ]
    expect(codes.map(({ code, err }) => [code, err])).toEqual([
      [1, ''],
      [0, ''],
    ])
  })

  test('a name moves to what is put under it; rm removes names and pins, and only those', async () => {
    const one = await at.put('one', '--name', 'moving')
    const two = await at.put('two', '--name', 'moving')
    expect(await at.ok('cat', 'moving')).toBe('two')
    await at.put('one')
    const lines = jsonLines(await at.ok('heads', 'mov', '--json'))
    expect(lines).toEqual([{ name: 'moving', ref: two, size: 3, kind: 'blob' }])
    const { err } = await at.nomsy(['rm', 'moving', one.slice(0, 8)])
    expect(err).toBe(`removed moving, which was ${two}\nremoved the pin of ${one}\n`)
    const left = await at.ok('heads')
    expect(left).not.toContain('moving')
    expect(left).not.toContain(one)
    expect((await at.nomsy(['rm', one])).code).toBe(1)
    const named = await at.nomsy(['rm', ref])
    expect(named).toMatchObject({ code: 1, out: '' })
    expect(named.err).toContain('is not pinned but named: big/data.bin')
  })

  test('init makes a store once, and check finds it whole', async () => {
    const made = await at.nomsy(['init', at.path('made')])
    const again = await at.nomsy(['init', at.path('made')])
    expect([made.code, again.code]).toEqual([0, 0])
    expect(again.err).toBe(`${at.path('made')} is a store already; nothing was changed\n`)
    expect(made.err).toMatch(/^made a new store at .*\n$/)
    const store = `--store=${at.path('made')}`
    expect(await at.ok('heads', store)).toBe('')
    expect((await at.nomsy(['check', '--data', store])).err).toMatch(/made: all is well\n$/)
  })

  test('check of everything and of one object, with and without words', async () => {
    const runs = [
      await at.nomsy(['check', '--data']),
      await at.nomsy(['check', '--data', 'big/data.bin']),
      await at.nomsy(['check', '--data', '--quiet']),
    ]
    expect(runs.map(({ code, out }) => [code, out])).toEqual(runs.map(() => [0, '']))
    expect(runs[1]!.err).toBe('big/data.bin: all is well\n')
    expect(runs[2]!.err).toBe('')
  })
})
