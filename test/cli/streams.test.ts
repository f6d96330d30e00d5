import { execFileSync, spawnSync } from 'node:child_process'
import { openSync, readdirSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, MAIN, noise, outcomeOf, type Running, Workplace } from './program.js'

const at = new Workplace()
const data = noise('stream', 3_000_000)
let ref = ''

beforeAll(async () => {
  ref = await at.put(data)
})

/** Runs a shell command in which $NOMSY is the program. */
function shell(command: string): { status: number | null; out: string; err: string } {
  const { PATH } = process.env
  const env = {
    PATH,
    NOMSY_STORE: at.store,
    NOMSY: `${process.execPath} ${MAIN}`,
    REF: ref,
  }
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', command], { env, cwd: at.directory })
  return { status, out: stdout.toString(), err: stderr.toString() }
}

describe('a reader that stops early ends the program quietly', () => {
  test.each([
    '$NOMSY cat $REF | head -c 10 > /dev/null',
    '$NOMSY cat $REF $REF $REF | true',
    '$NOMSY get $REF - | head -c 1 > /dev/null',
    '$NOMSY show $REF --chunks --json | true',
    '$NOMSY --help | true',
  ])('%s', (command) => {
    expect(shell(`${command}; exit $PIPESTATUS`)).toEqual({ status: 0, out: '', err: '' })
  })

  test('but put stores all the same', async () => {
    const files = ['one', 'two', 'three']
    for (const name of files) writeFileSync(at.path(name), name)
    expect(shell(`$NOMSY put ${files.join(' ')} | true; exit $PIPESTATUS`).status).toBe(0)
    const refs = jsonLines(await at.ok('hash', '--json', ...files)).map((line) => line.ref)
    const pinned = jsonLines(await at.ok('heads', '--json')).map((line) => line.ref)
    expect(pinned).toEqual(expect.arrayContaining(refs))
  })
})

test.each(['cat $REF', 'heads', '--help'])('%s to a full device fails with one line', (command) => {
  expect(shell(`$NOMSY ${command} > /dev/full`)).toEqual({
    status: 1,
    out: '',
    err: 'nomsy: standard output: no space left on device; make room and run it again\n',
  })
})

test('input comes at its own pace, in odd pieces', async () => {
  const child = at.start(['hash', '-'])
  const done = outcomeOf(child)
  for (let start = 0, size = 1; start < data.length; start += size, size = size * 3 + 1) {
    child.stdin.write(data.subarray(start, start + size))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  child.stdin.end()
  expect((await done).out).toBe(`${ref}  -\n`)
})

test('standard input is read from where it stands', () => {
  writeFileSync(at.path('lines'), 'first\nsecond\n')
  const { out } = shell('(head -n 1 > /dev/null; $NOMSY hash -) < lines; tail -n +2 lines | $NOMSY hash -')
  const [rest, piped] = out.split('\n')
  expect(rest).toBe(piped)
})

test('standard input is read by its path too', () => {
  writeFileSync(at.path('data'), data)
  expect(shell('cat data | $NOMSY hash /dev/stdin; $NOMSY hash /dev/stdin < data').out).toBe(
    `${ref}  /dev/stdin\n${ref}  /dev/stdin\n`,
  )
})

test('a terminal gets colours unless it does not want them, and anything else gets none', () => {
  const onTerminal = (setting: string): string =>
    shell(`${setting} TERM=xterm script -qec "$NOMSY cat nobody" /dev/null < /dev/null`).out
  expect(onTerminal('')).toContain('\u001b[31mnomsy:\u001b[39m nobody')
  expect(onTerminal('NO_COLOR=1')).toMatch(/^nomsy: nobody/)
  expect(shell('$NOMSY cat nobody').err).not.toContain('\u001b')
})

test('long work shows its progress on a terminal, and only there', () => {
  spawnSync('truncate', ['-s', '300M', at.path('large')])
  const shown = shell('TERM=xterm script -qec "$NOMSY hash large" /dev/null < /dev/null').out
  expect(shown).toMatch(/large \[=*-*\] \d+% of 315 MB, [\d.]+ MB\/s, \d+ s left/)
})

test('work of unknown size shows how much is done and how fast, unless nobody wants to see it', () => {
  const slowly = (options: string): string => `(echo a; sleep 0.9; echo b) | $NOMSY hash ${options} -`
  const onTerminal = (options: string): string =>
    shell(`TERM=xterm script -qec "${slowly(options)}" /dev/null < /dev/null`).out
  expect(onTerminal('')).toMatch(/- 2 B, [\d.]+ B\/s/)
  expect(onTerminal('--quiet')).toMatch(/^[0-9a-v]{32} {2}-\r\n$/)
  expect(shell(slowly(''))).toMatchObject({ err: '', out: expect.stringMatching(/^[0-9a-v]{32} {2}-\n$/) })
})

describe('a signal', () => {
  /** Starts a put that never ends, and gives it once it has stored `bytes` and waits for more. */
  async function endlessPut(place: Workplace, bytes: number): Promise<Running> {
    const child = place.start(['put', '-', '--name', 'endless'])
    child.stdin.on('error', () => {})
    await new Promise((resolve) => child.stdin.write(noise('endless', bytes), resolve))
    return child
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s during a put leaves a whole store and exits with %i', async (signal, code) => {
    const place = new Workplace()
    await place.put('before', '--name', 'before')
    const child = await endlessPut(place, 20_000_000)
    const done = outcomeOf(child)
    child.kill(signal)
    expect(await done).toMatchObject({
      code,
      out: '',
      err: `nomsy: ended by ${signal}; what was stored before stays whole\n`,
    })
    expect(await place.nomsy(['check', '--data'])).toMatchObject({ code: 0, out: '' })
    expect(await place.ok('heads')).toMatch(/^\S+ +6 B +blob +before\n$/)
  })

  test('ends a get that waits for a slow disk and removes its temporary file', async () => {
    const place = new Workplace()
    spawnSync('truncate', ['-s', '200M', place.path('large')])
    const large = (await place.ok('put', 'large')).slice(0, 32)
    const child = place.start(['get', large, 'copy'])
    const done = outcomeOf(child)
    while (!readdirSync(place.directory).some((name) => name.endsWith('.part'))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
    expect(readdirSync(place.directory).sort()).toEqual(['large', 'store'])
  })

  test('ends a put that waits for a named pipe', async () => {
    execFileSync('mkfifo', [at.path('pipe')])
    const child = at.start(['hash', 'pipe'])
    const done = outcomeOf(child)
    await new Promise((resolve) => setTimeout(resolve, 500))
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
  })

  test('ends a cat whose reader does not read', async () => {
    execFileSync('mkfifo', [at.path('unread')])
    // Open for both, so that the opening does not wait and nobody ever reads.
    const pipe = openSync(at.path('unread'), 'r+')
    const child = at.start(['cat', ref], { stdio: ['pipe', pipe, 'pipe'] })
    const done = outcomeOf(child)
    await new Promise((resolve) => setTimeout(resolve, 500))
    child.kill('SIGTERM')
    expect((await done).code).toBe(143)
  })
})
