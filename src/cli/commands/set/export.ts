/** nomsy set export: a set as JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { exportOptions, runExport } from '../../exchange/export.js'
import type { FormatOptions } from '../../exchange/format.js'

export const usage: CommandUsage = {
  summary: 'write all keys as JSON Lines or CSV to standard output',
  arguments: [['<object>', 'the set: a name or ref']],
  options: exportOptions('set'),
  notes: `A line of JSON is a key. CSV has one column, of the type of the first key; a key of another type is refused. An import
of what is written gives the same set.`,
  examples: ['nomsy set export tags > tags.jsonl'],
}

export async function run(context: CommandContext, options: FormatOptions, object: string): Promise<void> {
  await runExport(context, 'set', options, object)
}
