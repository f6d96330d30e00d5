/** nomsy check: whether everything is there and as it was written. */

import type { Problem } from '../../database/check/check.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure, UsageError } from '../failure.js'
import { findRef } from '../objects/find-object.js'
import { printable } from '../printable.js'

export const usage: CommandUsage = {
  summary: 'verify the store, or one object: its structure, or every byte',
  arguments: [['[object]', 'a name or ref; left out: everything that names and pins hold']],
  options: [
    { flags: '--data', description: 'read and re-hash every stored byte too' },
    { flags: '--sample <share>', description: 'read and re-hash a random share: 5%', parse: parseShare },
    {
      flags: '--seed <number>',
      description: 'of an earlier --sample, to read the same share',
      parse: parseSeed,
    },
    { flags: '--resume', description: 'with --data: go on where the last one was interrupted' },
  ],
  notes: `Without an option follows all names and pins: every commit and node is read and held against the rules, and the
data of blobs has to be there. That finds what is missing, and not every flipped bit of data: --data does.
Prints a line for each problem: what is wrong, and which bytes or items of which object cannot be read because of it.
Exits with 1 if there is any; what 'nomsy repair' has found to be lost is none. With --json the last line is
{problems, known}, how many there are of each.`,
  examples: [
    'nomsy check',
    'nomsy check --data',
    'nomsy check --data --resume',
    'nomsy check --sample 5%',
    'nomsy check disk --data',
  ],
}

interface CheckOptions {
  readonly data?: boolean
  readonly sample?: number
  readonly seed?: number
  readonly resume?: boolean
}

export async function run(context: CommandContext, options: CheckOptions, object?: string): Promise<void> {
  const { data = false, resume = false } = options
  if (data && options.sample !== undefined) throw new UsageError('--data reads all; leave out --sample')
  if (resume && !data) throw new UsageError('--resume goes on with --data')
  if (resume && object !== undefined)
    throw new UsageError('--resume is for all of the store; leave out the object')
  if (options.seed !== undefined && options.sample === undefined)
    throw new UsageError('--seed is for --sample')
  const sample =
    options.sample === undefined ? undefined : { share: options.sample, seed: options.seed ?? newSeed() }
  const db = await context.openToRead()
  const ref = object === undefined ? undefined : await findRef(db, object)
  const size = ref !== undefined && data ? (await db.blob(ref).catch(() => undefined))?.size : undefined
  const counts = { problems: 0, known: 0 }
  const report = async (problem: Problem): Promise<void> => {
    if (problem.isKnown === true) counts.known++
    else {
      counts.problems++
      // Whoever stops reading is not to be told that all is well.
      context.exitCode = 1
    }
    await context.output.report(context.json ? JSON.stringify(problem) : printable(problem.message))
  }
  if (context.damage !== undefined) await report({ message: context.damage })
  using progress = context.progress('check', size)
  const { signal } = context
  const name = object === undefined ? {} : { name: object, ref }
  for await (const problem of db.check({ data, sample, resume, signal, onProgress: progress.add, ...name })) {
    // What kept writers out is often met by readers again.
    if (problem.message !== context.damage) await report(problem)
  }
  progress.end()
  if (context.json) await context.output.report(JSON.stringify(counts))
  conclude(context, object ?? db.store.location, data, sample, counts)
}

function conclude(
  context: CommandContext,
  what: string,
  data: boolean,
  sample: { readonly share: number; readonly seed: number } | undefined,
  { problems, known }: { readonly problems: number; readonly known: number },
): void {
  const read =
    sample === undefined
      ? data
        ? ''
        : ', its data not read'
      : `, ${sample.share * 100}% of its data read (--seed ${sample.seed})`
  if (problems > 0) {
    const count = problems === 1 ? '1 problem' : `${problems} problems`
    throw new Failure(
      `${what}: ${count}${read}; storing the same data again brings damaged and missing chunks back (directories with 'put --no-state'), and so may 'nomsy repair'`,
    )
  }
  const lost =
    known === 0
      ? 'all is well'
      : `nothing new is wrong; ${known === 1 ? 'one thing is' : `${known} things are`} known to be lost`
  context.note(`${what}: ${lost}${read}`)
}

function parseShare(text: string): number {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? []
  const share = Number(percent) / 100
  if (!(share > 0 && share <= 1))
    throw new UsageError(`--sample ${text}: a share is above 0% and up to 100%, such as 5%`)
  return share
}

function parseSeed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--seed ${text}: a seed is a whole number`)
  return Number(text)
}

function newSeed(): number {
  return Date.now() % 2 ** 32
}
