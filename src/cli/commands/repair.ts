/** nomsy repair: mends a store, and brings back what it has lost. */

import { createReadStream } from 'node:fs'
import { open, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobSource } from '../../blob/blob-source.js'
import type { Problem } from '../../database/check/check.js'
import type { Database } from '../../database/database.js'
import type { Repaired } from '../../database/repair.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { counted } from '../counted.js'
import { Failure } from '../failure.js'
import { printable } from '../printable.js'

export const usage: CommandUsage = {
  summary: 'mend a damaged store, and bring back damaged and missing chunks',
  arguments: [],
  options: [
    {
      flags: '--from <store>',
      description: 'a store to take chunks from: a copy, an older one, any that shares some',
    },
    {
      flags: '--seed <path...>',
      description: 'files, or directories of them, that hold the same bytes as blobs did',
    },
    { flags: '--dry-run', description: 'say what could be brought back, and change nothing' },
  ],
  notes: `Nobody else may have the store open. Makes its index anew, takes all good chunks out of damaged places, and mends
those: what lay there is kept in the store's directory 'damaged', which can be removed once all is well.
Prints a line for each thing mended and for each that stays lost, with what it affects; exits with 1 if anything does.
'nomsy check' then tells of it as known, until the chunk is stored again. With --json the last line is {found, lost}, how
many chunks have been brought back and how many have not.`,
  examples: [
    'nomsy repair --dry-run',
    'nomsy repair --from /mnt/backup/.nomsy',
    'nomsy repair --seed ~/photos --seed disk.img',
  ],
}

interface RepairOptions {
  readonly from?: string
  readonly seed?: readonly string[]
  readonly dryRun?: boolean
}

export async function run(context: CommandContext, options: RepairOptions): Promise<void> {
  const { from: location, seed: paths = [], dryRun = false } = options
  // What cannot be there to help is said before anything is changed.
  for (const path of paths) await stat(path)
  const from = location === undefined ? undefined : await context.openOther(location)
  try {
    await repair(context, dryRun, from, paths)
  } finally {
    await from?.close()
  }
}

async function repair(
  context: CommandContext,
  dryRun: boolean,
  from: Database | undefined,
  paths: readonly string[],
): Promise<void> {
  const report = async (json: object, words: string): Promise<void> => {
    await context.output.report(context.json ? JSON.stringify(json) : printable(words))
  }
  const mended: string[] = []
  if (!dryRun) await context.mend((message) => mended.push(message))
  for (const message of mended) await report({ mended: message }, message)
  const db = await (dryRun ? context.openToRead() : context.openToWrite())
  if (context.damage !== undefined) await report({ message: context.damage }, context.damage)
  using progress = context.progress('repair')
  const { found, lost } = await db.repair({
    from: from?.store,
    ...(paths.length > 0 && { seeds: () => filesIn(paths) }),
    dryRun,
    signal: context.signal,
    onProgress: progress.add,
  })
  progress.end()
  if (!dryRun)
    for await (const problem of db.check({ signal: context.signal })) await reportLost(problem, report)
  if (context.json) await context.output.report(JSON.stringify({ found, lost: lost.length }))
  conclude(context, db.store.location, dryRun, { found, lost })
}

async function reportLost(
  problem: Problem,
  report: (json: object, words: string) => Promise<void>,
): Promise<void> {
  await report(problem, problem.message)
}

function conclude(context: CommandContext, store: string, dryRun: boolean, { found, lost }: Repaired): void {
  const brought = `${counted(found, 'chunk')} ${dryRun ? 'could be ' : ''}brought back`
  if (lost.length === 0) return context.note(`${store}: ${brought}; nothing is lost`)
  const rest = dryRun ? 'would stay lost' : lost.length === 1 ? 'is lost' : 'are lost'
  throw new Failure(
    `${store}: ${brought}, ${counted(lost.length, 'chunk')} ${rest}; --from another store or --seed files that hold the same bytes may bring them back`,
  )
}

/** The bytes of files, and of all files in directories, one after the other; what cannot be read is passed over. */
async function* filesIn(paths: readonly string[]): AsyncGenerator<BlobSource> {
  for (const path of paths) {
    const found = await stat(path)
    if (found.isFile()) yield createReadStream(path)
    if (!found.isDirectory()) continue
    for await (const entry of await opendir(path)) {
      const inside = join(path, entry.name)
      if (entry.isDirectory()) yield* filesIn([inside])
      if (entry.isFile() && (await isReadable(inside))) yield createReadStream(inside)
    }
  }
}

async function isReadable(path: string): Promise<boolean> {
  return open(path, 'r').then(
    async (file) => {
      await file.close()
      return true
    },
    () => false,
  )
}
