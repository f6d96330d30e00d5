/** nomsy init: makes a store. */

import { resolve } from 'node:path'
import type { Compression } from '../../store/segment/compression.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { compressionOption } from '../compression.js'
import { Failure, UsageError } from '../failure.js'
import { LOCAL_STORE, namedStore } from '../store-location.js'

export const usage: CommandUsage = {
  summary: 'make a store',
  arguments: [
    ['[path]', `where; left out: what --store or NOMSY_STORE says, else ${LOCAL_STORE} in this directory`],
  ],
  options: [
    compressionOption(
      'how the store packs what is put into it: none, zstd, or zstd:LEVEL from -7 (fast) to 19 (small); zstd:1 where left out',
    ),
  ],
  notes: `A store called ${LOCAL_STORE} is found from its directory and all below it. Making a store that is there already
changes nothing. The store remembers --compression; 'nomsy put --compression' packs one put otherwise.`,
  examples: ['nomsy init', 'nomsy init --compression zstd:9 /mnt/backup/nomsy'],
}

export async function run(
  context: CommandContext,
  { compression }: { readonly compression?: Compression },
  path?: string,
): Promise<void> {
  const option = context.storeOption
  if (path !== undefined && option !== undefined && path !== option) {
    throw new UsageError(`init ${path} with --store ${option}: name one place`)
  }
  const location = path ?? namedStore(option, process.env) ?? resolve(LOCAL_STORE)
  const db = await context.openOrCreate({ location, compression })
  await db.flush()
  if (compression !== undefined) await checkRemembered(location, compression)
  if (!context.madeStore) context.note(`${location} is a store already; nothing was changed`)
  if (context.json) await context.output.line(JSON.stringify({ store: db.store.location }))
}

/** Throws where the store was there already and packs in another way. */
async function checkRemembered(location: string, compression: Compression): Promise<void> {
  const { compressionAt } = await import('../../database/open.js')
  const remembered = await compressionAt(location)
  if (remembered === compression) return
  throw new Failure(
    `${location} is a store already and packs with ${remembered}; that is chosen when a store is made, 'nomsy put --compression ${compression}' packs one put otherwise`,
  )
}
