/** Large files that somebody writes to in the middle of every time that they are read. */

import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { open } from '../../../src/database/open.js'
import { noise } from '../../cli/program.js'

const MIB = 1024 * 1024

const home = mkdtempSync(join(tmpdir(), 'nomsy-changing-'))
afterAll(() => rmSync(home, { recursive: true }))

/** What is stored of a file of 24 MiB that `change` is called on whenever a part of it has been read. */
async function put(
  name: string,
  change: (file: string, calls: number) => void,
): Promise<{ file: string; stored: Uint8Array; size: number; message: string | undefined }> {
  const dir = mkdtempSync(join(home, name))
  const file = join(dir, name)
  writeFileSync(file, noise(name, 24 * MIB))
  await using db = await open('memory:')
  let calls = 0
  const { tree, problems, bytes } = await db.putTree(dir, {
    onProgress: (read) => {
      if (read > 0) change(file, ++calls)
    },
  })
  expect(problems.map((problem) => [problem.path, problem.isStored])).toEqual(
    problems.length === 0 ? [] : [[name, true]],
  )
  const entry = await tree.get(name)
  if (entry?.type !== 'file') throw new Error('it is no file')
  const blob = await tree.blob(name)
  expect(bytes).toBe(entry.size)
  return { file, stored: await blob.bytes(), size: entry.size, message: problems[0]?.message }
}

test('one that keeps growing is stored as long as it was when it was read last', async () => {
  const { file, stored, size, message } = await put('growing', (path) => appendFileSync(path, 'more'))
  expect(message).toBe('it changed while it was read')
  expect(size).toBeGreaterThan(24 * MIB)
  expect(size).toBeLessThan(statSync(file).size)
  expect(Buffer.compare(stored, readFileSync(file).subarray(0, size))).toBe(0)
})

test('one that keeps getting shorter is stored as far as it could be read', async () => {
  const { file, stored, size, message } = await put('shrinking', (path) =>
    truncateSync(path, Math.max(0, statSync(path).size - MIB)),
  )
  expect(message).toBe('it changed while it was read')
  expect(stored.length).toBe(size)
  expect(size).toBeGreaterThan(0)
  expect(Buffer.compare(stored, noise('shrinking', 24 * MIB).subarray(0, size))).toBe(0)
  expect(statSync(file).size).toBeLessThan(24 * MIB)
})

test('one that rests while it is read again is stored as it is then, and nothing is said', async () => {
  const { file, stored, message } = await put('resting', (path, calls) => {
    if (calls === 3) appendFileSync(path, 'more')
  })
  expect(message).toBeUndefined()
  expect(Buffer.compare(stored, readFileSync(file))).toBe(0)
})
