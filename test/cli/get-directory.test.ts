/** nomsy get of directories, and archives in and out, as a user does it. */

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import { Workplace } from './program.js'

async function withTree(): Promise<Workplace> {
  const place = new Workplace()
  mkdirSync(place.path('tree', 'sub'), { recursive: true })
  writeFileSync(place.path('tree', 'sub', 'file'), 'content')
  linkSync(place.path('tree', 'sub', 'file'), place.path('tree', 'sub', 'other'))
  chmodSync(place.path('tree', 'sub', 'file'), 0o640)
  expect((await place.nomsy(['put', '--name', 'tree', 'tree'])).code).toBe(0)
  return place
}

test('a directory, a part of one, and a file', async () => {
  const place = await withTree()
  expect(await place.nomsy(['get', 'tree', 'out'])).toMatchObject({ code: 0, out: '', err: '' })
  expect(statSync(place.path('out', 'sub', 'file')).mode & 0o777).toBe(0o640)
  expect(await place.nomsy(['get', 'tree', 'out'])).toMatchObject({ code: 1 })
  appendFileSync(place.path('out', 'sub', 'file'), 'x')
  writeFileSync(place.path('out', 'stranger'), '')
  const { out } = await place.nomsy(['get', 'tree', 'out', '--into', '--delete', '--json'])
  expect(JSON.parse(out)).toMatchObject({ name: 'out', entries: 3, problems: 0 })
  expect(existsSync(place.path('out', 'stranger'))).toBe(false)
  expect((await place.nomsy(['get', 'tree:sub', 'part', '--seed', 'out/sub'])).code).toBe(0)
  expect(statSync(place.path('part', 'other')).ino).toBe(statSync(place.path('part', 'file')).ino)
  expect((await place.nomsy(['get', 'tree:sub/file', 'one'])).code).toBe(0)
  expect(readFileSync(place.path('one'), 'utf8')).toBe('content')
  expect((await place.nomsy(['check'])).code).toBe(0)
})

test('what has a name is written under it into a directory', async () => {
  const place = await withTree()
  const euros = '\u20ac'.repeat(80)
  expect(await place.nomsy(['get', 'tree:sub', '.'])).toMatchObject({ code: 0, err: '' })
  expect(readFileSync(place.path('sub', 'file'), 'utf8')).toBe('content')
  expect(await place.nomsy(['get', 'tree', 'sub/'])).toMatchObject({ code: 0, err: '' })
  expect(readFileSync(place.path('sub', 'tree', 'sub', 'file'), 'utf8')).toBe('content')
  expect(await place.nomsy(['get', 'tree~0:sub/file', '.'])).toMatchObject({ code: 0, err: '' })
  expect(readFileSync(place.path('file'), 'utf8')).toBe('content')
  // Also where it is as long as a name may be, and not ASCII.
  expect(await place.nomsy(['get', 'tree:sub', euros])).toMatchObject({ code: 0, err: '' })
  expect(await place.nomsy(['get', 'tree:sub/file', `${euros}.file`])).toMatchObject({ code: 0, err: '' })
  const left = ['.one.0123456789ab.part', '.one.ba9876543210.part', '.one.txt.0123.part']
  for (const name of left) writeFileSync(place.path(name), '')
  for (const name of [left[0]!, left[2]!]) utimesSync(place.path(name), 1, 1)
  expect(await place.nomsy(['get', 'tree:sub/file', 'one'])).toMatchObject({ code: 0, err: '' })
  expect(left.map((name) => existsSync(place.path(name)))).toEqual([false, true, true])
  const nowhere = await place.nomsy(['get', 'tree', '/proc/new'])
  expect(nowhere.err).toMatch(/^nomsy: \/proc\/new: no directory can be made there: /)
})

test('archives', async () => {
  const place = await withTree()
  const { bytes } = await place.nomsy(['get', 'tree', '--tar', '-'])
  const listed = execFileSync('tar', ['t'], { input: bytes, encoding: 'utf8' })
  expect(listed).toBe('./\nsub/\nsub/file\nsub/other\n')
  expect((await place.nomsy(['get', 'tree', '--tar', 'a.tar'])).code).toBe(0)
  expect(bytes.equals(readFileSync(place.path('a.tar')))).toBe(true)
  const put = await place.nomsy(['put', '--tar', '-'], { input: bytes })
  const { out } = await place.nomsy(['put', 'tree'])
  expect(put.out.split(' ')[0]).toBe(out.split(' ')[0])
  expect((await place.nomsy(['put', '--tar', 'tree/sub/file'])).err).toBe(
    'nomsy: tree/sub/file: is no tar archive\n',
  )
  const none = await place.nomsy(['put', '--tar', '--name', 'none', '-'], { input: '' })
  expect([none.code, none.err]).toEqual([
    1,
    'nomsy: standard input: there is no archive: not a single byte\n',
  ])
  expect((await place.nomsy(['heads'])).out).not.toContain('none')
  const cut = await place.nomsy(['put', '--tar', '-'], { input: bytes.subarray(0, -1024) })
  expect(cut).toMatchObject({ code: 1, err: expect.stringContaining('it may be cut off') })
  expect(cut.out).toMatch(/^\w{32} {2}-\n$/)
  expect((await place.nomsy(['check'])).code).toBe(0)
})

test.each([
  [['get', 'tree'], /name one place/],
  [['get', 'tree', 'out', '--tar', 'x'], /name one place/],
  [['get', 'tree', 'out', '--delete'], /--delete is for --into/],
  [['get', 'tree', '-'], /--tar -/],
  [['put', '--tar', 'tree'], /for archives/],
  [['put', '--tar', '--one-file-system', 'tree/sub/file'], /of archives all is stored/],
  [['put', '--no-state', 'tree/sub/file'], /for directories/],
  [['get', 'tree', '--tar', 'x', '--seed', 'tree'], /--seed is for directories on the disk/],
  [['get', 'tree:sub/file', 'x', '--into'], /--into is for directories, and tree:sub\/file is a blob/],
])('refused: %j', async (words, message) => {
  const place = await withTree()
  const { code, err } = await place.nomsy(words)
  expect(code).toBe(2)
  expect(err).toMatch(message)
})
