/** Asks all contenders one question: in every run each has its turn, another one being the first each time. */

import { chmod, mkdir, mkdtemp, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { type Figure, storedBytes } from '../bench.js'
import { needRoom } from '../machine.js'
import { type Summary, summarize } from '../summary.js'
import { type Contender, repositoryIn } from './contender.js'
import type { Runner } from './runner.js'
import type { Place, Task } from './task.js'

export interface Comparison {
  readonly results: readonly Result[]
  readonly failures: readonly { readonly name: string; readonly message: string }[]
  readonly ratios: readonly Ratio[]
}

export interface Result {
  readonly contender: Contender
  readonly figures: readonly Summary[]
}

/** How a median of nomsy's compares with a peer's in the same runs: below 1, nomsy needs less. */
export interface Ratio {
  readonly figure: string
  readonly nomsy: string
  readonly peer: string
  readonly ratio: number
  /** Whether no peer needed less. */
  readonly isBestPeer: boolean
}

export interface CompareOptions {
  readonly task: Task
  readonly files: readonly string[]
  readonly contenders: readonly Contender[]
  readonly runs: number
  /** A directory to make and work in. */
  readonly directory: string
  readonly runner: Runner
}

/** Room for a store, compared with what is stored in it. */
const ROOM_FACTOR = 1.1

export async function compare(options: CompareOptions): Promise<Comparison> {
  const { task, runs, directory } = options
  const runsOf = new Map<Contender, Figure[][]>(options.contenders.map((contender) => [contender, []]))
  const places = new Map<Contender, Place>()
  const failures: { name: string; message: string }[] = []
  await mkdir(directory)
  await needRoom(directory, await roomFor(options))
  for (let run = 0; run < runs; run++) {
    for (const contender of rotated([...runsOf.keys()], run)) {
      process.stderr.write(`  run ${run + 1} of ${runs}: ${contender.name}\n`)
      try {
        const place = places.get(contender) ?? (await newPlace(contender, options))
        runsOf.get(contender)!.push(await task.run(place))
        if (task.readsOnly) places.set(contender, place)
        else await emptyFiles(place.directory)
      } catch (error) {
        options.runner.stop.throwIfAborted()
        runsOf.delete(contender)
        failures.push({ name: contender.name, message: (error as Error).message })
      }
    }
  }
  for (const place of places.values()) await emptyFiles(place.directory)
  const results = [...runsOf].map(([contender, runs]) => ({ contender, figures: summarize(runs) }))
  return { results, failures, ratios: task.compared.flatMap((figure) => ratiosOf(figure, results)) }
}

async function newPlace(contender: Contender, options: CompareOptions): Promise<Place> {
  const { task, files, runner } = options
  const directory = await mkdtemp(join(options.directory, 'place-'))
  await mkdir(repositoryIn(directory))
  if (contender.init !== undefined) await runner.run(contender.init(directory))
  const place = { contender, directory, files, shared: options.directory, runner }
  await task.prepare?.(place)
  return place
}

/**
 * Gives back the room that files take, and leaves them there: ext4 makes whoever creates many files soon after many
 * were deleted pay for that.
 */
async function emptyFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await chmod(path, 0o600)
    await truncate(path)
  }
}

/** Bytes that all this takes at most: stores, of files that may not shrink, and what is beside them. */
async function roomFor({ task, files, contenders }: CompareOptions): Promise<number> {
  const sizes = await Promise.all(
    files.map(async (file) => {
      const stats = await stat(file)
      return stats.isDirectory() ? storedBytes(file) : stats.size
    }),
  )
  return sum(sizes) * (task.readsOnly ? contenders.length + 1 : 4) * ROOM_FACTOR
}

function ratiosOf(figure: string, results: readonly Result[]): Ratio[] {
  const medians = results.map(({ contender, figures }) => ({
    contender,
    median: figures.find(({ name }) => name === figure)!.median,
  }))
  const peers = medians.filter(({ contender }) => !contender.isNomsy)
  const best = Math.min(...peers.map(({ median }) => median))
  return medians
    .filter(({ contender }) => contender.isNomsy)
    .flatMap((nomsy) =>
      peers.map(({ contender, median }) => ({
        figure,
        nomsy: nomsy.contender.name,
        peer: contender.name,
        ratio: nomsy.median / median,
        isBestPeer: median === best,
      })),
    )
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const at = by % values.length
  return [...values.slice(at), ...values.slice(0, at)]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
