import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { piecesOf } from '../../src/blob/blob-source.js'
import { Failure } from '../../src/cli/failure.js'
import { findSource } from '../../src/cli/source.js'
import type { FilePart } from '../../src/parallel/jobs.js'
import { noise } from './program.js'

const directory = mkdtempSync(join(tmpdir(), 'nomsy-source-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const MIB = 1024 * 1024

async function read(
  path: string,
  signal = new AbortController().signal,
  afterPiece = (_: number): void => {},
): Promise<Buffer> {
  const parts: Buffer[] = []
  const source = await findSource(path)
  await source.read(signal, async (bytes) => {
    for await (const piece of piecesOf(bytes, signal)) {
      const part = piece instanceof Uint8Array ? piece : readPart(piece)
      parts.push(Buffer.from(part))
      afterPiece(parts.length)
    }
  })
  return Buffer.concat(parts)
}

function readPart({ fd, position, length }: FilePart): Uint8Array {
  const bytes = new Uint8Array(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position))
}

describe('a file', () => {
  test.each([0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])('of %i bytes is read in full', async (length) => {
    const path = join(directory, `file-${length}`)
    const bytes = noise('file', length)
    writeFileSync(path, bytes)
    expect((await read(path)).equals(bytes)).toBe(true)
    expect((await findSource(path)).size).toBe(length || undefined)
  })

  const changes: [what: string, change: (path: string) => void][] = [
    ['grows', (path) => appendFileSync(path, 'x')],
    ['shrinks', (path) => truncateSync(path, 3 * MIB)],
    ['becomes empty', (path) => truncateSync(path, 0)],
    ['is written to', (path) => writeFileSync(path, noise('other', 4 * MIB))],
    ['gets another time', (path) => utimesSync(path, 1, 1)],
  ]
  test.each(changes)('that %s while it is read is refused', async (what, change) => {
    const path = join(directory, `changed-${what}`)
    writeFileSync(path, noise('changed', 4 * MIB))
    const reading = read(path, undefined, (pieces) => {
      if (pieces === 2) change(path)
    })
    await expect(reading).rejects.toThrow(Failure)
    await expect(reading).rejects.toThrow(/changed-.* changed while it was read/s)
  })

  test('that the kernel makes up as it is read is read in full', async () => {
    expect((await read('/proc/self/status')).toString()).toContain('Name:')
  })

  test('that is a directory is refused', async () => {
    mkdirSync(join(directory, 'dir'))
    await expect(findSource(join(directory, 'dir'))).rejects.toThrow(
      /is a directory, which cannot be read as a file/,
    )
  })
})

describe('a named pipe', () => {
  test('is read to its end', async () => {
    const path = join(directory, 'pipe')
    execFileSync('mkfifo', [path])
    const bytes = noise('pipe', MIB)
    writeFileSync(join(directory, 'piped'), bytes)
    const reading = read(path)
    spawn('sh', ['-c', `sleep 0.1; cat ${directory}/piped > ${path}`], { stdio: 'ignore' })
    expect((await reading).equals(bytes)).toBe(true)
  })

  test('that nobody writes to can be given up', async () => {
    const path = join(directory, 'silent')
    execFileSync('mkfifo', [path])
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), 50)
    await expect(read(path, controller.signal)).rejects.toThrow('enough')
  })

  test('that has been given up before it is opened tells of it, and of nothing else', async () => {
    const path = join(directory, 'given-up')
    execFileSync('mkfifo', [path])
    await expect(read(path, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})
