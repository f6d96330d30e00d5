/** What show, cat, list, stat, merge and check make of directories. */

import { beforeAll, expect, test } from 'vitest'
import { open } from '../../src/database/open.js'
import { Workplace } from './program.js'

const at = new Workplace()
let ref = ''

beforeAll(async () => {
  await using db = await open(at.store)
  const blob = await db.putBlob(Buffer.from('root:x:0:0\n'))
  const xattrs = { 'user.x': Uint8Array.of(1) }
  const tree = await (await db.tree())
    .edit()
    .set('etc/passwd', {
      type: 'file',
      content: blob.ref,
      size: 11,
      mode: 0o4644,
      user: 'root',
      gid: 7,
      xattrs,
    })
    .set('etc/run', { type: 'file', content: blob.ref, size: 11, executable: true })
    .set('latest', { type: 'symlink', target: 'etc/\npasswd', mtime: 1_700_000_000_000_000_000n })
    .set('null', { type: 'char', device: [1, 3], mode: 0o1666 })
    .set([Uint8Array.of(0xff)], { type: 'fifo' })
    .done()
  ref = tree.ref.toString()
  await db.commit('backup', tree, { message: 'monday' })
  await db.branch('draft', 'backup')
  await db.commit(
    'backup',
    await tree.edit().set('ours', { type: 'fifo' }).set('etc/run', { type: 'fifo' }).done(),
  )
  await db.commit(
    'draft',
    await tree.edit().set('theirs', { type: 'fifo' }).set('etc/run', { type: 'socket' }).done(),
  )
})

test('show lists the entries as ls -l does, and says how many more there are', async () => {
  expect(await at.ok('show', ref)).toBe(
    [
      `dir  ${ref}  4 entries`,
      'd?????????  -  -     -  -                 etc/',
      'l?????????  -  -     -  2023-11-14 22:13  latest -> etc/\\npasswd',
      'crw-rw-rwT  -  -  1, 3  -                 null',
      'p?????????  -  -     -  -                 \ufffd',
      '',
    ].join('\n'),
  )
  const etc = (await at.ok('show', 'backup~1:etc', '--limit', '1')).split('\n')
  expect(etc.slice(1)).toEqual(['-rwSr--r--  root  7  11  -  passwd', '  ... 1 more; --limit shows more', ''])
  expect(JSON.parse(await at.ok('show', ref, '--json', '--limit', '2'))).toMatchObject({
    ref,
    kind: 'dir',
    count: 4,
    entries: [
      { name: 'etc', type: 'dir' },
      { name: 'latest', type: 'symlink', mtime: { $bigint: '1700000000000000000' } },
    ],
  })
  expect(await at.ok('show', ref, '--tree')).toMatch(/items\n$/)
})

test('list and stat say how many entries there are', async () => {
  expect(await at.ok('list', 'draft')).toMatch(/^\w{32} {4}5 entries {2}commit {3}draft\n$/)
  expect(await at.ok('stat', ref)).toMatch(/^kind {4}dir\nref {5}\w{32}\nsize {4}4 entries\nchunks {2}1, /)
})

test('a path leads through directories to what is in them', async () => {
  const failure = async (...args: string[]): Promise<string> => (await at.nomsy(args)).err
  expect(await at.ok('cat', 'backup:etc/passwd')).toBe('root:x:0:0\n')
  expect(await at.ok('show', 'backup~1:latest/target')).toBe('"etc/\\npasswd"\n')
  expect(await at.ok('show', 'backup:[{"$bytes":"/w=="}]/type')).toBe('"fifo"\n')
  expect(await failure('cat', 'backup:etc/shadow')).toContain('there is nothing at shadow in backup:etc')
  expect(await failure('cat', 'backup:../x')).toContain('there is nothing at ..')
  expect(await failure('cat', 'backup:etc')).toContain('is a dir, not a blob')
})

test('merge says at which paths there are conflicts, and merges the rest', async () => {
  const refused = await at.nomsy(['merge', 'backup', 'draft', '--json'])
  expect(refused.code).toBe(1)
  expect(
    refused.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { path: 'etc/run', base: { type: 'file' }, ours: { type: 'fifo' }, theirs: { type: 'socket' } },
  ])
  expect((await at.nomsy(['merge', 'backup', 'draft'])).out).toMatch(/^conflict: etc\/run\n/)
  await at.ok('merge', 'backup', 'draft', '--resolve', 'theirs')
  expect(await at.ok('show', 'backup:etc/run/type')).toBe('"socket"\n')
  expect(await at.ok('show', 'backup')).toMatch(/ours\n.*theirs\n/)
})

test('check finds nothing wrong', async () => {
  expect(await at.ok('check')).toBe('')
  expect(await at.ok('check', 'backup:etc')).toBe('')
})
