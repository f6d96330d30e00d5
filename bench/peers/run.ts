/**
 * Runs nomsy beside programs that do the same: `npm run bench:peers -- [TASK...] [--file PATH...] [--corpus DIR]
 * [--runs N] [--dir DIR]`. Those that are not installed are left out. What is printed are medians, beside them the
 * spread, and how many times as much nomsy takes as each peer in the same runs. The same goes to
 * build/bench-peers.json.
 */

import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exitCodeOf } from '../../src/cli/failure.js'
import { listenForStop } from '../../src/cli/signals.js'
import { withDirectory } from '../bench.js'
import { machine, warmUpDisk } from '../machine.js'
import { borgLz4, borgNone } from './borg.js'
import { bup } from './bup.js'
import { casync } from './casync.js'
import { compare } from './compare.js'
import type { Contender } from './contender.js'
import { inputsOf, shrinks } from './inputs.js'
import { insert } from './insert.js'
import { nomsy, nomsyFast, nomsyNone, nomsySplice } from './nomsy.js'
import { hyperblobs, ipfsUnixfs } from './packages.js'
import { put } from './put.js'
import { randomRead } from './random-read.js'
import { read } from './read.js'
import { restic } from './restic.js'
import { Runner } from './runner.js'
import { six } from './six.js'
import { tableOf } from './table.js'
import type { Task } from './task.js'
import { TREE_TASKS } from './trees.js'

const CONTENDERS: readonly Contender[] = [
  ...[nomsy, nomsyFast, nomsyNone, nomsySplice],
  ...[casync, restic, borgLz4, borgNone, bup, ipfsUnixfs, hyperblobs],
]
const TASKS: Readonly<Record<string, readonly Task[]>> = {
  put: [put],
  read: [read],
  insert: [insert],
  six: [six],
  'random-read': [randomRead],
  trees: TREE_TASKS,
}
const DEFAULT_RUNS = 3

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', multiple: true, default: [] },
    corpus: { type: 'string', default: join(tmpdir(), 'nomsy-corpus') },
    runs: { type: 'string', default: String(DEFAULT_RUNS) },
    dir: { type: 'string', default: tmpdir() },
  },
})

const stop = listenForStop()
try {
  await withDirectory(resolve(values.dir), report)
} catch (error) {
  if (!stop.aborted) throw error
  process.exitCode = exitCodeOf(stop.reason)
}

async function report(directory: string): Promise<void> {
  const questions = (positionals.length > 0 ? positionals : Object.keys(TASKS)).flatMap((name) => {
    return tasksOf(name).flatMap((task) =>
      inputsOf(task, values.corpus, values.file).map((files) => ({ name, task, files })),
    )
  })
  const runner = new Runner(directory, stop)
  const runs = Number(values.runs)
  const gnuTime = await runner.findGnuTime()
  const about = {
    date: new Date().toISOString(),
    ...machine(),
    directory: values.dir,
    runs,
    'GNU time':
      gnuTime ?? 'not there, so neither processor time nor peak memory; Debian: apt-get install time',
  }
  for (const [key, value] of Object.entries(about)) console.log(`${key}: ${value}`)

  const { present, absent } = await findContenders(runner)
  console.log()
  for (const { contender, version } of present) {
    console.log(`${contender.name}: ${version}; ${contender.notes}`)
  }
  for (const { contender, reason } of absent) console.log(`${contender.name}: skipped: ${reason}`)

  await warmUpDisk(directory)
  const answers = []
  for (const [index, { name, task, files }] of questions.entries()) {
    const filesShrink = await shrinks(files[0]!)
    const input = `${files.map((file) => basename(file)).join(', ')}${filesShrink ? '' : ' (does not shrink)'}`
    console.log(`\n${name}: ${task.question}\n  ${input}`)
    const contenders = present
      .map(({ contender }) => contender)
      .filter((contender) => task.canAsk(contender, filesShrink))
    const place = join(directory, String(index))
    const comparison = await compare({ task, files, contenders, runs, directory: place, runner })
    console.log(tableOf(comparison))
    if (comparison.failures.length > 0) process.exitCode = 1
    const results = comparison.results.map(({ contender, figures }) => ({ name: contender.name, figures }))
    answers.push({ task: name, input, ...comparison, results })
  }
  const contenders = [
    ...present.map(({ contender, version }) => ({ name: contender.name, version, notes: contender.notes })),
    ...absent.map(({ contender, reason }) => ({ name: contender.name, skipped: reason })),
  ]
  await writeFile(
    new URL('../../bench-peers.json', import.meta.url),
    `${JSON.stringify({ ...about, contenders, answers }, null, 2)}\n`,
  )
}

function tasksOf(name: string): readonly Task[] {
  const found = TASKS[name]
  if (found === undefined) throw new RangeError(`no task '${name}': ${Object.keys(TASKS).join(', ')}`)
  return found
}

async function findContenders(runner: Runner): Promise<{
  present: { contender: Contender; version: string }[]
  absent: { contender: Contender; reason: string }[]
}> {
  const present = []
  const absent = []
  for (const contender of CONTENDERS) {
    try {
      present.push({ contender, version: await contender.version(runner) })
    } catch (error) {
      runner.stop.throwIfAborted()
      absent.push({ contender, reason: (error as Error).message })
    }
  }
  return { present, absent }
}
