/** nomsy map export: a map as JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { exportOptions, runExport } from '../../exchange/export.js'
import type { FormatOptions } from '../../exchange/format.js'

export const usage: CommandUsage = {
  summary: 'write all entries as JSON Lines or CSV to standard output',
  arguments: [['<object>', 'the map: a name or ref']],
  options: exportOptions('map'),
  notes: `A line of JSON is {"key": ..., "value": ...}. The columns of CSV are those of the first entry and those that --types
names; an entry that does not fit in is refused. An import of what is written gives the same map.`,
  examples: [
    'nomsy map export users | jq -s from_entries',
    'nomsy map export users --format csv > users.csv',
  ],
}

export async function run(context: CommandContext, options: FormatOptions, object: string): Promise<void> {
  await runExport(context, 'map', options, object)
}
