/** What a task is: one question, asked of all contenders on the same files. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Figure, storedBytes } from '../bench.js'
import { type Contender, repositoryIn } from './contender.js'
import type { Cost, Runner } from './runner.js'

export interface Task {
  readonly question: string
  /** The inputs of the corpus that it takes, in turn; each is a list of files. */
  readonly inputs: readonly (readonly string[])[]
  /** Whether it takes all files that --file names at once, and not one after the other. */
  readonly takesSeries?: boolean
  /** Figures for which ratios are given; less is better. */
  readonly compared: readonly string[]
  /** Whether one repository serves all runs, `prepare` having been called once. */
  readonly readsOnly: boolean
  /** Whether `contender` can do it, and does the same job as others on files that shrink or do not. */
  canAsk(contender: Contender, filesShrink: boolean): boolean
  /** What comes before a run in a new repository, and is not measured. */
  prepare?(place: Place): Promise<void>
  run(place: Place): Promise<Figure[]>
}

/** Where a contender works. */
export interface Place {
  readonly contender: Contender
  /** Its own; the repository is in there, made and empty. */
  readonly directory: string
  readonly files: readonly string[]
  /** For files that all contenders share. */
  readonly shared: string
  readonly runner: Runner
}

/** Who stores whole files; of those, where files shrink, who compresses. */
export function storesAlike({ change, compresses }: Contender, filesShrink: boolean): boolean {
  return change === undefined && (compresses || !filesShrink)
}

/** The unit of `stat.blocks`, whatever the file system's own is. */
const BLOCK_BYTES = 512

/** The name of the figure that says how long something took. */
export const TIME = 'time'

export function costFigures({ seconds, processorSeconds, peakMib }: Cost): Figure[] {
  return [
    { name: TIME, value: seconds, unit: 's' },
    ...(processorSeconds === undefined ? [] : [{ name: 'processor', value: processorSeconds, unit: 's' }]),
    ...(peakMib === undefined ? [] : [{ name: 'peak memory', value: peakMib, unit: 'MiB' }]),
  ]
}

/** Bytes of all files of the repository. */
export function repositoryBytes({ directory }: Place): Promise<number> {
  return storedBytes(repositoryIn(directory))
}

/** What the repository holds, and what the file system takes for it, whose files end on whole blocks. */
export async function storedFigures(place: Place): Promise<Figure[]> {
  return [
    { name: 'stored', value: (await repositoryBytes(place)) / 1e6, unit: 'MB' },
    { name: 'on disk', value: (await diskBytes(repositoryIn(place.directory))) / 1e6, unit: 'MB' },
  ]
}

async function diskBytes(directory: string): Promise<number> {
  let blocks = (await stat(directory)).blocks
  for (const { parentPath, name } of await readdir(directory, { recursive: true, withFileTypes: true })) {
    blocks += (await stat(join(parentPath, name))).blocks
  }
  return blocks * BLOCK_BYTES
}
