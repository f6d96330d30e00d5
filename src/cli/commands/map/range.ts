/** nomsy map range: entries of a map, by key. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { KEY_RANGE_OPTIONS, type KeyRangeOptions, keyRangeFrom } from '../../key-range-options.js'
import { findCollection } from '../../objects/find-object.js'
import { printItems } from '../../show/print-item.js'

export const usage: CommandUsage = {
  summary: 'print entries in the order of their keys',
  arguments: [['<object>', 'the map: a name or ref']],
  options: KEY_RANGE_OPTIONS,
  notes: 'Prints a line for each entry, all of them where nothing else is said. With --json: {key, value}.',
  examples: ['nomsy map range users --gte a --lt b', 'nomsy map range users --reverse --limit 10'],
}

export async function run(context: CommandContext, options: KeyRangeOptions, object: string): Promise<void> {
  const rangeOf = keyRangeFrom(options)
  const db = await context.openToRead()
  const range = await rangeOf(db)
  const map = await findCollection(db, 'map', object)
  await printItems(context, 'map', map.entries(range))
}
