/** nomsy gc: gives back the room of what nothing needs. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { counted } from '../counted.js'
import { namingLost } from '../lost-chunk.js'
import { formatSize } from '../size.js'

export const usage: CommandUsage = {
  summary: 'free the room of what no name and no pin needs',
  arguments: [],
  options: [{ flags: '-n, --dry-run', description: 'say what would be freed, and free nothing' }],
  notes: `Kept is all that names and pins hold, with the whole history of names that have commits; 'nomsy expire' makes
histories shorter. Nothing is freed where something that is to be kept is missing or damaged: 'nomsy check' says what, and
'nomsy rm' gives it up.`,
  examples: ['nomsy gc --dry-run', 'nomsy rm disk-monday && nomsy gc'],
}

export async function run(context: CommandContext, { dryRun = false }: { dryRun?: boolean }): Promise<void> {
  const { json, output, signal } = context
  const db = dryRun ? await context.openToRead() : await context.openToWrite({ makesRoom: true })
  using progress = context.progress('gc')
  const collected = await namingLost(db, signal, () => db.gc({ dryRun, signal }))
  progress.end()
  if (json) return output.report(JSON.stringify({ dryRun, ...collected }))
  const { keptChunks, freedChunks, freedBytes, storedBytes } = collected
  const room = storedBytes === undefined ? '' : `, ${formatSize(Math.max(0, storedBytes))} on disk`
  const freed = `${counted(freedChunks, 'chunk')} of ${formatSize(freedBytes)}${room}`
  await output.report(`${dryRun ? 'would free' : 'freed'} ${freed}; ${counted(keptChunks, 'chunk')} stay`)
}
