/**
 * Parts of a file are read by other threads, by its descriptor: once a put has ended, however it did, none of them
 * reads any more, so that the descriptor can be closed, and its number be another file's. Here the reads are slow.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import type { OpenFile, PutOptions } from '../../src/blob/blob-source.js'
import type { FilePart, ScannedBytes } from '../../src/parallel/jobs.js'
import { WatchedStore } from '../sequence/watched-store.js'
import { newContext } from './contexts.js'

const MIB = 1024 * 1024

/** Reads begun and not ended, and how many there were at most. */
let [underWay, most] = [0, 0]
/** What reading the part at a position throws. */
const failures = new Map<number, Error>()

vi.mock('../../src/parallel/pool.js', async (original) => {
  const pool = await original<typeof import('../../src/parallel/pool.js')>()
  const runJob = (name: string, byteCount: number, ...args: unknown[]): unknown =>
    name === 'readAndScan'
      ? slowRead(args[0] as Uint8Array, args[2] as FilePart)
      : pool.runJob(name as 'scan', byteCount, ...(args as [Uint8Array, number]))
  return { ...pool, runJob }
})

/** As the job does it, the later parts before the earlier ones, and failures first. */
async function slowRead(memory: Uint8Array, { position }: FilePart): Promise<ScannedBytes> {
  most = Math.max(most, ++underWay)
  const failure = failures.get(position)
  const delayMs = failure === undefined ? 20 - 3 * ((position / MIB) % 5) : 1
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  underWay--
  if (failure !== undefined) throw failure
  return { bytes: memory.fill(position / MIB), offsets: new Uint32Array(0) }
}

function file(parts: number): OpenFile {
  return { fd: 1_000_000, stat: async () => ({ size: parts * MIB, isFile: () => true }) }
}

beforeEach(() => {
  most = 0
  failures.clear()
})

afterEach(() => {
  expect(underWay).toBe(0)
})

/** What the put of a file of so many parts rejects with; nothing is read any more then. */
async function rejection(parts: number, options?: PutOptions, store?: WatchedStore): Promise<unknown> {
  return Blob.put(newContext(undefined, store), file(parts), options).then(
    () => expect.fail('resolved where it was expected to reject'),
    (error: unknown) => {
      expect(underWay).toBe(0)
      return error
    },
  )
}

test('some parts are read at once, and a bounded number', async () => {
  const blob = await Blob.put(newContext(), file(20))
  expect(underWay).toBe(0)
  expect(most).toBeGreaterThan(2)
  expect(most).toBeLessThan(8)
  const bytes = await blob.bytes()
  expect(bytes.length).toBe(20 * MIB)
  for (let part = 0; part < 20; part++) expect(bytes[part * MIB + 5]).toBe(part)
})

describe('nothing is read any more once a put has ended', () => {
  // Of four parts the first is waited for when all of them have been begun.
  test.each([
    [0, 20],
    [12, 20],
    [19, 20],
    [0, 4],
    [2, 4],
  ])('because part %i of %i cannot be read', async (part, parts) => {
    const failure = new Error('the disk is gone')
    failures.set(part * MIB, failure)
    expect(await rejection(parts)).toMatchObject({ code: 'NOMSY_SOURCE_FAILED', cause: failure })
  })

  test('because it is aborted', async () => {
    for (const mostParts of [1, 7]) {
      const [controller, reason] = [new AbortController(), new Error('enough')]
      let parts = 0
      const onProgress = (bytes: number): void => {
        if (bytes > 0 && ++parts === mostParts) controller.abort(reason)
      }
      expect(await rejection(20, { signal: controller.signal, onProgress })).toBe(reason)
      expect(parts).toBe(mostParts)
    }
  })

  test('because its store fails, or whoever is told of its progress', async () => {
    const failure = new Error('no space left')
    const store = new (class extends WatchedStore {
      override put = async (): Promise<number> => Promise.reject(failure)
    })()
    expect(await rejection(20, {}, store)).toBe(failure)
    const onProgress = (): never => {
      throw failure
    }
    expect(await rejection(20, { onProgress })).toBe(failure)
  })

  test('because a splice by the file fails', async () => {
    const blob = await Blob.put(newContext(), new Uint8Array(100_000))
    failures.set(MIB, new Error('the disk is gone'))
    await expect(blob.splice(50_000, 0, file(4))).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED' })
    expect(underWay).toBe(0)
  })
})
