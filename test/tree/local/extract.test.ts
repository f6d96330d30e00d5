/** Directories come back as they were, to the place that was meant and nowhere else. */

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Storable } from '../../../src/collection/value.js'
import type { Database } from '../../../src/database/database.js'
import { open } from '../../../src/database/open.js'
import { encode } from '../../../src/encoding/encode.js'
import type { Ref } from '../../../src/hash/ref.js'
import { chunkOf } from '../../../src/store/chunk-store.js'
import { EMPTY_DIRECTORY } from '../../../src/tree/dir-tree.js'
import type { Entry, EntryName } from '../../../src/tree/entry.js'
import { ALL_KINDS } from '../../../src/tree/kinds.js'
import type { ExtractOptions, ExtractProblem } from '../../../src/tree/local/extract-run.js'

const isRoot = process.geteuid?.() === 0

let place: string
let db: Database

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'nomsy-extract-'))
  db = await open(join(place, 'store'))
})

afterEach(async () => {
  for await (const problem of db.check()) expect(problem).toBeUndefined()
  await db.close()
  execFileSync('rm', ['-rf', place])
})

/** The directory as other programs tell of it: types, modes, owners, times, links, bytes, attributes. */
function told(path: string): string {
  const sum = (program: string, args: readonly string[]): string =>
    execFileSync('sha256sum', {
      input: execFileSync(program, args, { cwd: path, maxBuffer: 2 ** 28 }),
      encoding: 'utf8',
    })
  const archive = [
    '--format=pax',
    '--sort=name',
    '--numeric-owner',
    '--pax-option=exthdr.name=x,delete=atime,delete=ctime',
  ]
  const attributes = execFileSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], {
    cwd: path,
  })
  // The system gives them in any order.
  const sorted = attributes
    .toString('latin1')
    .split('\n\n')
    .map((block) => block.split('\n').sort().join('\n'))
  return [
    sum('tar', [...archive, '-c', '.']),
    sum('getfacl', ['-R', '-P', '-n', '.']),
    ...sorted.sort(),
  ].join('\n')
}

/** What changes whenever anything in the directory does: the times of last changes too, in one run of a program. */
function sealOf(path: string): string {
  return execFileSync('find', [path, '-printf', '%p %y %m %U %G %s %i %n %T@ %C@ %l\\n'], {
    encoding: 'utf8',
  })
}

async function extract(
  directory: Ref,
  path: string,
  options: ExtractOptions = {},
): Promise<{ problems: ExtractProblem[]; unchanged: number; entries: number }> {
  const problems: ExtractProblem[] = []
  const result = await db.extract(directory, path, { ...options, onProblem: (each) => problems.push(each) })
  expect(result.problems).toBe(problems.length)
  return { problems, unchanged: result.unchanged, entries: result.entries }
}

/** A directory with one of everything that this user can make. */
function makeSource(path: string): void {
  const at = (...names: string[]): string => join(path, ...names)
  mkdirSync(at('deep', 'er', 'still'), { recursive: true })
  writeFileSync(at('empty'), '')
  writeFileSync(at('small'), 'small')
  writeFileSync(at('read-only'), 'read only', { mode: 0o400 })
  writeFileSync(at('program'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(at('deep', 'some leaves'), noise(100_000))
  writeFileSync(at('deep', 'er', 'large'), noise(3_000_000))
  writeFileSync(at('deep', 'sparse'), '')
  truncateSync(at('deep', 'sparse'), 5_000_000)
  appendFileSync(at('deep', 'sparse'), 'end')
  linkSync(at('small'), at('deep', 'another name'))
  symlinkSync('../nowhere', at('deep', 'link'))
  symlinkSync(Buffer.from([0xff, 0xfe]), at('strange link'))
  linkSync(at('deep', 'link'), at('deep', 'second link'))
  writeFileSync(Buffer.concat([Buffer.from(at('name ')), Buffer.from([0xff])]), 'no UTF-8')
  writeFileSync(at('line\nbreak \u{1f600}'), 'x')
  execFileSync('mkfifo', ['-m', '640', at('pipe')])
  mkdirSync(at('closed'))
  writeFileSync(at('closed', 'file'), 'in a directory that cannot be written to')
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'bytes', at('small')])
  execFileSync('setfattr', ['-n', 'user.dir', '-v', '1', at('deep')])
  execFileSync('setfacl', ['-m', 'u:1234:r,g:7:rw', at('program')])
  execFileSync('setfacl', ['-d', '-m', 'u:1234:rx', at('deep')])
  if (isRoot) {
    chownSync(at('program'), 1000, 1001)
    execFileSync('setcap', ['cap_net_raw+ep', at('program')])
    execFileSync('mknod', [at('null'), 'c', '1', '3'])
    execFileSync('mknod', [at('disk'), 'b', '7', '300'])
    writeFileSync(at('setuid'), 'x')
    chownSync(at('setuid'), 2000, 2000)
    chmodSync(at('setuid'), 0o6755)
  } else console.warn('no owners, devices and capabilities: not root')
  chmodSync(at('closed'), 0o555)
  utimesSync(at('small'), -5.25, -5.25)
  lutimesSync(at('deep', 'link'), 1_600_000_000, 1_600_000_000.5)
  utimesSync(at('deep', 'er'), 4e9, 4e9)
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0, state = 1; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[at] = state >>> 16
  }
  return bytes
}

test('everything comes back as it was', async () => {
  const source = join(place, 'source')
  makeSource(source)
  const { tree } = await db.putTree(source)
  const { problems } = await extract(tree.ref, join(place, 'out'))
  expect(problems).toEqual([])
  expect(told(join(place, 'out'))).toBe(told(source))
  const sparse = statSync(join(place, 'out', 'deep', 'sparse'))
  expect(sparse.blocks).toBe(statSync(join(source, 'deep', 'sparse')).blocks)
  expect((await db.putTree(join(place, 'out'))).tree.ref.toString()).toBe(tree.ref.toString())
})

test('a run that was stopped is taken up again', async () => {
  const source = join(place, 'source')
  makeSource(source)
  const { tree } = await db.putTree(source)
  const stop = new AbortController()
  const stopped = db.extract(tree, join(place, 'out'), {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  })
  await expect(stopped).rejects.toThrow('enough')
  expect(existsSync(join(place, 'out'))).toBe(false)
  // A file that was half written, and one that was never there.
  const part = join(place, '.out.nomsy-part')
  expect(lstatSync(part).mode & 0o777).toBe(0o700)
  writeFileSync(join(part, 'program'), '#!/b')
  writeFileSync(join(part, 'stranger'), '')
  mkdirSync(join(part, 'empty-dir', 'a', 'b'), { recursive: true })
  const { problems } = await extract(tree.ref, join(place, 'out'))
  expect(problems).toEqual([])
  expect(told(join(place, 'out'))).toBe(told(source))
  expect(existsSync(part)).toBe(false)
})

test('what is there already is put right, and left where it is right', async () => {
  const source = join(place, 'source')
  makeSource(source)
  const out = join(place, 'out')
  const { tree } = await db.putTree(source)
  await extract(tree.ref, out)
  const large = lstatSync(join(out, 'deep', 'er', 'large')).ino
  appendFileSync(join(out, 'deep', 'some leaves'), 'x')
  chmodSync(join(out, 'program'), 0o600)
  rmSync(join(out, 'empty'))
  symlinkSync('/etc', join(out, 'empty'))
  rmSync(join(out, 'pipe'))
  mkdirSync(join(out, 'pipe', 'full'), { recursive: true })
  writeFileSync(join(out, 'stranger'), '')
  const kept = await extract(tree.ref, out, { into: true })
  expect(kept.problems.map(({ path }) => path)).toEqual(['pipe'])
  expect(existsSync(join(out, 'stranger'))).toBe(true)
  const { problems, unchanged } = await extract(tree.ref, out, { into: true, deletes: true })
  expect(problems).toEqual([])
  expect(unchanged).toBeGreaterThan(3)
  expect(told(out)).toBe(told(source))
  expect(lstatSync(join(out, 'deep', 'er', 'large')).ino).toBe(large)
})

test('a part of a tree keeps its links among themselves', async () => {
  const source = join(place, 'source')
  mkdirSync(join(source, 'b'), { recursive: true })
  writeFileSync(join(source, 'a'), 'x')
  for (const name of ['1', '2']) linkSync(join(source, 'a'), join(source, 'b', name))
  writeFileSync(join(source, 'b', 'own'), 'y')
  linkSync(join(source, 'b', 'own'), join(source, 'b', 'own too'))
  const { tree } = await db.putTree(source)
  const out = join(place, 'out')
  await db.extract(await tree.directory('b'), out, { within: 'b' })
  const inode = (name: string): number => lstatSync(join(out, name)).ino
  expect(inode('1')).toBe(inode('2'))
  expect(inode('own')).toBe(inode('own too'))
  expect(inode('own')).not.toBe(inode('1'))
})

test('seeds save the store, and are never believed', async () => {
  const source = join(place, 'source')
  makeSource(source)
  const { tree } = await db.putTree(source)
  const seed = join(place, 'seed')
  execFileSync('cp', ['-a', source, seed])
  const bytes = readFileSync(join(seed, 'deep', 'er', 'large'))
  bytes[2_000_000] = bytes[2_000_000]! ^ 1
  writeFileSync(join(seed, 'deep', 'er', 'large'), bytes)
  const { problems } = await extract(tree.ref, join(place, 'out'), { seeds: [seed] })
  expect(problems).toEqual([])
  expect(told(join(place, 'out'))).toBe(told(source))
})

test('a path of 10,000 directories', { timeout: 60_000 }, async () => {
  let entry: Entry = { type: 'dir', content: EMPTY_DIRECTORY, mode: 0o755, mtime: 1n }
  await db.tree()
  for (let depth = 0; depth < 10_000; depth++) {
    entry = { type: 'dir', content: await dirOf([['d', entry]]), mode: 0o755, mtime: BigInt(depth) }
  }
  const { problems, entries } = await extract((entry as { content: Ref }).content, join(place, 'out'))
  expect(problems).toEqual([])
  expect(entries).toBe(10_000)
  const find = `find ${join(place, 'out')} -type d -links 2 -printf '%d'`
  expect(execFileSync('sh', ['-c', find], { encoding: 'utf8' })).toBe('10000')
})

test('where it cannot go', async () => {
  const { ref } = await db.tree()
  mkdirSync(join(place, 'full', 'x'), { recursive: true })
  mkdirSync(join(place, 'free'))
  writeFileSync(join(place, 'file'), '')
  symlinkSync('free', join(place, 'link'))
  for (const [path, options] of [
    ['full', {}],
    ['file', {}],
    ['link', {}],
    ['nowhere/below', {}],
    ['link', { into: true }],
    ['file', { into: true }],
    ['nowhere', { into: true }],
  ] as const) {
    await expect(db.extract(ref, join(place, path), options), path).rejects.toMatchObject({
      code: 'NOMSY_DESTINATION',
    })
  }
  await db.extract(ref, join(place, 'free'))
  mkdirSync(join(place, '.taken.nomsy-part'), { mode: 0o755 })
  await expect(db.extract(ref, join(place, 'taken'))).rejects.toMatchObject({ code: 'NOMSY_DESTINATION' })
})

type NamedEntry = readonly [name: EntryName | null, value: unknown]

/** Stores a directory as nobody would write it: no entry is looked at. */
async function dirOf(entries: readonly NamedEntry[]): Promise<Ref> {
  const items = entries.flatMap(([name, entry]) => [name, plain(entry)])
  const chunk = chunkOf(encode(['dir', 0, items] as Storable as never))
  await db.store.put([chunk])
  return chunk.ref
}

function plain(entry: unknown): unknown {
  const { mtime, ...rest } = entry as { mtime?: bigint }
  if (mtime === undefined) return entry
  const isSmall = mtime >= -(2n ** 53n) + 1n && mtime < 2n ** 53n
  return { ...rest, mtime: isSmall ? Number(mtime) : mtime }
}

test('hostile trees stay inside', { timeout: 60_000 }, async () => {
  const canary = join(place, 'canary')
  mkdirSync(join(canary, 'dir'), { recursive: true })
  writeFileSync(join(canary, 'file'), 'do not touch', { mode: 0o600 })
  const before = sealOf(canary)
  const { ref: content } = await db.putBlob(Buffer.from('evil'))
  const file = { type: 'file', content, size: 4 }
  const empty = await dirOf([])
  const inside = await dirOf([
    ['dir', { type: 'dir', content: empty, mode: 0o777 }],
    ['file', { ...file, mode: 0o666 }],
  ])
  const dir = { type: 'dir', content: inside, mode: 0o777 }
  const link = (target: string): object => ({ type: 'symlink', target })
  const names = [
    '',
    '.',
    '..',
    '/',
    'a/b',
    '../canary/file',
    '/etc/x',
    `${canary}/file`,
    'a\0b',
    'x'.repeat(256),
  ]
  const cases: (readonly [string, readonly NamedEntry[]])[] = [
    ...names.flatMap((name) => [
      [`file ${name}`, [[name, file]]] as const,
      [`dir ${name}`, [[name, dir]]] as const,
      [`bytes ${name}`, [[new TextEncoder().encode(name), file]]] as const,
    ]),
    ...['../canary', canary, '../../canary', '.', '..', '/', '../canary/dir', 'self'].flatMap((target) => [
      [`symlink to ${target}`, [['self', link(target)]]] as const,
      [
        `symlink to ${target}, then a directory`,
        [
          ['a', link(target)],
          ['a', dir],
        ],
      ] as const,
      [
        `directory, then a symlink to ${target}`,
        [
          ['a', dir],
          ['a', link(target)],
        ],
      ] as const,
      [
        `symlink to ${target}, then a file`,
        [
          ['a', link(target)],
          ['a', file],
        ],
      ] as const,
      [
        `two links to ${target}`,
        [
          ['a', link(target)],
          ['b', link('a')],
          ['c', { ...file, link: 'b/file' }],
        ],
      ] as const,
      [
        `hard link through one to ${target}`,
        [
          ['a', link(target)],
          ['b', { ...file, link: 'a/file' }],
        ],
      ] as const,
      [
        `hard link to one to ${target}`,
        [
          ['a', link(target)],
          ['b', { ...file, link: 'a' }],
        ],
      ] as const,
    ]),
    ...['../canary/file', `${canary}/file`, '..', '', 'nowhere', 'b', 'dir'].map(
      (target) =>
        [
          `hard link to ${target}`,
          [
            ['b', { ...file, link: target }],
            ['dir', dir],
          ],
        ] as const,
    ),
    ['a field of the wrong form', [['a', { ...file, mode: 0o10000 }]]],
    ['a size that is a lie', [['a', { ...file, size: 5 }]]],
    ['a size of 2^53-1', [['a', { ...file, size: Number.MAX_SAFE_INTEGER }]]],
    ['a size of 2^63', [['a', { ...file, size: 2n ** 63n }]]],
    ['holes that are no list', [['a', { ...file, holes: content }]]],
    ['a directory that is a file', [['a', { type: 'dir', content }]]],
    ['a file that is a directory', [['a', { ...file, content: inside }]]],
    ['a target of 4,097 bytes', [['a', link('x'.repeat(4097))]]],
    ['a target with NUL', [['a', link('a\0b')]]],
    [
      'times beyond all',
      [
        ['a', { ...file, mtime: 2n ** 63n - 1n }],
        ['b', { ...file, mtime: -(2n ** 63n) }],
      ],
    ],
    ['a top inside', [['a', { type: 'dir', content: await dirOf([[null, { type: 'dir', with: [] }]]) }]]],
    ['an xattr name with NUL', [['a', { ...file, xattrs: { 'user.\0': new Uint8Array(1) } }]]],
    ['an xattr of no kind', [['a', { ...file, xattrs: { 'nothing.such': new Uint8Array(1) } }]]],
    ['a type of its own', [['a', { type: 'door' }]]],
    [
      'names that differ in case and form',
      [
        ['A', file],
        ['a', file],
        ['e\u0301', file],
        ['\u00e9', file],
      ],
    ],
    ['a device of 2^32', [['a', { type: 'char', device: [2 ** 32, 0] }]]],
    ['setuid for nobody', [['a', { ...file, mode: 0o6755 }]]],
  ]
  expect(cases.length).toBeGreaterThan(70)
  for (const [index, [what, entries]] of cases.entries()) {
    const out = join(place, `out${index}`)
    const ref = await dirOf(entries)
    for (const into of [false, true]) {
      if (into) mkdirSync(out, { recursive: true })
      // It is refused, or harmless.
      await db.extract(ref, out, { into }).catch((error: Error & { code?: string }) => {
        if (error.code === undefined) throw error
      })
      expect(sealOf(canary), what).toBe(before)
    }
    const setuid = execFileSync('find', [
      place,
      '-path',
      join(place, 'store'),
      '-prune',
      '-o',
      '-perm',
      '/6000',
      '-print',
    ])
    expect(setuid.toString(), what).toBe('')
    expect(
      readdirSync(place).filter((name) => /^x+$|^a$|^b$/.test(name)),
      what,
    ).toEqual([])
    execFileSync('sh', ['-c', `rm -rf ${out} ${place}/.out*.nomsy-part`])
  }
})

test('links that were there before are not followed', async () => {
  const canary = join(place, 'canary')
  mkdirSync(join(canary, 'dir'), { recursive: true })
  writeFileSync(join(canary, 'file'), 'do not touch')
  writeFileSync(join(canary, 'linked'), 'nor this')
  const out = join(place, 'out')
  mkdirSync(out)
  symlinkSync(canary, join(out, 'dir'))
  symlinkSync(join(canary, 'file'), join(out, 'file'))
  symlinkSync(join(canary, 'new'), join(out, 'new'))
  linkSync(join(canary, 'linked'), join(out, 'linked'))
  const before = told(canary)
  const { ref: content } = await db.putBlob(Buffer.from('nor this'))
  const file = { type: 'file', content, size: 8, mode: 0o777, mtime: 5n }
  const ref = await dirOf([
    [
      'dir',
      {
        type: 'dir',
        mode: 0o700,
        content: await dirOf([
          ['dir', { type: 'dir', content: await dirOf([['x', file]]) }],
          ['file', file],
        ]),
      },
    ],
    ['file', file],
    ['linked', file],
    ['new', file],
  ])
  const { problems } = await extract(ref, out, { into: true, deletes: true })
  expect(problems).toEqual([])
  expect(told(canary)).toBe(before)
  expect(readFileSync(join(out, 'dir', 'dir', 'x'), 'utf8')).toBe('nor this')
})

test('links put in the way meanwhile are not followed', { timeout: 60_000 }, async () => {
  const canary = join(place, 'canary')
  mkdirSync(join(canary, 'sub'), { recursive: true })
  const before = told(canary)
  const { ref: content } = await db.putBlob(Buffer.from('evil'))
  const file = { type: 'file', content, size: 4, mode: 0o777 }
  const files = await dirOf(
    Array.from({ length: 200 }, (_, index) => [`f${String(index).padStart(3, '0')}`, file]),
  )
  const sub = await dirOf([['sub', { type: 'dir', content: files, mode: 0o777 }]])
  const ref = await dirOf(
    Array.from({ length: 20 }, (_, index) => [
      `d${String(index).padStart(2, '0')}`,
      { type: 'dir', content: sub, mode: 0o777 },
    ]),
  )
  const out = join(place, 'out')
  mkdirSync(out)
  const attacker = new Worker(ATTACKER, { eval: true, workerData: { out, canary } })
  try {
    await new Promise((resolve) => attacker.once('message', resolve))
    for (let run = 0; run < 3; run++) {
      await db.extract(ref, out, { into: true, deletes: true }).catch((error: Error & { code?: string }) => {
        if (error.code === undefined) throw error
      })
      expect(told(canary)).toBe(before)
    }
  } finally {
    await attacker.terminate()
  }
  expect(told(canary)).toBe(before)
})

/** Puts links in the place of directories, and directories in that of links, without end. */
const ATTACKER = `
const { workerData: { out, canary }, parentPort } = require('node:worker_threads')
const fs = require('node:fs')
const tried = (body) => { try { body() } catch {} }
parentPort.postMessage('ready')
for (let index = 0; ; index++) {
  const path = out + '/d' + String(index % 20).padStart(2, '0') + (index % 3 === 0 ? '/sub' : '')
  tried(() => fs.renameSync(path, out + '/moved' + index % 7))
  tried(() => fs.symlinkSync(canary, path))
  tried(() => fs.unlinkSync(path))
  tried(() => fs.renameSync(out + '/moved' + index % 7, path))
}
`

test('what is missing is told, and the rest is there', async () => {
  const { ref: content } = await db.putBlob(Buffer.from('here'))
  const gone = chunkOf(encode(new Uint8Array(7))).ref
  const ref = await dirOf([
    [null, { type: 'dir', with: ['mtime'], mtime: 3 }],
    ['a', { type: 'file', content: gone, size: 7 }],
    ['b', { type: 'file', content, size: 4 }],
    ['c', { type: 'dir', content: gone }],
    ['d', { type: 'file', content, size: 4, mtime: 5 }],
  ])
  const { problems } = await extract(ref, join(place, 'out'))
  expect(problems.map(({ path }) => path).sort()).toEqual(['a', 'c'])
  expect(readdirSync(join(place, 'out')).sort()).toEqual(['b', 'c', 'd'])
  expect(readFileSync(join(place, 'out', 'd'), 'utf8')).toBe('here')
  renameSync(join(place, 'out'), join(place, 'out2'))
  expect(ALL_KINDS.length).toBe(11)
})
