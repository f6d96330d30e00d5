/** What ls, stat, du and diff say of directories, stored ones and those on disk. */

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { joinLine, shownName } from '../../src/cli/show/name-line.js'
import { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import { walk } from '../../src/sequence/walk.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { Workplace } from './program.js'

const at = new Workplace()
const isRoot = process.getuid?.() === 0
const ODD = Buffer.from([0x6f, 0xff, 0x0a, 0x5c, 0x20, 0x5b])

const run = (command: string, args: readonly string[], input?: Uint8Array): Buffer =>
  execFileSync(command, args, { cwd: at.directory, input, stdio: ['pipe', 'pipe', 'pipe'] })

const oddPath = (top: string): Buffer => Buffer.concat([Buffer.from(at.path(top, '/')), ODD])

beforeAll(async () => {
  mkdirSync(at.path('dir', 'sub', 'deep'), { recursive: true })
  writeFileSync(at.path('dir', 'text'), 'one\ntwo\nthree\n')
  writeFileSync(at.path('dir', 'sub', 'large'), Buffer.alloc(300_000, 'large'))
  writeFileSync(at.path('dir', 'sub', 'deep', 'z#=*?[ é'), 'z')
  writeFileSync(oddPath('dir'), 'odd')
  linkSync(at.path('dir', 'text'), at.path('dir', 'sub', 'hard'))
  symlinkSync('sub/deep\nand on', at.path('dir', 'link'))
  run('mkfifo', ['dir/pipe'])
  if (isRoot) run('mknod', ['dir/null', 'c', '1', '3'])
  run('touch', ['-h', '-d', '2001-02-03T04:05:06.789012345Z', 'dir/link'])
  run('touch', ['-d', '1960-01-01T00:00:00.25Z', 'dir/sub/large'])
  run('chmod', ['4751', 'dir/sub/large'])
  await at.ok('put', 'dir', '--name', 'backup')
})

/** What `find` says is in the directory, as `ls -R` is to say it, by bytes. */
function foundNames(top: string, ...options: string[]): string[] {
  const paths = run('find', [top, '-mindepth', '1', ...options, '-printf', '%P%y\\0']).toString('latin1')
  return paths
    .split('\0')
    .slice(0, -1)
    .map((path) => path.slice(0, -1) + (path.endsWith('d') ? '/' : ''))
    .sort()
}

test('ls gives the names as they are, those of directories with a slash', async () => {
  const list = async (...args: string[]): Promise<string> =>
    (await at.nomsy(['ls', ...args])).bytes.toString('latin1')
  expect(await list('backup')).toBe(
    `${['link', ...(isRoot ? ['null'] : []), 'pipe', 'sub/', 'text'].join('\n')}\n${ODD.toString('latin1')}\n`,
  )
  // A name with a line end in it is on two lines.
  const lines = (text: string): string[] => text.split('\n').sort()
  expect(lines(await list('-R', 'backup'))).toEqual(lines(`${foundNames('dir').join('\n')}\n`))
  expect(lines(await list('-R', 'backup:sub'))).toEqual(lines(`${foundNames('dir/sub').join('\n')}\n`))
  expect(await list('backup:sub/large')).toBe('large\n')
  expect(await list('backup:link')).toBe('link\n')
})

test('ls -l and --json say what is recorded', async () => {
  const [large] = (await at.ok('ls', '-l', 'backup:sub/large')).split('\n')
  expect(large).toMatch(/^-rwsr-x--x {2}\S+ {2}\S+ {2}300000 {2}1960-01-01 00:00 {2}large$/)
  const long = (await at.ok('ls', '-lR', 'backup')).split('\n')
  expect(long.find((line) => line.includes('link'))).toMatch(/^l.* {2}2001-02-03 04:05 {2}link -> sub\/deep$/)
  const rows = (await at.ok('ls', '-R', '--json', 'backup'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(rows).toHaveLength(foundNames('dir').length)
  expect(rows.find(({ path }) => path === 'sub/hard')).toMatchObject({ type: 'file', size: 14 })
  expect(rows.find(({ path }) => path.$bytes === ODD.toString('base64'))).toMatchObject({
    type: 'file',
    size: 3,
  })
})

test('on a terminal there are no control characters in names', () => {
  expect(shownName('a\n\u001b[31m', true)).toBe('a\\n\\u001b[31m')
  expect(shownName(Uint8Array.of(0xff, 0x0a), true)).toBe('\ufffd\\n')
  expect(shownName('a\n', false)).toBe('a\n')
  expect(joinLine('a', Uint8Array.of(0xff), 'b')).toEqual(Buffer.from([0x61, 0xff, 0x62]))
})

test('bsdtar reads what ls --mtree writes as it reads its own', async () => {
  const own = run('bsdtar', ['--format=mtree', '--options=mtree:sha256', '-C', 'dir', '-cf', '-', '.'])
  // Modes of symlinks and counts of names are not recorded.
  const list = (mtree: Uint8Array): string[] =>
    run('bsdtar', ['-tvf', '-'], mtree)
      .toString('latin1')
      .replace(/^(?:(l)[-rwx]{9}|(\S+)) +\d+/gm, '$1$2')
      .split('\n')
      .sort()
  const { bytes } = await at.nomsy(['ls', '--mtree', 'backup'])
  expect(list(bytes)).toEqual(list(own))
  expect(bytes.toString()).toContain('./link type=link uid=')
  expect(bytes.toString()).toContain(' time=981173106.789012345 link=sub/deep\\012and\\040on\n')
  const digests = (text: string): string[] => (text.match(/sha256digest=\w{64}/g) ?? []).sort()
  expect(digests(await at.ok('ls', '--mtree', '--digest', 'backup'))).toEqual(digests(own.toString()))
  expect(digests(own.toString()).length).toBeGreaterThan(3)
})

test.each([
  [['ls', 'backup', '--digest'], '--digest is for --mtree', 2],
  [['ls', '--mtree', '--json', 'backup'], '--mtree is a form of its own', 2],
  [['ls', 'backup:link/target'], 'is a value, and no directory', 1],
  [['ls', 'backup:link/no'], 'there is nothing at no', 1],
  [['du', '-d', '2', 'backup'], '2 levels are too many', 2],
  [['diff', 'backup', './dir/text'], './dir/text is no directory', 1],
  [['diff', 'backup', 'nowhere'], 'nowhere', 1],
  [
    ['diff', 'backup', 'backup', '--exclude', 'x'],
    '--exclude and --one-file-system are for directories on disk',
    2,
  ],
])('%j is refused', async (args, words, status) => {
  const { code, err } = await at.nomsy(args)
  expect(err).toContain(words)
  expect(code).toBe(status)
})

test('stat says all that is recorded of an entry, and of a directory', async () => {
  const link = await at.ok('stat', 'backup:link')
  expect(link).toMatch(/^type {4}symlink\n/)
  expect(link).toContain('mtime   2001-02-03 04:05:06.789012345\ntarget  sub/deep\\nand on\n')
  const large = await at.ok('stat', 'backup:sub/large')
  expect(large).toContain('size    300000 bytes (300 kB)\n')
  expect(large).toContain('type    file\nmode    4751 rwsr-x--x\n')
  expect(large).toContain('mtime   1960-01-01 00:00:00.250000000\n')
  expect(await at.ok('stat', 'backup:sub/hard')).toContain('\nlink    text, its first name\n')
  expect(await at.ok('stat', 'backup')).toContain('\nwith    acls, capabilities, holes, links, mode,')
  expect(JSON.parse(await at.ok('stat', '--json', 'backup'))).toMatchObject({
    kind: 'dir',
    top: { mode: 0o755 },
  })
  expect(JSON.parse(await at.ok('stat', '--json', 'backup:link'))).toMatchObject({
    kind: 'symlink',
    entry: { target: 'sub/deep\nand on' },
  })
})

test('a backup is verified by comparing it with the disk, and nothing is stored for that', async () => {
  const same = await at.nomsy(['diff', 'backup', 'dir', '--exit-code'])
  expect([same.code, same.out, same.err]).toEqual([0, '', ''])
  expect(await at.ok('diff', 'backup:sub', 'dir/sub')).toBe('')
  await at.ok('get', 'backup', 'restored')
  expect(await at.ok('diff', at.path('restored'), 'backup')).toBe('')
  expect(await at.ok('diff', './restored', './dir')).toBe('')
  const ref = (await at.ok('put', '--reproducible', 'dir')).slice(0, 32)
  run('touch', ['restored/text'])
  run('chmod', ['600', 'restored/text'])
  expect(await at.ok('diff', ref, './restored')).toBe('')
})

test('diff says what became of each path, and -p what of its lines', async () => {
  run('cp', ['-a', 'dir', 'new'])
  const top = at.path('new')
  writeFileSync(`${top}/text`, 'one\n2\nthree\nfour')
  appendFileSync(oddPath('new'), Uint8Array.of(0))
  renameSync(`${top}/sub/deep`, `${top}/moved`)
  rmSync(`${top}/pipe`)
  mkdirSync(`${top}/pipe`)
  writeFileSync(`${top}/pipe/empty`, '')
  rmSync(`${top}/link`)
  symlinkSync('elsewhere', `${top}/link`)
  run('chmod', ['700', 'new/sub/large'])
  writeFileSync(`${top}/sub/fresh`, 'fresh\n')
  if (isRoot) rmSync(`${top}/null`)
  run('touch', ['-r', 'dir', 'new'])
  const { bytes } = await at.nomsy(['diff', 'backup', 'new'])
  const expected = [
    'M\tlink',
    ...(isRoot ? ['D\tnull'] : []),
    'T\tpipe/',
    'A\tpipe/empty',
    'R\tsub/deep/ -> moved/',
    'm\tsub/\tmtime',
    'A\tsub/fresh',
    'M\tsub/hard',
    'm\tsub/large\tmode',
    'M\ttext',
    `M\t${ODD.toString('latin1')}`,
  ]
  expect(bytes.toString('latin1').trimEnd().split('\n').sort()).toEqual(
    expected.join('\n').split('\n').sort(),
  )
  const { code, out } = await at.nomsy(['diff', 'backup', 'new', '--stat', '--exit-code'])
  expect(out).toMatch(
    /^2 added, (1 deleted, )?4 modified, 1 renamed, 1 of another type, 2 with other metadata: 31 B became \d+ B\n$/,
  )
  expect(code).toBe(1)
  const changes = (await at.ok('diff', 'backup', './new', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(changes.find(({ status }) => status === 'R')).toMatchObject({ path: 'moved', from: 'sub/deep' })
  expect(changes.find(({ path }) => path === 'sub/large')).toMatchObject({
    status: 'm',
    fields: ['mode'],
    before: { mode: 0o4751 },
    after: { mode: 0o700 },
  })
  const patch = await at.ok('diff', '-p', 'backup', 'new')
  expect(patch).toContain('-two\n+2\n three\n+four\n\\ No newline at end of file\n')
  expect(patch).not.toContain('large\n---')
  run('cp', ['-a', 'dir', 'patched'])
  run('patch', ['-p1', '-d', 'patched', '--no-backup-if-mismatch'], Buffer.from(patch))
  expect(run('cat', ['patched/text', 'patched/sub/fresh']).toString()).toBe('one\n2\nthree\nfourfresh\n')
  expect(await at.ok('diff', 'backup', 'new', '--exclude', '*')).not.toContain('fresh')
  const stored = (await at.ok('put', 'new')).slice(0, 32)
  expect(await at.ok('diff', 'backup', stored)).toBe(bytes.toString())
})

test('du tells unique bytes from shared ones', async () => {
  const du = async (
    ...args: string[]
  ): Promise<{ object: string; size: number; unique: number; shared: number; common: number }[]> =>
    (await at.ok('du', '--json', ...args))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  run('cp', ['-a', 'dir', 'grown'])
  await at.ok('put', 'grown', '--name', 'pair')
  writeFileSync(at.path('grown', 'more'), 'more')
  await at.ok('put', 'grown', '--name', 'pair')
  const [now, before, both] = await du('pair', 'pair~1')
  expect([now!.size, before!.size]).toEqual([300_022, 300_018])
  expect(both!.common).toBeGreaterThan(0)
  expect(both!.common).toBeLessThanOrEqual(Math.min(now!.shared, before!.shared))
  expect(now!.unique).toBeGreaterThan(20)
  const entries = await du('-d', '1', 'pair')
  expect(entries.map(({ object }) => object)).toContain('pair:sub')
  expect(await at.ok('du', 'backup')).toMatch(
    /^ {2,}300 kB {2,}\S+ k?B unique {2,}\S+ k?B shared {2}backup\n$/,
  )
})

test('ls lists what is left where a directory is missing', async () => {
  const place = new Workplace()
  {
    await using db = await open(place.store)
    const whole = new Database(new MemoryStore())
    const edit = (await whole.tree()).edit().set('a/gone', { type: 'fifo' }).set('b/left', { type: 'fifo' })
    const tree = await edit.set('c', { type: 'fifo' }).done()
    const { ref } = tree
    const lost = (await tree.directory('a')).ref
    for await (const chunk of walk(whole.store, ref)) if (!chunk.ref.equals(lost)) await db.store.put([chunk])
    await db.setHead('holed', ref)
  }
  const { code, out, err } = await place.nomsy(['ls', '-R', 'holed'])
  expect([code, out]).toEqual([1, 'c\na/\nb/\nb/left\n'])
  expect(err).toMatch(/^a: .*; what is in it is not listed\n$/)
})

test('nothing is left behind, and nothing is wrong', async () => {
  expect(await at.ok('check')).toBe('')
  expect(existsSync(at.path('home'))).toBe(false)
})
