/** Putting directories on disk: the tree is what the disk has, whatever was put before. */

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../../src/database/database.js'
import { open } from '../../../src/database/open.js'
import { DISCARD } from '../../../src/sequence/chunk-sink.js'
import type { Directory } from '../../../src/tree/directory.js'
import { type FileEntry, inTimeRange, type Kind } from '../../../src/tree/entry.js'
import { bytesOfName } from '../../../src/tree/entry-name.js'
import { REPRODUCIBLE_KINDS } from '../../../src/tree/kinds.js'
import { AT_FDCWD, close, mkdirat, mkfifoat, openat, write } from '../../../src/tree/local/libc.js'
import { groupName, userName } from '../../../src/tree/local/owner-calls.js'
import { type PutTreeOptions, writeTree } from '../../../src/tree/local/put-tree.js'
import { lsetxattr } from '../../../src/tree/local/xattr-calls.js'
import { check } from '../../seed.js'

const home = mkdtempSync(join(tmpdir(), 'nomsy-put-'))
let db: Database

beforeAll(async () => {
  db = await open(join(home, 'store'))
})

afterAll(async () => {
  for await (const problem of db.check()) throw new Error(problem.message)
  await db.close()
  rmSync(home, { recursive: true })
})

let lastDirectory = 0

function newDirectory(): string {
  const path = join(home, `tree ${++lastDirectory}`)
  mkdirSync(path)
  return path
}

/** The ref of putting `path` from scratch. */
async function hash(path: string, options: PutTreeOptions = {}): Promise<string> {
  return (await writeTree({ target: DISCARD }, path, options)).ref.toString()
}

async function put(path: string, options: PutTreeOptions = {}): Promise<{ tree: Directory; read: number }> {
  let read = 0
  const onProgress = (bytes: number): void => {
    read += bytes
  }
  const { tree, problems } = await db.putTree(path, { onProgress, ...options })
  expect(problems).toEqual([])
  await db.pin(tree.ref)
  return { tree, read }
}

/** Waits until files made now have rested long enough to be believed next time. */
async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3100))
}

test('a tree has what the disk has', async () => {
  const path = newDirectory()
  mkdirSync(join(path, 'sub', 'empty'), { recursive: true })
  writeFileSync(join(path, 'empty'), '')
  writeFileSync(join(path, 'small'), 'hello')
  writeFileSync(join(path, 'sub', 'middle'), random(100_000))
  writeFileSync(join(path, 'sub', 'large'), random(3_000_000))
  for (let index = 0; index < 300; index++) writeFileSync(join(path, 'sub', `f${index}`), random(index * 37))
  writeFileSync(join(path, 'new\nline'), 'x')
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.of(0xff, 0x61)]), 'no UTF-8')
  symlinkSync('no where', join(path, 'link'))
  chmodSync(join(path, 'small'), 0o4751)
  utimesSync(join(path, 'small'), 1, 1)
  const { tree, read } = await put(path)
  const seen = new Set<string>()
  for await (const { path: name, entry } of tree.walk()) {
    const place = Buffer.concat([Buffer.from(`${path}/`), bytesOfName(name)])
    const stat = lstatSync(place, { bigint: true })
    seen.add(place.toString('latin1'))
    expect(entry.mtime).toBe(stat.mtimeNs)
    expect(entry.uid).toBe(Number(stat.uid))
    expect(entry.user).toBe(userName(Number(stat.uid)))
    expect(entry.group).toBe(groupName(Number(stat.gid)))
    if (entry.type === 'symlink') expect(entry.target).toBe(readlinkSync(place, 'utf8'))
    else expect(entry.mode).toBe(Number(stat.mode & 0o7777n))
    if (entry.type !== 'file') continue
    expect(entry.size).toBe(Number(stat.size))
    const blob = await db.blob(entry.content)
    expect(Buffer.compare(await blob.bytes(), readFileSync(place))).toBe(0)
  }
  expect(seen.size).toBe(countOf(path))
  expect(read).toBeGreaterThan(3_000_000)
  expect(tree.top?.mtime).toBe(lstatSync(path, { bigint: true }).mtimeNs)
  expect(await hash(path)).toBe(tree.ref.toString())
  // Small files, and large ones, have the refs that they have as blobs.
  for (const name of ['small', 'sub/middle', 'sub/large']) {
    const { content } = (await tree.get(name)) as FileEntry
    expect((await db.putBlob(readFileSync(join(path, name)))).ref).toEqual(content)
  }
})

test('names of one file, holes, attributes and pipes are recorded where they are asked for', async () => {
  const path = newDirectory()
  mkdirSync(join(path, 'a'))
  writeFileSync(join(path, 'a', 'first'), 'x')
  linkSync(join(path, 'a', 'first'), join(path, 'z'))
  linkSync(join(path, 'a', 'first'), join(path, 'a', 'second'))
  writeFileSync(join(path, 'holes'), '')
  execFileSync('truncate', ['-s', '300000', join(path, 'holes')])
  execFileSync('dd', [
    'if=/dev/urandom',
    `of=${join(path, 'holes')}`,
    'bs=4096',
    'seek=10',
    'count=1',
    'conv=notrunc',
    'status=none',
  ])
  lsetxattr(join(path, 'holes'), 'user.note', Uint8Array.of(1, 2))
  mkfifoat(AT_FDCWD, join(path, 'pipe'), 0o600)
  const { tree } = await put(path)
  // The first name in walk order is that of the entry that is no directory.
  expect((await tree.get('z')) as FileEntry).not.toHaveProperty('link')
  expect(await tree.get('a/first')).toMatchObject({ link: 'z' })
  expect(await tree.get('a/second')).toMatchObject({ link: 'z' })
  const holes = (await tree.get('holes')) as FileEntry
  expect(await all(await db.list(holes.holes!))).toEqual([0, 40_960, 45_056, 254_944])
  expect(holes.xattrs).toEqual({ __proto__: null, 'user.note': Uint8Array.of(1, 2) })
  expect(await tree.get('pipe')).toMatchObject({ type: 'fifo', mode: 0o600 })
  const { tree: plain } = await put(path, { with: REPRODUCIBLE_KINDS })
  expect(plain.top).toBeUndefined()
  expect(await plain.get('holes')).toEqual({ type: 'file', content: holes.content, size: 300_000 })
  const { leftOut, tree: bare } = await db.putTree(path, { with: [] })
  expect(leftOut).toBe(1)
  expect(await bare.get('pipe')).toBeUndefined()
  expect(bare.top).toEqual({ with: [] })
})

test('times that are far off are recorded, those beyond what can be stored as the nearest', async () => {
  const path = newDirectory()
  const years = ['1500-01-01', '1900-01-01', '2300-01-01', '2446-01-01', '4000-01-01']
  for (const year of years) {
    writeFileSync(join(path, year), '')
    execFileSync('touch', ['-d', `${year} 00:00:00 UTC`, join(path, year)])
  }
  const { tree } = await put(path)
  for (const year of years) {
    // What the file system makes of it, it may not have such years itself.
    const { mtimeNs } = lstatSync(join(path, year), { bigint: true })
    const stored = await tree.get(year)
    expect(stored?.mtime, year).toBe(inTimeRange(mtimeNs))
  }
})

test('the reproducible tree of a copy is the same, and so is that of a part put alone', async () => {
  const path = newDirectory()
  mkdirSync(join(path, 'sub'))
  writeFileSync(join(path, 'sub', 'program'), 'x', { mode: 0o755 })
  const copy = newDirectory()
  execFileSync('cp', ['-r', join(path, 'sub'), copy])
  const options = { with: REPRODUCIBLE_KINDS }
  const { tree } = await put(path, options)
  expect(await hash(copy, options)).toBe(tree.ref.toString())
  const sub = await tree.directory('sub')
  expect(await hash(join(path, 'sub'), options)).toBe(sub.ref.toString())
  expect(await sub.get('program')).toMatchObject({ executable: true })
})

test('a put after edits gives what a put from scratch gives, and reads no more than is new', async () => {
  await check(
    fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 1_000_000 })), async (numbers) => {
      const path = newDirectory()
      const next = (limit: number): number => numbers.next().value % limit
      for (let index = 0; index < 60; index++) {
        const directory = join(path, ...`${index}`.padStart(2, '0').slice(0, next(3)))
        mkdirSync(directory, { recursive: true })
        writeFileSync(join(directory, `file ${index}`), random(next(9000)))
      }
      linkSync(join(path, filesIn(path)[0]!), join(path, 'other name'))
      await rest()
      await put(path)
      expect((await put(path)).read).toBe(0)
      for (let round = 0; round < 6; round++) {
        let changed = 0
        for (let count = next(5); count >= 0; count--) changed += edit(path, next)
        const { tree, read } = await put(path)
        expect(tree.ref.toString()).toBe(await hash(path))
        // Files of earlier rounds have not rested: they are read again.
        if (round === 0) expect(read).toBeLessThanOrEqual(changed)
      }
    }),
    { numRuns: 2 },
  )
}, 60_000)

test('a state that is damaged, cut short or of another version costs time and nothing else', async () => {
  const path = newDirectory()
  mkdirSync(join(path, 'sub'))
  for (const name of ['a', 'b', 'sub/c', 'sub/d']) writeFileSync(join(path, name), random(5000))
  await rest()
  const states = join(home, 'store', 'state')
  const before = new Set(readdirSync(states))
  const { tree } = await put(path)
  const file = join(states, readdirSync(states).find((name) => !before.has(name))!)
  const whole = readFileSync(file)
  const damages = [
    whole.subarray(0, 0),
    whole.subarray(0, whole.length - 1),
    Buffer.concat([whole, Buffer.of(0)]),
    ...[0, 7, 9, 30, 60, 200, whole.length - 20, whole.length - 1].map((at) => {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x55
      return damaged
    }),
  ]
  for (const damaged of damages) {
    writeFileSync(file, damaged)
    const again = await put(path)
    expect(again.tree.ref).toEqual(tree.ref)
    expect(again.read).toBe(20_000)
  }
  // What puts have left that were killed goes, once they are surely dead.
  const left = ['0f', 'f0', 'tmp'].map((end) => `${file}.${end}`)
  for (const name of left) writeFileSync(name, '')
  for (const name of [left[0]!, left[2]!]) utimesSync(name, 1, 1)
  expect((await put(path)).read).toBe(0)
  expect(left.map((name) => existsSync(name))).toEqual([false, true, true])
  expect((await put(path, { state: false })).read).toBe(20_000)
})

test('a state whose tree is not in the store any more is not believed', async () => {
  const path = newDirectory()
  writeFileSync(join(path, 'a'), 'hello')
  await rest()
  const first = await open(join(home, 'first'))
  const { tree } = await first.putTree(path)
  await first.close()
  const second = await open(join(home, 'second'))
  execFileSync('cp', ['-r', join(home, 'first', 'state'), join(home, 'second')])
  const again = await second.putTree(path)
  expect(again.tree.ref).toEqual(tree.ref)
  expect(await (await again.tree.blob('a')).text()).toBe('hello')
  for await (const problem of second.check()) throw new Error(problem.message)
  await second.close()
})

test('patterns leave out what they match', async () => {
  const path = newDirectory()
  for (const name of ['a/b/c.log', 'a/b/keep.log', 'a/x.o', 'x.o', 'build/y', 'a/build/z', 'q.txt']) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), '')
  }
  writeFileSync(join(path, '.nomsyignore'), '*.o\n/build\n*.log\n')
  writeFileSync(join(path, 'a', '.nomsyignore'), '!keep.log\n')
  const names = async (options?: PutTreeOptions): Promise<string[]> => {
    const { tree } = await put(path, options)
    return (await all(tree.walk()))
      .filter(({ entry }) => entry.type === 'file')
      .map(({ path }) => String(path))
  }
  expect(await names()).toEqual(['.nomsyignore', 'q.txt', 'a/.nomsyignore', 'a/b/keep.log', 'a/build/z'])
  expect(await names({ exclude: ['q*', '!x.o'] })).toEqual([
    ...['.nomsyignore', 'x.o', 'a/.nomsyignore', 'a/x.o', 'a/b/keep.log', 'a/build/z'],
  ])
})

test('a store in the directory that is put is left out', async () => {
  const path = newDirectory()
  writeFileSync(join(path, 'a'), 'hello')
  const inside = await open(join(path, '.nomsy'))
  const { tree, problems } = await inside.putTree(path)
  expect(problems).toEqual([])
  expect(await all(tree.names())).toEqual(['a'])
  await inside.close()
})

test('very deep directories are stored', async () => {
  const path = newDirectory()
  const depth = 600
  const name = 'a long name of a directory'
  let dir = openat(AT_FDCWD, path, constants.O_RDONLY)
  for (let level = 0; level < depth; level++) {
    mkdirat(dir, name, 0o755)
    const inner = openat(dir, name, constants.O_RDONLY)
    close(dir)
    dir = inner
  }
  const file = openat(dir, 'file', constants.O_WRONLY | constants.O_CREAT, 0o644)
  write(file, Buffer.from('deep\n'), 0)
  close(file)
  close(dir)
  const { tree } = await put(path)
  const blob = await tree.blob([...new Array<string>(depth).fill(name), 'file'])
  expect(await blob.text()).toBe('deep\n')
  execFileSync('rm', ['-r', path])
})

test('a file, what is not there and what cannot be read are refused', async () => {
  const path = newDirectory()
  writeFileSync(join(path, 'file'), '')
  await expect(db.putTree(join(path, 'file'))).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED' })
  await expect(db.putTree(join(path, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(db.putTree(path, { with: ['colour' as Kind] })).rejects.toThrow(RangeError)
})

test('a put can be given up', async () => {
  const path = newDirectory()
  for (let index = 0; index < 100; index++) writeFileSync(join(path, `${index}`), random(100_000))
  const abort = new AbortController()
  const onProgress = (): void => abort.abort(new Error('enough'))
  await expect(db.putTree(path, { signal: abort.signal, onProgress })).rejects.toThrow('enough')
})

function countOf(path: string): number {
  return execFileSync('find', [path, '-mindepth', '1', '-printf', 'x']).length
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Changes something; the bytes that are to be read because of it, at most. */
function edit(path: string, next: (limit: number) => number): number {
  const files = filesIn(path)
  const file = join(path, files[next(files.length)]!)
  const size = lstatSync(file).size
  const kind = next(8)
  if (kind === 0) writeFileSync(file, random(size))
  else if (kind === 1) writeFileSync(file, random(next(20_000)))
  else if (kind === 2) renameSync(file, `${file}x`)
  else if (kind === 3) chmodSync(file, 0o600 + next(8))
  else if (kind === 4) rmSync(file)
  else if (kind === 5) linkSync(file, join(path, `link ${next(1000)}${Date.now()}${files.length}`))
  else if (kind === 6) writeFileSync(join(file, '..', `!new ${next(1000)}`), random(next(3000)))
  else {
    rmSync(file)
    mkdirSync(file)
    writeFileSync(join(file, 'inside'), random(next(3000)))
  }
  return 40_000
}

function filesIn(path: string): string[] {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
  return names.filter((name) => lstatSync(join(path, name)).isFile())
}

let state = 1

/** Bytes that no other call gave. */
function random(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    bytes.writeInt32LE(state, at)
  }
  return bytes
}
