/** nomsy list export: a list as JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { exportOptions, runExport } from '../../exchange/export.js'
import type { FormatOptions } from '../../exchange/format.js'

export const usage: CommandUsage = {
  summary: 'write all items as JSON Lines or CSV to standard output',
  arguments: [['<object>', 'the list: a name or ref']],
  options: exportOptions('list'),
  notes: `A line of JSON is an item. The columns of CSV are those of the first item and those that --types names; an item that
does not fit in is refused. An import of what is written gives the same list.`,
  examples: ['nomsy list export events | jq .level'],
}

export async function run(context: CommandContext, options: FormatOptions, object: string): Promise<void> {
  await runExport(context, 'list', options, object)
}
