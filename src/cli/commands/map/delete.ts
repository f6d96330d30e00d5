/** nomsy map delete: removes keys of a map. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { DELETE_OPTIONS, type DeleteOptions, deleteKeys } from '../../edit/delete-keys.js'

export const usage: CommandUsage = {
  summary: 'remove keys',
  arguments: [
    ['<name>', "the map's name"],
    ['<key...>', 'its keys; those that are not there are no mistake'],
  ],
  options: DELETE_OPTIONS,
  notes: 'Prints the ref of the map as it is then.',
  examples: ['nomsy map delete users ada alan'],
}

export async function run(
  context: CommandContext,
  options: DeleteOptions,
  name: string,
  words: string[],
): Promise<void> {
  await deleteKeys(context, 'map', options, name, words)
}
