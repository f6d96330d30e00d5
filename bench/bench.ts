/** What a bench is: one question, answered with figures by one run in a process of its own. */

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Database, open } from '../src/index.js'
import type { Input } from './input.js'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

export interface Bench {
  readonly question: string
  run(context: BenchContext): Promise<Figure[]>
}

/** What a run works with. */
export interface BenchContext {
  readonly input: Input
  /** An empty directory, removed afterwards. */
  readonly directory: string
}

/** Calls `body` with a new directory under `parent`. */
export async function withDirectory<T>(parent: string, body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(parent, 'nomsy-bench-'))
  try {
    return await body(directory)
  } finally {
    // Again where a process that was just ended still wrote something.
    await rm(directory, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** Opens the store of a run. */
export function openStore({ directory }: BenchContext): Promise<Database> {
  return open(join(directory, 'store'))
}

/** Bytes of all files under `directory`. */
export async function storedBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      // The room that a store keeps for itself may go meanwhile, and is none of what is stored.
      .filter((entry) => entry.isFile() && entry.name !== 'ballast')
      .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Seconds that `body` takes. */
export async function seconds(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await body()
  return (performance.now() - start) / 1000
}

/** Megabytes (10^6) per second. */
export function rate(bytes: number, elapsed: number): number {
  return bytes / 1e6 / elapsed
}

/** Highest memory that the process has had, in MiB. */
export function peakMemory(): Figure {
  return { name: 'peak memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' }
}

/** The value below which the share `quantile` of `sorted` lies. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
