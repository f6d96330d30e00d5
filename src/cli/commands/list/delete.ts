/** nomsy list delete: removes items of a list. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { parsePosition } from '../../count.js'
import { editCollection, present } from '../../edit/edit-collection.js'
import { existingIndex } from '../../edit/list-index.js'
import { checkName } from '../../head-name.js'
import { MESSAGE_OPTION } from '../../options.js'
import { abridged } from '../../values/json-form.js'

export const usage: CommandUsage = {
  summary: 'remove items',
  arguments: [
    ['<name>', "the list's name"],
    ['<index...>', 'positions as they are before: 0 is the first item, -1 the last'],
  ],
  options: [MESSAGE_OPTION],
  notes: `Prints the ref of the list as it is then. 'nomsy list splice' removes many that stand together.`,
  examples: ['nomsy list delete events 0 -1'],
}

export async function run(
  context: CommandContext,
  { message }: { readonly message?: string },
  name: string,
  words: string[],
): Promise<void> {
  checkName(name)
  const indexes = words.map((word) => parsePosition('index', word))
  const db = await context.openToWrite()
  const edit = { name, message, words: `list delete ${abridged(words.join(' '))}` }
  await editCollection(context, db, 'list', edit, async (before) => {
    const list = present(before, name)
    const positions = new Set(indexes.map((index) => existingIndex(list, index, name)))
    const changes = list.edit()
    // From the last on, so that the others stay where they are.
    for (const position of [...positions].sort((a, b) => b - a)) changes.splice(position, 1)
    return (await changes.done()).ref
  })
}
