import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Workplace } from './program.js'

const at = new Workplace()
mkdirSync(at.path('dir', 'sub'), { recursive: true })
writeFileSync(at.path('dir', 'file'), 'hello')
writeFileSync(at.path('dir', 'sub', 'large'), Buffer.alloc(3_000_000, 'large'))
// So many that workers take part.
for (let index = 0; index < 3000; index++)
  writeFileSync(at.path('dir', 'sub', `${index}`), `${index}`.repeat(1000))

test('a directory is put, put again, and hashed to the same ref; under a name it is committed', async () => {
  const line = await at.ok('put', 'dir', '--name', 'backup', '-m', 'first')
  expect(line).toMatch(/^[0-9a-v]{32} {2}dir\n$/)
  expect(await at.ok('put', '--name', 'backup', 'dir')).toBe(line)
  expect(await at.ok('put', '--no-state', 'dir')).toBe(line)
  expect(await at.ok('hash', 'dir')).toBe(line)
  expect(await at.ok('hash', `${at.path('dir')}/`)).toBe(line.replace(/ dir/, ` ${at.path('dir')}/`))
  symlinkSync('dir', at.path('link to dir'))
  expect(await at.ok('hash', 'link to dir')).toBe(line.replace(/ dir/, ' link to dir'))
  const log = await at.ok('log', 'backup')
  expect(log).toContain('first')
  expect(log).toContain('put dir')
  expect(await at.ok('cat', 'backup:file')).toBe('hello')
  const answer = JSON.parse(await at.ok('put', 'dir', '--json'))
  expect(answer).toMatchObject({ name: 'dir', files: 3002, directories: 2, newBytes: 0 })
  expect(await at.ok('check')).toBe('')
})

test('what is recorded, and what is left out, is as told', async () => {
  mkdirSync(at.path('other'))
  writeFileSync(at.path('other', 'a.o'), '')
  writeFileSync(at.path('other', 'b'), '')
  writeFileSync(at.path('patterns'), '# all of these\n*.o\n')
  symlinkSync('b', at.path('other', 'c'))
  const files = async (...options: string[]): Promise<number> =>
    JSON.parse(await at.ok('hash', '--json', 'other', ...options)).files
  expect(await files()).toBe(2)
  expect(await files('--exclude', 'b')).toBe(1)
  expect(await files('--exclude', 'b', '--exclude', '*.o')).toBe(0)
  expect(await files('--exclude-from', 'patterns', '--one-file-system')).toBe(1)
  const { code, err } = await at.nomsy(['hash', 'other', '--without', 'symlinks'])
  expect([code, err]).toEqual([0, 'other: 1 symlink or special file not recorded, as you asked\n'])
  const hash = (...options: string[]): Promise<string> => at.ok('hash', 'other', ...options)
  expect(await hash('--reproducible')).not.toBe(await hash())
  execFileSync('touch', ['-d', '2001-01-01', at.path('other', 'b'), at.path('other')])
  const before = await hash('--reproducible', '--with', 'mtime,owner', '--without', 'mtime')
  execFileSync('touch', [at.path('other', 'b')])
  expect(await hash('--reproducible', '--with', 'owner')).toBe(before)
  expect(await hash('--with', 'mtime', '--reproducible')).not.toBe(before)
})

test.each([
  [['put', 'dir', '--with', 'colour'], "'colour' is no kind of what is recorded; there are acls,"],
  [
    ['put', 'dir/file', '--exclude', 'x'],
    'only files are given, and --with, --exclude and the like are for directories',
  ],
  [['hash', 'dir/file', '--reproducible'], 'only files are given'],
  [['put', 'dir', 'dir', '--name', 'two'], '--name two names one thing, not 2'],
])('%j is refused', async (args, words) => {
  const { code, err } = await at.nomsy(args)
  expect(err).toContain(words)
  expect(code).toBe(2)
})

test('what cannot be read is said, and all else is stored', async () => {
  mkdirSync(at.path('partly', 'closed'), { recursive: true })
  writeFileSync(at.path('partly', 'open'), 'open')
  writeFileSync(at.path('partly', 'secret'), 'secret')
  chmodSync(at.path('partly', 'secret'), 0)
  chmodSync(at.path('partly', 'closed'), 0)
  const { code, err, out } = await at.nomsy(['hash', '--json', 'partly'], { asNobody: true })
  expect(err).toContain('partly/secret: EACCES: permission denied, openat')
  expect(err).toContain('partly/closed: EACCES: permission denied')
  expect(err).toContain('partly: 2 entries left out; all else is stored\n')
  expect(JSON.parse(out).files).toBe(1)
  expect(code).toBe(1)
  const refused = await at.nomsy(['hash', 'partly/closed'], { asNobody: true })
  expect(refused.err).toContain('partly/closed: the directory cannot be read: EACCES')
  expect([refused.code, refused.out]).toEqual([1, ''])
})

test('a file that never rests is stored as it was read last, and said to be', async () => {
  mkdirSync(at.path('busy'))
  writeFileSync(at.path('busy', 'calm'), 'calm')
  writeFileSync(at.path('busy', 'log'), 'line\n')
  // Each read of it writes to it.
  const preload = new URL('./grown-by-reading.mjs', import.meta.url)
  const env = { NODE_OPTIONS: `--import ${preload}`, GROWN_BY_READING: at.path('busy', 'log') }
  const { code, err, out } = await at.nomsy(['put', 'busy', '--json'], { env })
  expect(err).toContain('busy/log: it changed while it was read; it is stored as it was read last\n')
  expect(err).toContain('busy: 1 file changed while read; all else is stored\n')
  expect(code).toBe(1)
  expect(JSON.parse(out).files).toBe(2)
  // Four times it was read, and grew after each.
  expect(await at.ok('cat', `${JSON.parse(out).ref}:log`)).toBe('line\n'.repeat(4))
  expect(readFileSync(at.path('busy', 'log'), 'utf8')).toBe('line\n'.repeat(5))
  expect(await at.ok('check')).toBe('')
})
