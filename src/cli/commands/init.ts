/** nomsy init: makes a store. */

import { resolve } from 'node:path'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { UsageError } from '../failure.js'
import { LOCAL_STORE, namedStore } from '../store-location.js'

export const usage: CommandUsage = {
  summary: 'make a store',
  arguments: [
    ['[path]', `where; left out: what --store or NOMSY_STORE says, else ${LOCAL_STORE} in this directory`],
  ],
  options: [],
  notes: `A store called ${LOCAL_STORE} is found from its directory and all below it. Making a store that is there already
changes nothing.`,
  examples: ['nomsy init', 'nomsy init /mnt/backup/nomsy'],
}

export async function run(context: CommandContext, _options: object, path?: string): Promise<void> {
  const option = context.storeOption
  if (path !== undefined && option !== undefined && path !== option) {
    throw new UsageError(`init ${path} with --store ${option}: name one place`)
  }
  const db = await context.openOrCreate(path ?? namedStore(option, process.env) ?? resolve(LOCAL_STORE))
  await db.flush()
  if (context.json) await context.output.line(JSON.stringify({ store: db.store.location }))
}
