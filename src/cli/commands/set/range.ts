/** nomsy set range: keys of a set, in order. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { KEY_RANGE_OPTIONS, type KeyRangeOptions, keyRangeFrom } from '../../key-range-options.js'
import { findCollection } from '../../objects/find-object.js'
import { printItems } from '../../show/print-item.js'

export const usage: CommandUsage = {
  summary: 'print keys in order',
  arguments: [['<object>', 'the set: a name or ref']],
  options: KEY_RANGE_OPTIONS,
  notes: 'Prints a line for each key, as JSON; all of them where nothing else is said.',
  examples: ['nomsy set range tags --gte a --lt b', 'nomsy set range tags --reverse --limit 10'],
}

export async function run(context: CommandContext, options: KeyRangeOptions, object: string): Promise<void> {
  const rangeOf = keyRangeFrom(options)
  const db = await context.openToRead()
  const range = await rangeOf(db)
  const set = await findCollection(db, 'set', object)
  await printItems(context, 'set', set.keys(range))
}
