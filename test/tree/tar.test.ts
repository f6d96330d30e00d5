/** Archives hold what directories hold, both ways; what is wrong with them is refused. */

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import type { Directory } from '../../src/tree/directory.js'
import type { Kind } from '../../src/tree/entry.js'
import { ALL_KINDS, REPRODUCIBLE_KINDS } from '../../src/tree/kinds.js'
import { aclBytes, aclText } from '../../src/tree/tar/posix-acl.js'
import { encodeHeader, padding, paxRecord, type TarHeader } from '../../src/tree/tar/tar-header.js'

let place: string
let source: string
let db: Database

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'nomsy-tar-'))
  source = join(place, 'source')
  db = await open(join(place, 'store'))
})

afterEach(async () => {
  for await (const problem of db.check()) expect(problem).toBeUndefined()
  await db.close()
  execFileSync('rm', ['-rf', place])
})

function makeSource(): void {
  const script = `
    mkdir -p a/b 'a/${'long'.repeat(50)}' && cd a
    echo first > b/z; ln b/z b/y; ln b/z aa; ln -s /nowhere link; ln -s ${'x'.repeat(300)} 'far link'
    mkfifo -m 640 pipe; head -c 70000 /dev/urandom > file; echo x > '${'long'.repeat(50)}/${'name'.repeat(40)}'
    printf x > "$(printf 'no utf-\\377')"; printf x > 'ümläut'; : > empty; chmod 4751 file
    setfattr -n user.note -v "$(printf 'a=b')" file; setfacl -m u:1234:r,g:7:rw file; setfacl -d -m u:7:r b
    touch -d '1969-12-31 23:59:58Z' empty; touch -d '2200-01-01 00:00:00.123456789Z' b
    truncate -s 3000000 sparse; echo end >> sparse; [ $(id -u) = 0 ] && mknod null c 1 3 && chown 5000000:6000000 'ümläut'; true`
  mkdirSync(source)
  execFileSync('sh', ['-c', script], { cwd: source })
}

const GNU = ['--xattrs', '--xattrs-include=*', '--acls']

const FORMS: readonly (readonly [string, readonly string[], readonly Kind[]])[] = [
  ['pax', ['--format=pax', ...GNU], ALL_KINDS],
  ['pax, sparse 1.0', ['--format=pax', '-S', ...GNU], ALL_KINDS],
  ['pax, sparse 0.1', ['--format=pax', '-S', '--sparse-version=0.1', ...GNU], ALL_KINDS],
  ['pax, sparse 0.0', ['--format=pax', '-S', '--sparse-version=0.0', ...GNU], ALL_KINDS],
  ['GNU, sparse', ['--format=gnu', '-S'], REPRODUCIBLE_KINDS],
  ['GNU', ['--format=gnu'], [...REPRODUCIBLE_KINDS, 'owner', 'names', 'mode', 'links']],
]

test.each(FORMS)('what GNU tar writes is what is on the disk: %s', async (form, options, kinds) => {
  makeSource()
  const archive = join(place, 'a.tar')
  execFileSync('tar', ['-C', source, ...options, '-cf', archive, '.'])
  // Without -S an archive says nothing of holes.
  const wanted = form === 'pax' ? kinds.filter((kind) => kind !== 'holes') : kinds
  const { tree } = await db.putTree(source, { with: wanted })
  const put = await db.putTar(createReadStream(archive), { with: wanted })
  expect(await differences(tree, put)).toEqual([])
  expect(put.top).toEqual(tree.top)
  expect(put.ref.toString()).toBe(tree.ref.toString())
})

test('an archive of a directory is the directory', async () => {
  makeSource()
  const wanted = ALL_KINDS
  const { tree } = await db.putTree(source, { with: wanted })
  const archive = await bytesOf(tree)
  expect(archive.equals(await bytesOf(tree))).toBe(true)
  expect((await db.putTar(pieces(archive, 10_007))).ref.toString()).not.toBe('')
  expect((await db.putTar(pieces(archive, 10_007), { with: wanted })).ref.toString()).toBe(
    tree.ref.toString(),
  )
  for (const [program, options] of [
    ['tar', ['--numeric-owner', ...GNU]],
    ['bsdtar', ['--numeric-owner', '--acls', '--xattrs']],
  ] as const) {
    const out = join(place, program)
    mkdirSync(out)
    execFileSync(program, ['-C', out, ...options, '-xpf', '-'], {
      input: archive,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    const { tree: back } = await db.putTree(out, { with: wanted.filter((kind) => kind !== 'xattrs') })
    const { tree: meant } = await db.putTree(source, { with: wanted.filter((kind) => kind !== 'xattrs') })
    // bsdtar leaves the directory alone that it unpacks to.
    const [wantedA, backA] = [await meant.directory('a'), await back.directory('a')]
    expect(await differences(wantedA, backA), program).toEqual([])
  }
})

test('holes that are none, in no order or beyond the end, are written as bytes', async () => {
  const bytes = Buffer.alloc(200_000)
  bytes[150_000] = 1
  const file = await db.putBlob(bytes)
  for (const holes of [
    [0, 200_000],
    [0, 100_000, 50_000, 10_000],
    [190_000, 20_000],
    [0, -1],
    [0, 0],
    [0],
    ['0', 1],
  ]) {
    const list = await db.list(holes)
    const entry = { type: 'file', content: file.ref, size: file.size, holes: list.ref } as const
    const tree = await (await db.tree()).edit().set('file', entry).done()
    const back = await db.putTar(pieces(await bytesOf(tree), 10_007), { with: ['holes'] })
    expect(await back.get('file'), inspect(holes)).toEqual({
      type: 'file',
      content: file.ref,
      size: file.size,
    })
  }
})

test('files with holes anywhere come back through archives, with names of all kinds', async () => {
  mkdirSync(source)
  const script = `truncate -s 5000000 nothing; truncate -s 4000000 'a${'long'.repeat(50)}'; printf x >> 'a${'long'.repeat(50)}'
    truncate -s 1000000 "$(printf 'no utf-\\377')"; printf x | dd of=middle bs=1 seek=3000000 2>&1; truncate -s 6000000 middle
    printf begin > begin; truncate -s 2000000 begin; ln middle other`
  execFileSync('sh', ['-c', script], { cwd: source })
  const { tree } = await db.putTree(source)
  const archive = await bytesOf(tree)
  expect(archive.length).toBeLessThan(200_000)
  expect((await db.putTar(pieces(archive, 999))).ref.toString()).toBe(tree.ref.toString())
  for (const program of ['tar', 'bsdtar']) {
    const out = join(place, program)
    mkdirSync(out)
    execFileSync(program, ['-C', out, '-xpf', '-'], {
      input: archive,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    const { tree: back } = await db.putTree(out, { with: ['holes', 'mode'] })
    const { tree: meant } = await db.putTree(source, { with: ['holes', 'mode'] })
    expect(await differences(meant, back), program).toEqual([])
  }
})

/** What is not the same, and how. */
async function differences(a: Directory, b: Directory): Promise<string[]> {
  const found: string[] = []
  for await (const change of a.diff(b))
    found.push(`${change.kind} ${String(change.path)}: ${inspect(change)}`)
  return found
}

async function bytesOf(directory: Directory): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of db.tar(directory)) all.push(piece.slice())
  return Buffer.concat(all)
}

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

type Member = Partial<Omit<TarHeader, 'name' | 'link'>> & {
  readonly name: string
  readonly link?: string
  readonly content?: string
  readonly pax?: Readonly<Record<string, string>>
}

function archiveOf(members: readonly Member[]): Buffer {
  const blocks: Uint8Array[] = []
  const none = new Uint8Array(0)
  const add = (header: Partial<TarHeader> & { name: Uint8Array }, content: Uint8Array): void => {
    const rest = { type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0, link: none, user: none, group: none }
    blocks.push(encodeHeader({ ...rest, major: 0, minor: 0, size: content.length, ...header }))
    blocks.push(content, padding(content.length))
  }
  for (const { name, link = '', content = '', pax, ...header } of members) {
    if (pax !== undefined) {
      const records = Object.entries(pax).map(([key, value]) => paxRecord(key, Buffer.from(value)))
      add({ name: Buffer.from('x'), type: 'x' }, Buffer.concat(records))
    }
    add({ ...header, name: Buffer.from(name), link: Buffer.from(link) }, Buffer.from(content))
  }
  return Buffer.concat([...blocks, new Uint8Array(1024)])
}

function put(members: readonly Member[]): Promise<Directory> {
  return db.putTar(pieces(archiveOf(members), 4096), { with: ['symlinks', 'links', 'mode'] })
}

test('members in any order, and the last one of each name', async () => {
  const tree = await put([
    { name: 'd/', type: '5', mode: 0o700 },
    { name: 'd/x', content: 'old' },
    { name: 'early', type: '1', link: 'z' },
    { name: 'd/x', content: 'new' },
    { name: '/z', content: 'z' },
    { name: './e/f/g', content: 'deep' },
    { name: 'file', content: 'becomes a directory' },
    { name: 'file/', type: '5', mode: 0o711 },
    { name: 'file/in', content: 'it' },
    { name: 'e/', type: '5', mode: 0o750 },
    { name: 'd/', type: '5', mode: 0o755 },
  ])
  expect(await (await tree.blob('d/x')).text()).toBe('new')
  expect(await (await tree.blob('e/f/g')).text()).toBe('deep')
  expect(await (await tree.blob('file/in')).text()).toBe('it')
  expect(await tree.get('z')).toMatchObject({ type: 'file', link: 'early' })
  expect((await tree.get('early')) as object).not.toHaveProperty('link')
  expect(await tree.get('d')).toMatchObject({ mode: 0o755 })
  expect(await tree.get('e')).toMatchObject({ mode: 0o750 })
})

const REFUSED: readonly (readonly [string, readonly Member[]])[] = [
  ['a name that goes up', [{ name: '../x' }]],
  ['a name that goes up from below', [{ name: 'a/../../x' }]],
  ['a long name that goes up', [{ name: 'x', pax: { path: 'a/../../x' } }]],
  ['a name too long', [{ name: 'x', pax: { path: 'x'.repeat(256) } }]],
  ['a name with NUL', [{ name: 'x', pax: { path: 'a\0b' } }]],
  ['a file through a link', [{ name: 'a', type: '2', link: '/etc' }, { name: 'a/x' }]],
  ['a link that goes up', [{ name: 'a', type: '1', link: '../../etc/passwd' }]],
  ['a link to nothing', [{ name: 'a', type: '1', link: 'b' }]],
  [
    'a link to a directory',
    [{ name: 'b/', type: '5' }, { name: 'b/c' }, { name: 'a', type: '1', link: 'b' }],
  ],
  ['an unknown type', [{ name: 'a', type: 'M' }]],
  ['a size that is none', [{ name: 'a', pax: { size: '-1' } }]],
  ['a time that is none', [{ name: 'a', pax: { mtime: 'yesterday' } }]],
  [
    'a sparse map that goes back',
    [{ name: 'a', content: 'ab', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '5,1,2,1' } }],
  ],
  [
    'a sparse map beyond the end',
    [{ name: 'a', content: 'ab', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '8,2' } }],
  ],
  ['a sparse file without its map', [{ name: 'a', pax: { 'GNU.sparse.size': '9' } }]],
]

test.each(REFUSED)('refused: %s', async (_, members) => {
  await expect(put(members)).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED' })
})

test('an archive that is cut off, or none, is refused', async () => {
  const archive = archiveOf([
    { name: 'a', content: 'x'.repeat(2000) },
    { name: 'b', pax: { comment: 'x'.repeat(600) } },
  ])
  for (const end of [100, 512, 600, 2500, 2560 + 100, 2560 + 600, archive.length - 1500]) {
    await expect(db.putTar(pieces(archive.subarray(0, end), 100)), String(end)).rejects.toMatchObject({
      code: 'NOMSY_SOURCE_FAILED',
    })
  }
  const damaged = Buffer.from(archive)
  damaged[3] = 0x41
  await expect(db.putTar(pieces(damaged, 4096))).rejects.toThrow('sum is wrong')
  const refused: [Uint8Array, string][] = [
    [new Uint8Array(0), 'not a single byte'],
    [Buffer.from('text '.repeat(300)), 'is no tar archive'],
    [gzipSync(archive), 'is packed with gzip; unpack it first'],
    [archive.subarray(0, 2560 + 1024), 'ends in the middle of a member'],
  ]
  for (const [bytes, words] of refused)
    await expect(db.putTar(pieces(bytes, 100)), words).rejects.toThrow(words)
})

test('an archive without its end is stored, and told', async () => {
  const archive = archiveOf([{ name: 'a', content: 'x' }, { name: 'b' }])
  const putUpTo = async (end: number): Promise<[number, string[]]> => {
    const problems: string[] = []
    const onProblem = (path: string, message: string): void => void problems.push(path + message)
    const tree = await db.putTar(pieces(archive.subarray(0, end), 1000), { onProblem })
    return [tree.size, problems]
  }
  expect(await putUpTo(archive.length)).toEqual([2, []])
  expect(await putUpTo(archive.length - 512)).toEqual([2, []])
  const problems = ['the mark is missing that ends an archive; it may be cut off']
  expect(await putUpTo(archive.length - 1024)).toEqual([2, problems])
  expect(await putUpTo(1024)).toEqual([1, problems])
})

test('ACLs in words and in bytes', () => {
  const names = { user: (name: string) => (name === 'lisa' ? 1000 : undefined), group: () => undefined }
  const words = 'user::rw-\nuser:1000:r-x\ngroup::r--\ngroup:7:---\nmask::rwx\nother::--x'
  const bytes = aclBytes(words, names)!
  expect(aclText(bytes)).toBe(words)
  expect(aclBytes('u::rw-,u:lisa:r-x # effective:r-x\ng::r--,g:staff:---:7,m::rwx,o::--x', names)).toEqual(
    bytes,
  )
  for (const wrong of ['', 'user:nobody-there:rwx', 'user::rw', 'door::rwx', 'user:99999999999:rwx'])
    expect(aclBytes(wrong, names), wrong).toBeUndefined()
  for (const wrong of [[], [1, 0, 0, 0], [2, 0, 0, 0, 1], [2, 0, 0, 0, 1, 0, 9, 0, 255, 255, 255, 255]])
    expect(aclText(Uint8Array.from(wrong))).toBeUndefined()
})

test('a sparse file of which little is on the disk', async () => {
  mkdirSync(source)
  writeFileSync(join(source, 'a'), '')
  truncateSync(join(source, 'a'), 50_000_000)
  appendFileSync(join(source, 'a'), 'end')
  const archive = execFileSync('tar', ['-C', source, '--format=pax', '-Sc', 'a'])
  const tree = await db.putTar(pieces(archive, 10_000), { with: ['holes'] })
  const entry = await tree.get('a')
  expect(entry).toMatchObject({ size: 50_000_003 })
  expect((await (await tree.blob('a')).slice(-4).text()).slice(1)).toBe('end')
})
