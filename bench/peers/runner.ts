/**
 * Runs commands, and says what they cost: time by this process' clock, processor time and peak memory by GNU time,
 * which counts all processes of a command. What is stopped leaves no process behind.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The file that it writes its output to, where that cannot be standard output. */
  readonly output?: string
}

export interface Cost {
  readonly seconds: number
  /** User and system time. Left out, as is `peakMib`, where there is no GNU time. */
  readonly processorSeconds?: number
  /** Of the largest process of the command. */
  readonly peakMib?: number
}

const GNU_TIME_NAMES = ['time', 'gtime']
/** Bytes at the end of what a command says of errors that are passed on. */
const ERROR_BYTES = 1500
const READ_BYTES = 1024 * 1024

export class Runner {
  /** Aborted when everything is to end. */
  readonly stop: AbortSignal
  /** For temporary files: those of commands, and what GNU time reports. */
  readonly #directory: string
  #gnuTime: string | undefined

  constructor(directory: string, stop: AbortSignal) {
    this.#directory = directory
    this.stop = stop
  }

  /** Finds GNU time and gives its name, if there is one. */
  async findGnuTime(): Promise<string | undefined> {
    for (const program of GNU_TIME_NAMES) {
      const words = await this.text({ program, args: ['--version'] }).catch(() => '')
      if (words.includes('GNU')) return (this.#gnuTime = program)
    }
    return undefined
  }

  async run(command: Command): Promise<void> {
    await this.#finish(this.#spawn(command, ['ignore', 'ignore', 'pipe']), command)
  }

  /** What `command` prints. */
  async text(command: Command): Promise<string> {
    const pieces: Buffer[] = []
    const child = this.#spawn(command, ['ignore', 'pipe', 'pipe'])
    child.stdout!.on('data', (piece: Buffer) => pieces.push(piece))
    await this.#finish(child, command)
    return Buffer.concat(pieces).toString()
  }

  /** SHA-256 of what `command` puts out. */
  async digest(command: Command): Promise<string> {
    if (command.output !== undefined) {
      await this.run(command)
      return fileDigest(command.output)
    }
    const child = this.#spawn(command, ['ignore', 'pipe', 'pipe'])
    const [digest] = await Promise.all([streamDigest(child.stdout!), this.#finish(child, command)])
    return digest
  }

  /**
   * What `commands` cost, one after the other, once files under `paths` are in memory and all that was written
   * before is on the disk. Their output goes nowhere, or where they write it.
   */
  async measure(commands: readonly Command[], paths: readonly string[]): Promise<Cost> {
    for (const path of paths) await readAll(path)
    for (const { output } of commands) if (output !== undefined) await rm(output, { force: true })
    await this.run({ program: 'sync', args: [] })
    const costs: Cost[] = []
    for (const command of commands) costs.push(await this.#measureOne(command))
    if (this.#gnuTime === undefined) return { seconds: sum(costs.map(({ seconds }) => seconds)) }
    return {
      seconds: sum(costs.map(({ seconds }) => seconds)),
      processorSeconds: sum(costs.map(({ processorSeconds }) => processorSeconds!)),
      peakMib: Math.max(...costs.map(({ peakMib }) => peakMib!)),
    }
  }

  async #measureOne(command: Command): Promise<Cost> {
    const report = join(this.#directory, 'gnu-time')
    const { program, args } = command
    const timed =
      this.#gnuTime === undefined
        ? command
        : { ...command, program: this.#gnuTime, args: ['-f', '%U %S %M', '-o', report, program, ...args] }
    const start = performance.now()
    await this.run(timed)
    const seconds = (performance.now() - start) / 1000
    if (this.#gnuTime === undefined) return { seconds }
    const [user, system, peakKib] = (await readFile(report, 'utf8')).trim().split(' ').map(Number)
    return { seconds, processorSeconds: user! + system!, peakMib: peakKib! / 1024 }
  }

  /** Starts `command` in a process group of its own, which can be ended as a whole. */
  #spawn({ program, args, env, cwd }: Command, stdio: StdioOptions): ChildProcess {
    this.stop.throwIfAborted()
    return spawn(program, args, {
      stdio,
      detached: true,
      cwd,
      env: { ...process.env, TMPDIR: this.#directory, ...env },
    })
  }

  async #finish(child: ChildProcess, { program, args }: Command): Promise<void> {
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    }
    let words = ''
    child.stderr!.on('data', (piece: Buffer) => (words = (words + piece.toString()).slice(-ERROR_BYTES)))
    this.stop.addEventListener('abort', end)
    try {
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      this.stop.throwIfAborted()
      if (code !== 0)
        throw new Error(`${[program, ...args].join(' ')}: ${signal ?? `exit ${code}`}: ${words}`)
    } finally {
      this.stop.removeEventListener('abort', end)
    }
  }
}

/** SHA-256 of a file. */
export function fileDigest(path: string): Promise<string> {
  return streamDigest(createReadStream(path, { highWaterMark: READ_BYTES }))
}

async function streamDigest(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of stream) hash.update(piece)
  return hash.digest('hex')
}

/** Reads a file, or all files under a directory, so that they are in memory. */
async function readAll(path: string): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES)
  for (const file of await filesAt(path)) {
    const fd = openSync(file, 'r')
    while (readSync(fd, buffer) > 0);
    closeSync(fd)
  }
}

async function filesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
