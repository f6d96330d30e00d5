/** Directories that have the right hash and lie: each is met with a typed error, and found by a check. */

import { describe, expect, test } from 'vitest'
import { Database } from '../../src/database/database.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import type { Directory } from '../../src/tree/directory.js'
import { collect } from '../collection/contexts.js'
import { treeContext } from './model.js'

const context = treeContext()
const db = new Database(context.store)

function put(value: Value): Ref {
  const chunk = chunkOf(encode(value))
  void context.store.put([chunk])
  return chunk.ref
}

const dir = (...items: Value[]): Ref => put(['dir', 0, items])
const blob = put(new Uint8Array(3))
const list = put(['list', 0, [0, 3]])
const empty = dir()
const top = { type: 'dir', with: ['mode'], mode: 0o755 }
const file = { type: 'file', content: blob, size: 3 }

async function readAll(ref: Ref): Promise<void> {
  const directory: Directory = await db.tree(ref)
  const walked = await collect(directory.walk())
  for (const { path, entry } of walked) if (entry.type === 'file') await directory.blob(path)
}

const bad = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes)

const names: [string, Value][] = [
  ['an integer', 1],
  ['false', false],
  ['no characters', ''],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a slash', 'a/b'],
  ['a NUL', 'a\0'],
  ['256 bytes', 'a'.repeat(256)],
  ['no bytes', bad()],
  ['bytes that are UTF-8', bad(0x61)],
  ['bytes with a slash', bad(0xff, 0x2f)],
  ['bytes with a NUL', bad(0xff, 0)],
  ['256 bytes that are no UTF-8', new Uint8Array(256).fill(0xff)],
  ['a ref', blob],
  ['an array', ['a']],
]

const entries: [string, Value][] = [
  ['no record', 1],
  ['without a type', { content: blob, size: 3 }],
  ['of an unknown type', { type: 'door' }],
  ['a file without content', { type: 'file', size: 3 }],
  ['a file without a size', { type: 'file', content: blob }],
  ['a file with two contents', { type: 'file', content: RefList.of([blob, blob]), size: 3 }],
  ['a size below 0', { ...file, size: -1 }],
  ['a size that is no integer', { ...file, size: 1.5 }],
  ['a size above 2^53-1', { ...file, size: 2n ** 53n }],
  ['a directory without content', { type: 'dir' }],
  ['a directory with a size', { type: 'dir', content: empty, size: 0 }],
  ['a directory with a link', { type: 'dir', content: empty, link: 'a' }],
  ['a mode above 07777', { ...file, mode: 0o10000 }],
  ['the mode of a symlink', { type: 'symlink', target: 'a', mode: 0o777 }],
  ['executable: false', { ...file, executable: false }],
  ['executable beside a mode', { ...file, executable: true, mode: 0o755 }],
  ['an executable directory', { type: 'dir', content: empty, executable: true }],
  ['a uid of 2^32', { ...file, uid: 2 ** 32 }],
  ['an empty user', { ...file, user: '' }],
  ['a group that is no text', { ...file, group: 0 }],
  ['a float as time', { ...file, mtime: 0.5 }],
  ['a time that is a float', { ...file, mtime: 2 ** 70 }],
  ['empty xattrs', { ...file, xattrs: {} }],
  ['xattrs that are text', { ...file, xattrs: { 'user.a': 'b' } }],
  ['an xattr without a name', { ...file, xattrs: { '': bad() } }],
  ['a symlink without a target', { type: 'symlink' }],
  ['an empty target', { type: 'symlink', target: '' }],
  ['a target with a NUL', { type: 'symlink', target: 'a\0b' }],
  ['a target of bytes that are UTF-8', { type: 'symlink', target: bad(0x61) }],
  ['a target of 4,096 bytes', { type: 'symlink', target: 'a'.repeat(4096) }],
  ['a fifo with content', { type: 'fifo', content: blob }],
  ['a device without a device', { type: 'char' }],
  ['a device of one number', { type: 'block', device: [1] }],
  ['a device of too large a number', { type: 'block', device: [1, 2 ** 32] }],
  ['a link up', { ...file, link: '../a' }],
  ['an absolute link', { ...file, link: '/a' }],
  ['an empty link', { ...file, link: '' }],
  ['a link of bytes that are UTF-8', { ...file, link: bad(0x61) }],
  ['holes that are no ref', { ...file, holes: [0, 3] }],
  ['holes of a fifo', { type: 'fifo', holes: list }],
]

const tops: [string, Value][] = [
  ['no record', null],
  ['of another type', { ...top, type: 'file' }],
  ['without kinds', { type: 'dir' }],
  ['with kinds that fall', { ...top, with: ['mtime', 'mode'] }],
  ['with a kind twice', { ...top, with: ['mode', 'mode'] }],
  ['with an unknown kind', { ...top, with: ['colour'] }],
  ['with content', { ...top, content: empty }],
  ['executable', { ...top, executable: true }],
]

const cases: [string, Ref][] = [
  ...names.map(([what, name]): [string, Ref] => [`a name: ${what}`, dir(name, file)]),
  ...entries.map(([what, entry]): [string, Ref] => [`an entry: ${what}`, dir('f', entry)]),
  ...tops.map(([what, value]): [string, Ref] => [`a top: ${what}`, dir(null, value)]),
  ['a name twice', dir('a', file, 'a', file)],
  ['names that fall', dir('b', file, 'a', file)],
  ['nil after a name', dir('a', file, null, top)],
  ['a name without an entry', put(['dir', 0, ['a']])],
  ['a map', put(['map', 0, []])],
  ['a file that is a directory', dir('f', { ...file, content: empty })],
  ['a file of another size', dir('f', { ...file, size: 4 })],
  ['a directory that is a file', dir('d', { type: 'dir', content: blob })],
  ['a directory that is a map', dir('d', { type: 'dir', content: put(['map', 0, []]) })],
  ['a directory that is the top of a tree', dir('d', { type: 'dir', content: dir(null, top) })],
  [
    'the same, of several leaves',
    dir('d', {
      type: 'dir',
      content: put(['dir', 1, RefList.of([dir(null, top, 'a', file), dir('b', file)]), [2, 1], ['a', 'b']]),
    }),
  ],
]

describe.each(cases)('%s', (_, ref) => {
  test('is refused when it is read', async () => {
    await expect(readAll(ref)).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  })

  test('is found by a check, there and where it is in another directory', async () => {
    for (const object of [ref, dir('inner', { type: 'dir', content: ref })]) {
      const problems = await collect(db.check({ ref: object }))
      // A check of an object alone does not know what it was to be.
      if (object === ref && (await kindOf(ref)) !== 'dir') continue
      expect(problems).toHaveLength(1)
    }
  })
})

async function kindOf(ref: Ref): Promise<string> {
  return Buffer.from((await context.store.get(ref))!.subarray(2, 5)).toString('latin1')
}

test('holes that are no list are found by a check, which says where', async () => {
  const ref = dir('a', {
    type: 'dir',
    content: dir('f', { ...file, holes: blob }, 'g', { ...file, holes: list }),
  })
  const problems = await collect(db.check({ ref, name: 'backup' }))
  expect(problems.map(({ message }) => message)).toEqual([
    `backup:a/f: chunk ${blob} is not what its entry says`,
  ])
})

test('a file of one size and the same file of another are told apart', async () => {
  const ref = dir('a', file, 'b', { ...file, size: 4 }, 'c', file)
  const problems = await collect(db.check({ ref, name: 'backup' }))
  expect(problems.map(({ message }) => message)).toEqual([
    `backup:b: chunk ${blob} is not what its entry says`,
  ])
})

test('what is missing is said with its path, each chunk once', async () => {
  const lost = Ref.of(new Uint8Array(1))
  const inner = dir(bad(0xff), { ...file, content: lost })
  const ref = dir('a', { type: 'dir', content: inner }, 'b', { type: 'dir', content: inner }, 'c', file)
  const problems = await collect(db.check({ ref, name: 'backup' }))
  expect(problems).toMatchObject([
    { message: expect.stringMatching(/^backup:a\/.*: chunk .* is missing$/), ref: lost },
  ])
})

test('an error says which entry is wrong, and how', async () => {
  await expect(readAll(dir('f', { ...file, mode: -1 }))).rejects.toThrow(
    /the entry "f": its 'mode' is not an integer from 0 to 4095/,
  )
})
