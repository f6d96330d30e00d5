/** The system's calls against what Node's fs and the commands of the system say. */

import { execFileSync } from 'node:child_process'
import { constants, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import * as libc from '../../../src/tree/local/libc.js'
import * as owners from '../../../src/tree/local/owner-calls.js'
import * as xattrs from '../../../src/tree/local/xattr-calls.js'

const dir = mkdtempSync(join(tmpdir(), 'nomsy-libc-'))
const fd = libc.openat(libc.AT_FDCWD, dir, constants.O_RDONLY | constants.O_DIRECTORY)
const isRoot = process.getuid?.() === 0

afterAll(() => {
  libc.close(fd)
  rmSync(dir, { recursive: true })
})

test('files are made, written, read and looked at by a directory and a name', () => {
  const file = libc.openat(fd, 'file', constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  libc.write(file, Buffer.from('hello'), 3)
  libc.fchmod(file, 0o640)
  libc.futimens(file, -1n)
  const bytes = new Uint8Array(10)
  expect(libc.read(file, bytes, 0)).toBe(8)
  expect(Buffer.from(bytes.subarray(0, 8)).toString()).toBe('\0\0\0hello')
  const stat = libc.fstat(file)
  const expected = lstatSync(join(dir, 'file'), { bigint: true })
  expect(stat).toEqual(libc.fstatat(fd, 'file'))
  expect(BigInt(stat.mode)).toBe(expected.mode)
  expect(stat.ino).toBe(expected.ino)
  expect(stat.size).toBe(8)
  expect(stat.mtime).toBe(-1n)
  expect(stat.ctime).toBe(expected.ctimeNs)
  libc.close(file)
})

test('links, directories and pipes are made, renamed and removed', () => {
  libc.mkdirat(fd, 'sub', 0o755)
  libc.symlinkat('else where', fd, 'link')
  libc.utimensat(fd, 'link', 1_234_567_890_123_456_789n)
  expect(readlinkSync(join(dir, 'link'))).toBe('else where')
  expect(libc.fstatat(fd, 'link').mtime).toBe(1_234_567_890_123_456_789n)
  expect(Buffer.from(libc.readlinkat(fd, 'link')).toString()).toBe('else where')
  libc.mkfifoat(fd, 'pipe', 0o600)
  expect(lstatSync(join(dir, 'pipe')).isFIFO()).toBe(true)
  libc.linkat(fd, 'pipe', fd, 'pipe 2')
  expect(libc.fstatat(fd, 'pipe').nlink).toBe(2)
  libc.renameat(fd, 'pipe 2', fd, 'pipe')
  libc.renameat(fd, 'pipe 2', fd, 'sub/pipe')
  libc.unlinkat(fd, 'sub/pipe')
  libc.rmdirat(fd, 'sub')
  expect(() => libc.fstatat(fd, 'sub')).toThrow(/ENOENT/)
})

test('names that are no UTF-8 are bytes', () => {
  const name = Uint8Array.of(0x66, 0xff, 0x80)
  libc.close(libc.openat(fd, name, constants.O_RDWR | constants.O_CREAT, 0o600))
  const buffer = new Uint8Array(4096)
  const length = libc.readEntries(fd, buffer)
  expect(Buffer.from(buffer.subarray(0, length)).includes(Buffer.from(name))).toBe(true)
  libc.unlinkat(fd, name)
})

test('errors are like those of Node', () => {
  const failing = (): unknown => libc.fstatat(fd, 'absent')
  expect(failing).toThrow("ENOENT: no such file or directory, statx 'absent'")
  expect(failing).toThrow(
    expect.objectContaining({ code: 'ENOENT', syscall: 'statx', path: 'absent', errno: -2 }),
  )
})

test('extended attributes are set, listed, got and removed', () => {
  const path = join(dir, 'attributes')
  writeFileSync(path, '')
  const value = new Uint8Array(3000).fill(7)
  xattrs.lsetxattr(path, 'user.one', value)
  xattrs.lsetxattr(path, 'user.empty', new Uint8Array(0))
  expect(xattrs.llistxattr(path).sort()).toEqual(['user.empty', 'user.one'])
  expect(xattrs.lgetxattr(path, 'user.one')).toEqual(value)
  expect(xattrs.lgetxattr(path, 'user.empty')).toEqual(new Uint8Array(0))
  expect(xattrs.lgetxattr(path, 'user.two')).toBeUndefined()
  xattrs.lremovexattr(path, 'user.one')
  expect(xattrs.llistxattr(path)).toEqual(['user.empty'])
})

test('holes are found', () => {
  const file = libc.openat(fd, 'holes', constants.O_RDWR | constants.O_CREAT, 0o600)
  libc.ftruncate(file, 1 << 20)
  expect(libc.seekData(file, 0)).toBeUndefined()
  libc.write(file, new Uint8Array(4096).fill(1), 512 * 1024)
  expect(libc.seekData(file, 0)).toBe(512 * 1024)
  expect(libc.seekHole(file, 512 * 1024)).toBe(512 * 1024 + 4096)
  libc.close(file)
})

test('users and groups have the names that getent gives', () => {
  for (const line of readFileSync('/etc/passwd', 'utf8').trim().split('\n').slice(0, 5)) {
    const [name, , uid] = line.split(':')
    expect(owners.userName(Number(uid))).toBe(name)
    expect(owners.userId(name!)).toBe(Number(uid))
  }
  for (const line of readFileSync('/etc/group', 'utf8').trim().split('\n').slice(0, 5)) {
    const [name, , gid] = line.split(':')
    expect(owners.groupName(Number(gid))).toBe(name)
    expect(owners.groupId(name!)).toBe(Number(gid))
  }
  expect(owners.userName(4_000_000_000)).toBeUndefined()
  expect(owners.userId('nobody of that name')).toBeUndefined()
})

test.skipIf(!isRoot)('devices are made and looked at (only root may)', () => {
  libc.mknodat(fd, 'device', libc.S_IFBLK | 0o600, 259, 1_000_003)
  const { rdevMajor, rdevMinor } = libc.fstatat(fd, 'device')
  expect([rdevMajor, rdevMinor]).toEqual([259, 1_000_003])
  expect(execFileSync('stat', ['-c', '%t %T', join(dir, 'device')], { encoding: 'utf8' })).toBe('103 f4243\n')
})
