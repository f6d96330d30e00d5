/** nomsy set import: keys out of JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { type ImportOptions, importOptions, runImport } from '../../exchange/import.js'

export const usage: CommandUsage = {
  summary: 'add keys out of JSON Lines or CSV; makes the set where there is none',
  arguments: [
    ['<name>', "the set's name"],
    ['<file>', 'what to read; - is standard input'],
  ],
  options: importOptions('set'),
  notes: `A line of JSON is a key, or with --key any record that has the key in that field. Of CSV one column is read: the one
that --key names, or the only one. Types are stated, never guessed: cells are text unless --types says otherwise.
Prints the ref of the set as it is then.`,
  examples: ['nomsy set import tags tags.jsonl', 'nomsy set import cities people.csv --key city'],
}

export async function run(
  context: CommandContext,
  options: ImportOptions,
  name: string,
  file: string,
): Promise<void> {
  await runImport(context, 'set', options, name, file)
}
