/**
 * Runs benches: `npm run bench -- [NAME...] [--file PATH] [--mib N] [--sizes GIB,GIB] [--runs N] [--dir DIR]`. Each
 * run has a process and a store of its own; what is printed are medians, and beside them the spread, lowest to
 * highest. The same goes to build/bench-results.json, and what growth finds to build/growth.svg.
 */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { exitCodeOf } from '../src/cli/failure.js'
import { listenForStop } from '../src/cli/signals.js'
import { type Bench, type Figure, withDirectory } from './bench.js'
import { collections } from './collections.js'
import { diff } from './diff.js'
import { growth, plotGrowth } from './growth.js'
import { fromFile, generated, type Input } from './input.js'
import { machine, needRoom, warmUpDisk } from './machine.js'
import { put } from './put.js'
import { randomRead } from './random-read.js'
import { read } from './read.js'
import { splice } from './splice.js'
import { startUp } from './start-up.js'
import { type Summary, show, summarize } from './summary.js'

/** Those that run where none is named. */
const USUAL: Readonly<Record<string, Bench>> = { put, read, 'random-read': randomRead, splice }
const BENCHES: Readonly<Record<string, Bench>> = { ...USUAL, collections, diff, growth, 'start-up': startUp }
const SEED = 'nomsy'
const DEFAULT_MIB = 1024
const DEFAULT_SIZES_GIB = '1,4,16'
const DEFAULT_RUNS = 3
/** Room for a store, compared with what is stored in it. */
const ROOM_FACTOR = 1.1

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string' },
    mib: { type: 'string', default: String(DEFAULT_MIB) },
    sizes: { type: 'string', default: DEFAULT_SIZES_GIB },
    runs: { type: 'string', default: String(DEFAULT_RUNS) },
    dir: { type: 'string', default: tmpdir() },
    once: { type: 'string' },
  },
})

if (values.once === undefined) {
  const stop = listenForStop()
  try {
    await report(positionals.length > 0 ? positionals : Object.keys(USUAL), stop)
  } catch (error) {
    if (!stop.aborted) throw error
    process.exitCode = exitCodeOf(stop.reason)
  }
} else {
  const context = { input: await openInput(), directory: values.dir }
  process.stdout.write(JSON.stringify(await bench(values.once).run(context)))
}

function openInput(): Input | Promise<Input> {
  return values.file === undefined ? generated(Number(values.mib) * 2 ** 20, SEED) : fromFile(values.file)
}

async function report(names: readonly string[], stop: AbortSignal): Promise<void> {
  const benches = names.map((name) => ({ name, ...bench(name) }))
  const runs = Number(values.runs)
  const about = { date: new Date().toISOString(), ...machine(), runs }
  for (const [key, value] of Object.entries(about)) console.log(`${key}: ${value}`)
  const results = []
  for (const { name, question } of benches) {
    console.log(`\n${name}: ${question}`)
    if (name === 'growth') {
      const grown = await measureGrowth(runs, stop)
      await writeFile(new URL('../growth.svg', import.meta.url), plotGrowth(grown))
      results.push(...grown.map(({ gib, figures }) => ({ bench: name, gib, figures })))
    } else {
      const { name: input } = await openInput()
      console.log(`  ${input}`)
      const choice = values.file === undefined ? ['--mib', values.mib] : ['--file', values.file]
      const figures = await runMany(name, choice, runs, stop)
      print(figures)
      results.push({ bench: name, input, figures })
    }
  }
  await writeFile(
    new URL('../bench-results.json', import.meta.url),
    `${JSON.stringify({ ...about, results }, null, 2)}\n`,
  )
}

/** Growth has sizes of its own, one after the other. */
async function measureGrowth(
  runs: number,
  stop: AbortSignal,
): Promise<{ gib: number; figures: Summary[] }[]> {
  const sizes = values.sizes.split(',').map(Number)
  console.log(`  ${await needRoom(values.dir, Math.max(...sizes) * 2 ** 30 * ROOM_FACTOR)}`)
  await withDirectory(values.dir, warmUpDisk)
  const results = []
  for (const gib of sizes) {
    console.log(`  ${gib} GiB`)
    const figures = await runMany('growth', ['--mib', String(gib * 1024)], runs, stop)
    print(figures)
    results.push({ gib, figures })
  }
  return results
}

function bench(name: string): Bench {
  const found = BENCHES[name]
  if (found === undefined) throw new RangeError(`no bench '${name}': ${Object.keys(BENCHES).join(', ')}`)
  return found
}

async function runMany(
  name: string,
  choice: readonly string[],
  runs: number,
  stop: AbortSignal,
): Promise<Summary[]> {
  const figures: Figure[][] = []
  for (let run = 0; run < runs; run++) figures.push(await runApart(name, choice, stop))
  return summarize(figures)
}

function runApart(name: string, choice: readonly string[], stop: AbortSignal): Promise<Figure[]> {
  return withDirectory(values.dir, async (directory) => {
    const args = [fileURLToPath(import.meta.url), '--once', name, ...choice, '--dir', directory]
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal: stop })
    return JSON.parse(stdout) as Figure[]
  })
}

function print(figures: readonly Summary[]): void {
  for (const { name, median, low, high, unit } of figures) {
    console.log(
      `  ${name.padEnd(24)} ${show(median).padStart(10)} ${unit.padEnd(5)} (${show(low)} to ${show(high)})`,
    )
  }
}
