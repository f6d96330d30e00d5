/**
 * D4: a process that works on a store is killed as it makes a system call, at each of those that change a file or make a
 * change durable: when it makes a store, commits, begins a new segment, and opens what another one left.
 */

import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { Ledger, type Note } from '../crash/ledger.js'
import { contentsOf } from '../crash/scene.js'
import { requireRoot, share } from './requirements.js'

const CHILD = fileURLToPath(new URL('../crash/store-child.mjs', import.meta.url))

/** What changes files, and what makes that durable. */
const CALLS = [
  'write',
  'pwrite64',
  'pwritev',
  'fsync',
  'fdatasync',
  'ftruncate',
  'rename',
  'unlink',
  'mkdir',
  'openat',
]

/** Points tried of each call in each case: all, where there are no more. */
const MAX_POINTS = 60

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-strace-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

describe('a process that is killed at a system call', () => {
  test.for([
    { title: 'making a store', before: async () => {} },
    { title: 'going on with a store', before: (path: string) => run(path) },
    {
      title: 'opening what a killed one left, without its index',
      before: async (path: string) => {
        await run(path, ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:signal=SIGKILL:when=9'])
        await rm(join(path, 'index'), { recursive: true })
      },
    },
  ])('loses nothing that was acknowledged: $title', async ({ title, before }, context) => {
    requireRoot(context, `kills at system calls, ${title}`, 'strace')
    const start = join(directory, 'start')
    const path = join(directory, 'store')
    await rm(start, { recursive: true, force: true })
    await before(start)
    const seen = await contentsAt(start)
    const problems: string[] = []
    let points = 0
    let killed = 0
    for (const call of CALLS) {
      const count = await countCalls(start, path, call)
      for (const at of pointsOf(count)) {
        await copyStore(start, path)
        const ledger = new Ledger()
        if (seen !== undefined) ledger.take({ kind: 'opened', seen })
        const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${at}`]
        const { notes, isKilled } = await run(path, inject)
        for (const note of notes) ledger.take(note)
        points++
        killed += isKilled ? 1 : 0
        problems.push(
          ...(await problemsOf(path, ledger).catch((error) => [String(error)])).map(
            (problem) => `${call} ${at} of ${count}: ${problem}`,
          ),
        )
      }
    }
    console.log(
      `kills at system calls, ${title}: ${points} points, ${killed} killed there, ${problems.length} violations`,
    )
    expect(problems.slice(0, 10)).toEqual([])
    // Which thread makes a call when is not always the same: some are made once less.
    expect(killed).toBeGreaterThan(points * 0.9)
    expect(points).toBeGreaterThan(share(40))
  })
})

/** From 1 to `count`, evenly, where not all are tried. */
function pointsOf(count: number): number[] {
  const wanted = Math.min(count, share(MAX_POINTS))
  return Array.from({ length: wanted }, (_, index) => 1 + Math.floor((index * count) / wanted))
}

interface Run {
  /** What the process said. */
  readonly notes: readonly Note[]
  readonly isKilled: boolean
}

/** Works on the store under strace, which counts the calls of each thread: nearly all are made by a single one. */
function run(path: string, strace: readonly string[] = ['-e', 'trace=none']): Promise<Run> {
  return new Promise((resolve, reject) => {
    // With --seccomp-bpf, which is faster, strace 6.1 kills at the first call only.
    const args = ['-f', '-qq', '-o', '/dev/null', ...strace]
    const child = execFile(
      'strace',
      [...args, process.execPath, CHILD, built.path, path, 'once'],
      { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, UV_THREADPOOL_SIZE: '1' } },
      (error, stdout, stderr) => {
        const isKilled = error !== null && (error.signal === 'SIGKILL' || error.code === 137)
        if (error !== null && !isKilled) return reject(new Error(stderr))
        const lines = stdout.split('\n').slice(0, -1)
        const notes = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Note)
        resolve({ notes, isKilled })
      },
    )
    child.stdin!.on('error', () => {})
    child.stdin!.write('go\n')
  })
}

/** How often the thread makes the call that makes it most often. */
async function countCalls(start: string, path: string, call: string): Promise<number> {
  await copyStore(start, path)
  const trace = join(directory, 'trace')
  await run(path, ['-e', `trace=${call}`, '-o', trace])
  const counts = new Map<string, number>([['', 0]])
  for (const line of (await readFile(trace, 'latin1')).split('\n')) {
    const [thread = ''] = line.split(' ')
    if (line.includes(`${call}(`)) counts.set(thread, (counts.get(thread) ?? 0) + 1)
  }
  return Math.max(...counts.values())
}

async function copyStore(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** What is in the store; undefined where there is none yet. */
async function contentsAt(path: string) {
  const copy = `${path}-looked-at`
  await copyStore(path, copy)
  try {
    const store = await SegmentStore.open(copy, { create: false }).catch(() => undefined)
    if (store === undefined) return undefined
    const seen = await contentsOf(store)
    await store.close()
    return seen
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

async function problemsOf(path: string, ledger: Ledger): Promise<string[]> {
  const store = await SegmentStore.open(path)
  try {
    const problems = ledger.problems(await contentsOf(store))
    for await (const { message } of store.check()) problems.push(message)
    return problems
  } finally {
    await store.close()
  }
}
