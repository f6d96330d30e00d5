import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { noise, type Outcome, type RunOptions, Workplace } from './program.js'

const at = new Workplace()
const TOO_LARGE = '9007199254740992'

beforeAll(async () => {
  writeFileSync(at.path('file'), 'some bytes')
  writeFileSync(at.path('secret'), 'secret', { mode: 0 })
  mkdirSync(at.path('dir', 'x'), { recursive: true })
  mkdirSync(at.path('foreign'))
  writeFileSync(at.path('foreign', 'letter.txt'), 'dear')
  await at.ok('put', 'file', '--name', 'x')
  // The store is its owner's; let others read it.
  spawnSync('chmod', ['-R', 'a+rX', at.store])
})

function expectFailure(outcome: Outcome, code: number, words: string | RegExp): void {
  expect(outcome.code).toBe(code)
  expect(outcome.out).toBe('')
  expect(outcome.err).toMatch(/^nomsy: [^\n]+\n$/)
  expect(outcome.err).toMatch(words)
  expect(outcome.err).not.toMatch(/^ +at /m)
}

describe('exit status 2 for wrong usage', () => {
  const cases: [args: string[], words: string][] = [
    [[], "no command given; 'nomsy --help' lists them"],
    [['frobnicate'], "unknown command 'frobnicate'; see 'nomsy --help'"],
    [['catt'], "unknown command 'catt'; did you mean cat?; see 'nomsy --help'"],
    [['--nonsense'], "unknown option '--nonsense'; see 'nomsy --help'"],
    [['put'], "missing required argument 'path'; see 'nomsy put --help'"],
    [['put', '--nam', 'a', 'file'], "unknown option '--nam'; did you mean --name?"],
    [['put', '--name'], "option '--name <name>' argument missing"],
    [['put', '--name', 'a..b', 'file'], "'a..b' cannot name a head"],
    [['put', '--name', '', 'file'], 'cannot name a head'],
    [['put', '--name', 'a\nb', 'file'], "'a\\nb' cannot name a head"],
    [['put', '--name', '0'.repeat(32), 'file'], 'not the form of a ref'],
    [['put', '--name', 'pins/x', 'file'], 'names that begin with pins/ are pins'],
    [['put', '--name', 'two', 'file', 'file'], '--name two names one thing, not 2'],
    [['put', '-', '-'], "'-' is given twice"],
    [['hash', '-', 'file', '-'], "'-' is given twice"],
    [['hash', '-x'], "unknown option '-x'"],
    [['cat'], "missing required argument 'object'"],
    [['cat', 'x', '--range'], "option '--range <a-b>' argument missing"],
    [['cat', 'x', '--range', 'nonsense'], '--range nonsense: not a range of bytes; write 0-99, 100- or -500'],
    [['cat', 'x', '--range', '5-3'], '--range 5-3: the last byte is before the first; write 3-5'],
    [['get', 'x'], 'name one place to write to'],
    [['get', 'x', 'y', 'z'], 'too many arguments'],
    [['diff', 'x'], "missing required argument 'b'"],
    [['splice', 'x'], "required option '--at <offset>' not specified"],
    [['splice', 'x', '--at', '-1'], "--at: '-1' is not a number of bytes"],
    [['splice', 'x', '--at', '1e3'], "--at: '1e3' is not a number of bytes"],
    [['splice', 'x', '--at', TOO_LARGE], `--at: ${TOO_LARGE} is too large`],
    [['splice', 'x', '--at', '0', '--remove', '1.5'], "--remove: '1.5' is not a number of bytes"],
    [['splice', 'x', '--at', '0', '--name', '..'], "'..' cannot name a head"],
    [['init', 'one', '--store', 'two'], 'init one with --store two: name one place'],
    [['heads', '--store', 'ftp://host/x'], 'ftp://host/x: not a kind of store'],
    [['heads', '--store', 'level:'], 'level:: there is no path; write a path, level:PATH or memory:'],
    [['put', 'file', '--store', 'memory:'], 'memory: keeps nothing once a command has ended'],
  ]
  test.concurrent.each(cases)('%j', async (args, words) => {
    expectFailure(await at.nomsy(args), 2, new RegExp(escapeRegExp(words)))
  })
})

describe('exit status 1 for what cannot be done', () => {
  const cases: [args: string[], words: string | RegExp, options?: RunOptions][] = [
    [['cat', 'nobody'], "nobody: no head of that name in .*'nomsy heads' shows what there is"],
    [['cat', ''], 'no head of that name'],
    [['cat', '0123456789'], '0123456789: no head and no object'],
    [['cat', '0'.repeat(32)], 'has no such object'],
    [['cat', 'x', 'nobody'], 'nobody: no head'],
    [['cat', 'x', '--range', '10-'], '--range 10- is outside x, which has the bytes 0-9'],
    [['cat', 'x', '--range', '-0'], '--range -0 is outside x'],
    [['rm', 'x', 'nobody'], "nobody: no such name or pin in .*'nomsy heads' shows what there is"],
    [['put', 'absent'], 'absent: no such file or directory; check the path'],
    [['put', 'file', 'absent'], 'absent: no such file or directory'],
    [['put', 'file/x'], 'file/x: not a directory'],
    [['put', 'two\nlines'], 'two\\\\nlines: no such file'],
    [['put', 'secret'], 'secret: permission denied', { asNobody: true }],
    [['hash', 'secret'], 'secret: permission denied', { asNobody: true }],
    [['splice', 'x', '--at', '0', '--insert', 'dir'], 'dir: is a directory'],
    [['splice', 'x', '--at', '11'], '--at 11 is outside x, which has 10 bytes'],
    [['splice', 'x', '--at', '8', '--remove', '3'], '--remove 3: x has only 2 bytes from 8 on'],
    [['get', 'x', 'nowhere/file'], 'nowhere/file: no such file or directory'],
    [['get', 'x', 'dir'], 'x: is a directory; name the file to write'],
    [['get', 'x', '/dev/null'], "/dev/null: is not a regular file; 'nomsy cat'"],
    [['get', 'x', 'dir/y'], 'dir/y: permission denied', { asNobody: true }],
    [['heads', '--store', 'foreign'], 'foreign holds'],
    [['put', 'file', '--store', 'foreign'], 'foreign holds'],
    [['put', 'file', '--store', 'level:foreign'], 'foreign holds'],
    [['init', 'foreign'], 'foreign holds'],
    [['heads', '--store', 'file'], 'file is a file'],
    [['heads', '--store', '/proc/store'], 'no store at /proc/store'],
    [
      ['put', 'file', '--store', 'mine'],
      /nomsy: .*mine.*(permission denied|cannot be written)/,
      { asNobody: true },
    ],
    [['put', 'file'], /nomsy: .*cannot be written/, { asNobody: true }],
    [['repair'], /nomsy: .*cannot be written to, its store can only be read/, { asNobody: true }],
    [['expire', 'x', '--keep-last', '1'], "x is a blob and no commit; 'nomsy commit NAME x"],
  ]
  test.each(cases)('%j', async (args, words, options) => {
    expectFailure(await at.nomsy(args, options), 1, new RegExp(words))
  })

  test('nothing was stored, removed or left behind by any of them', async () => {
    expect(await at.ok('heads')).toMatch(/^\S+ +10 B +blob +x\n$/)
    expect(readdirSync(at.path('foreign'))).toEqual(['letter.txt'])
    expect(readdirSync(at.path('dir'))).toEqual(['x'])
    expect(readdirSync(at.path()).sort()).toEqual(['dir', 'file', 'foreign', 'secret', 'store'])
    expect((await at.nomsy(['check', '--data'])).code).toBe(0)
  })
})

test('the beginning of two refs is ambiguous, and what it could be is shown', async () => {
  const place = new Workplace()
  const refs = [await place.put('57367'), await place.put('63245')].sort()
  const prefix = refs[0]!.slice(0, 6)
  expect(refs[1]).toMatch(new RegExp(`^${prefix}`))
  const words = `${prefix}: ambiguous: ${refs.join(', ')}; write more characters`
  expectFailure(await place.nomsy(['cat', prefix]), 1, words)
  expectFailure(await place.nomsy(['rm', prefix]), 1, `${prefix}: ambiguous among the pins`)
  expect(await place.ok('cat', refs[0]!.slice(0, 8))).toMatch(/^(57367|63245)$/)
  expectFailure(await place.nomsy(['cat', prefix.slice(0, 5)]), 1, 'no ref or first 6 characters of one')
})

test('a store that can only be read serves those who only read', async () => {
  const runs = [
    await at.nomsy(['cat', 'x'], { asNobody: true }),
    await at.nomsy(['stat', 'x'], { asNobody: true }),
    await at.nomsy(['heads'], { asNobody: true }),
    await at.nomsy(['check', '--data'], { asNobody: true }),
  ]
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  expect(runs[0]!.out).toBe('some bytes')
})

test('a store that somebody else has open is read and written all the same', async () => {
  const holder = at.start(['put', '-'])
  // It has taken this much only once it has opened the store.
  await new Promise((resolve) => holder.stdin.write(noise('held', 4_000_000), resolve))
  expect((await at.nomsy(['heads'])).code).toBe(0)
  const more = await at.nomsy(['put', '--name', 'more', '-'], { input: 'more' })
  expect([more.code, more.err]).toEqual([0, ''])
  const ended = new Promise((resolve) => holder.on('close', resolve))
  holder.stdin.end('held')
  await ended
  expect(await at.ok('heads')).toContain('pinned')
  expect(await at.ok('cat', 'more')).toBe('more')
})

test('a file that grows while it is put is refused, and nothing refers to it', async () => {
  const place = new Workplace()
  await place.ok('init', place.store)
  spawnSync('truncate', ['-s', '100M', place.path('growing')])
  const putting = place.nomsy(['put', '--name', 'growing', 'growing'])
  const growing = setInterval(() => writeFileSync(place.path('growing'), 'x', { flag: 'a' }), 50)
  const outcome = await putting
  clearInterval(growing)
  expectFailure(outcome, 1, /growing: changed while it was read, .*run it again when it rests/)
  expect(await place.ok('heads')).toBe('')
})

test('a full disk is told in one line, and what was there before stays', async (context) => {
  const place = new Workplace()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', place.directory])
  if (mounted.status !== 0) return context.skip('needs to mount a file system')
  try {
    const before = noise('before', 100_000)
    writeFileSync(place.path('old'), 'old')
    await place.put(before, '--name', 'before')
    expectFailure(
      await place.nomsy(['put', '-'], { input: noise('much', 8_000_000) }),
      1,
      /ENOSPC|no space left/,
    )
    expect((await place.nomsy(['cat', 'before'])).bytes.equals(before)).toBe(true)
    const small = { env: { NOMSY_STORE: at.store } }
    const ref = (await at.nomsy(['put', '-'], { input: noise('large', 8_000_000) })).out.slice(0, 32)
    const got = await place.nomsy(['get', ref, 'old'], small)
    expectFailure(got, 1, 'old: no space left on device; make room and run it again')
    expect(readFileSync(place.path('old'), 'utf8')).toBe('old')
    expect(readdirSync(place.directory).sort()).toEqual(['old', 'store'])
  } finally {
    spawnSync('umount', [place.directory])
  }
})

test('NOMSY_DEBUG=1 shows where it went wrong', async () => {
  const { err } = await at.nomsy(['cat', 'nobody'], { env: { NOMSY_DEBUG: '1' } })
  expect(err).toMatch(/^nomsy: nobody: .*\n(.*\n)? +at /)
})

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
