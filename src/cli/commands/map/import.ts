/** nomsy map import: entries out of JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { type ImportOptions, importOptions, runImport } from '../../exchange/import.js'

export const usage: CommandUsage = {
  summary: 'add entries out of JSON Lines or CSV; makes the map where there is none',
  arguments: [
    ['<name>', "the map's name"],
    ['<file>', 'what to read; - is standard input'],
  ],
  options: importOptions('map'),
  notes: `A line of JSON is {"key": ..., "value": ...}, or with --key any record, of which that field is the key and the others
the value. CSV needs --key. Of entries with the same key the last one counts. Types are stated, never guessed: cells
are text unless --types says otherwise. A cell with nothing in it is a field that the record does not have; "" is an
empty text. Prints the ref of the map as it is then.`,
  examples: [
    'nomsy map import users users.csv --key id --types id:number,born:number',
    "jq -c 'to_entries[]' users.json | nomsy map import users -",
  ],
}

export async function run(
  context: CommandContext,
  options: ImportOptions,
  name: string,
  file: string,
): Promise<void> {
  await runImport(context, 'map', options, name, file)
}
