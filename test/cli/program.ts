/** Runs the built program as a user does: `node dist/cli/main.js` in a directory of its own. */

import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const { PATH } = process.env

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Outcome {
  /** Exit status; null where a signal ended it. */
  readonly code: number | null
  readonly bytes: Buffer
  /** Standard output as text. */
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  /** What standard input gives; nothing where left out. */
  readonly input?: Uint8Array | string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Standard input, output and error for spawn, in place of pipes. */
  readonly stdio?: [number | 'pipe', number | 'pipe', 'pipe']
  /** Whether it runs as a user who may write nothing but what everyone may. */
  readonly asNobody?: boolean
}

export type Running = ChildProcessByStdio<Writable, Readable, Readable>

/** Where this file's tests have worked. */
const directories: string[] = []
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** A directory that is there until the file's tests have ended, with a store in it for {@link Workplace.nomsy}. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'nomsy-cli-'))
  readonly store: string

  constructor(storeKind: '' | 'level:' = '') {
    this.store = storeKind + this.path('store')
    // For those who run as somebody else.
    chmodSync(this.directory, 0o755)
    directories.push(this.directory)
  }

  path(...names: string[]): string {
    return join(this.directory, ...names)
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    const spawnOptions: SpawnOptions = {
      cwd: options.cwd ?? this.directory,
      env: { PATH, HOME: this.path('home'), NOMSY_STORE: this.store, ...options.env },
      stdio: options.stdio ?? 'pipe',
      ...(options.asNobody === true && process.getuid?.() === 0 && { uid: 65534, gid: 65534 }),
    }
    return spawn(process.execPath, [MAIN, ...args], spawnOptions) as Running
  }

  /** Runs the program to its end. */
  nomsy(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const child = this.start(args, options)
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
    return outcomeOf(child)
  }

  /** As {@link nomsy}, for what is to go well: gives standard output as text. */
  async ok(...args: string[]): Promise<string> {
    const { code, out, err } = await this.nomsy(args)
    if (code !== 0) throw new Error(`nomsy ${args.join(' ')} exited with ${code}: ${err}`)
    return out
  }

  /** Stores bytes and gives their ref. */
  async put(input: Uint8Array | string, ...args: string[]): Promise<string> {
    const { code, out, err } = await this.nomsy(['put', '-', ...args], { input })
    if (code !== 0) throw new Error(`put exited with ${code}: ${err}`)
    return out.slice(0, 32)
  }
}

export function outcomeOf(child: Running): Promise<Outcome> {
  const out: Buffer[] = []
  let err = ''
  child.stdout?.on('data', (data: Buffer) => out.push(data))
  child.stderr?.on('data', (data: Buffer) => {
    err += data.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const bytes = Buffer.concat(out)
      resolve({ code, bytes, out: bytes.toString(), err })
    })
  })
}

/** `length` bytes without a pattern, the same for the same seed. */
export function noise(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** What --json prints a line of; each command has its own of these. */
export interface JsonLine {
  readonly ref: string
  readonly name: string
  readonly size: number
  readonly names: string[]
  readonly chunks: number
  readonly levels: { readonly level: number; readonly nodes: number; readonly max: number }[]
  readonly offset: number
  readonly length: number
}

/** The JSON objects of a run's lines. */
export function jsonLines(out: string): JsonLine[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonLine)
}
