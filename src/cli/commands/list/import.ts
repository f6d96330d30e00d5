/** nomsy list import: items out of JSON Lines or CSV. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { type ImportOptions, importOptions, runImport } from '../../exchange/import.js'

export const usage: CommandUsage = {
  summary: 'add items out of JSON Lines or CSV at the end; makes the list where there is none',
  arguments: [
    ['<name>', "the list's name"],
    ['<file>', 'what to read; - is standard input'],
  ],
  options: importOptions('list'),
  notes: `Each line of JSON is an item. Of CSV each row is one: a record of its columns, or with --value the value in one of them.
Types are stated, never guessed: cells are text unless --types says otherwise. A cell with nothing in it is a field that
the record does not have; "" is an empty text. Prints the ref of the list as it is then.`,
  examples: ['nomsy list import events events.jsonl', 'tail -n 1000 log.jsonl | nomsy list import events -'],
}

export async function run(
  context: CommandContext,
  options: ImportOptions,
  name: string,
  file: string,
): Promise<void> {
  await runImport(context, 'list', options, name, file)
}
