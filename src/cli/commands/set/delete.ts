/** nomsy set delete: removes keys of a set. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { DELETE_OPTIONS, type DeleteOptions, deleteKeys } from '../../edit/delete-keys.js'

export const usage: CommandUsage = {
  summary: 'remove keys',
  arguments: [
    ['<name>', "the set's name"],
    ['<key...>', 'its keys; those that are not there are no mistake'],
  ],
  options: DELETE_OPTIONS,
  notes: 'Prints the ref of the set as it is then.',
  examples: ['nomsy set delete tags draft'],
}

export async function run(
  context: CommandContext,
  options: DeleteOptions,
  name: string,
  words: string[],
): Promise<void> {
  await deleteKeys(context, 'set', options, name, words)
}
