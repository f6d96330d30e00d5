/** nomsy stats: what the store holds, and what that takes up. */

import { PIN_PREFIX } from '../../database/database.js'
import type { Amount } from '../../database/stats.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { namingLost } from '../lost-chunk.js'
import { printable } from '../printable.js'
import { formatSize } from '../size.js'

export const usage: CommandUsage = {
  summary: 'say how much the store holds, how much room it takes up, and which name needs how much',
  arguments: [],
  options: [],
  notes: `Of each name it says how much nothing else holds: what 'nomsy rm' and 'nomsy gc' would free. What several hold is
counted as shared. Reads every node that a name leads to, but not the leaves of blobs.`,
  examples: ['nomsy stats'],
}

export async function run(context: CommandContext): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const stats = await namingLost(db, signal, () => db.stats({ signal }))
  if (json) return output.report(JSON.stringify(stats))
  const { storedBytes, segments, shared, dead, heads } = stats
  await output.line(`chunks  ${amountText(stats)}`)
  if (storedBytes !== undefined) {
    const ratio =
      storedBytes === 0 ? '' : `, ${(stats.bytes / storedBytes).toFixed(2)} times as much unpacked`
    await output.line(`stored  ${formatSize(storedBytes)} in ${segments} segments${ratio}`)
  }
  await output.line(`shared  ${amountText(shared)}`)
  await output.line(`dead    ${amountText(dead)}`)
  for (const { name, ref, own } of heads) {
    const what = name.startsWith(PIN_PREFIX) ? `pin of ${ref}` : printable(name)
    await output.line(`own     ${amountText(own)}: ${what}`)
  }
}

function amountText({ chunks, bytes }: Amount): string {
  return `${chunks}, ${formatSize(bytes)}`
}
