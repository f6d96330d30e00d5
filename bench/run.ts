/**
 * Runs benches: `npm run bench -- [NAME...] [--file PATH] [--mib N] [--runs N] [--dir DIR]`. Each run has a process
 * and a store of its own; what is printed are medians, and beside them the spread, lowest to highest. The same goes
 * to build/bench-results.json.
 */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { arch, cpus, platform, tmpdir, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { type Bench, type Figure, withDirectory } from './bench.js'
import { fromFile, generated, type Input } from './input.js'
import { put } from './put.js'
import { randomRead } from './random-read.js'
import { read } from './read.js'
import { splice } from './splice.js'

const BENCHES: Readonly<Record<string, Bench>> = { put, read, 'random-read': randomRead, splice }
const SEED = 'nomsy'
const DEFAULT_MIB = 1024
const DEFAULT_RUNS = 3

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string' },
    mib: { type: 'string', default: String(DEFAULT_MIB) },
    runs: { type: 'string', default: String(DEFAULT_RUNS) },
    dir: { type: 'string', default: tmpdir() },
    once: { type: 'string' },
  },
})

if (values.once === undefined) await report(positionals.length > 0 ? positionals : Object.keys(BENCHES))
else process.stdout.write(JSON.stringify(await runOnce(values.once)))

async function openInput(): Promise<Input> {
  return values.file === undefined ? generated(Number(values.mib) * 2 ** 20, SEED) : fromFile(values.file)
}

async function runOnce(name: string): Promise<Figure[]> {
  const input = await openInput()
  return withDirectory(values.dir, (directory) => bench(name).run({ input, directory }))
}

async function report(names: readonly string[]): Promise<void> {
  const input = await openInput()
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}`
  const about = {
    date: new Date().toISOString(),
    machine,
    node: process.version,
    input: input.name,
    runs: Number(values.runs),
  }
  console.log(
    Object.entries(about)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n'),
  )
  const results = []
  for (const name of names) {
    console.log(`\n${name}: ${bench(name).question}`)
    const runs: Figure[][] = []
    for (let run = 0; run < about.runs; run++) runs.push(await runApart(name))
    const figures = runs[0]!.map((figure, index) =>
      summary(
        figure,
        runs.map((run) => run[index]!.value),
      ),
    )
    for (const { name, median, low, high, unit } of figures) {
      console.log(
        `  ${name.padEnd(24)} ${show(median).padStart(10)} ${unit.padEnd(5)} (${show(low)} to ${show(high)})`,
      )
    }
    results.push({ bench: name, figures })
  }
  await writeFile(
    new URL('../bench-results.json', import.meta.url),
    `${JSON.stringify({ ...about, results }, null, 2)}\n`,
  )
}

function bench(name: string): Bench {
  const found = BENCHES[name]
  if (found === undefined) throw new RangeError(`no bench '${name}': ${Object.keys(BENCHES).join(', ')}`)
  return found
}

async function runApart(name: string): Promise<Figure[]> {
  const args = [fileURLToPath(import.meta.url), '--once', name, '--mib', values.mib, '--dir', values.dir]
  if (values.file !== undefined) args.push('--file', values.file)
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Figure[]
}

interface Summary {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly low: number
  readonly high: number
}

function summary({ name, unit }: Figure, values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    name,
    unit,
    median: sorted[sorted.length >> 1]!,
    low: sorted[0]!,
    high: sorted[sorted.length - 1]!,
  }
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3)
}
