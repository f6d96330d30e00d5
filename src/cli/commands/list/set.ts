/** nomsy list set: replaces an item of a list. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { parsePosition } from '../../count.js'
import { editCollection, present } from '../../edit/edit-collection.js'
import { existingIndex } from '../../edit/list-index.js'
import { checkName } from '../../head-name.js'
import { MESSAGE_OPTION, TYPE_OPTION } from '../../options.js'
import type { ValueType } from '../../values/value-type.js'
import { valueFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'replace an item',
  arguments: [
    ['<name>', "the list's name"],
    ['<index>', 'the position: 0 is the first item, -1 the last'],
    ['<value>', 'JSON, unless --type says otherwise; - is standard input'],
  ],
  options: [TYPE_OPTION, MESSAGE_OPTION],
  notes: 'Prints the ref of the list as it is then.',
  examples: [`nomsy list set events 0 '{"level": "warning"}'`],
}

interface SetOptions {
  readonly type?: ValueType
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { type, message }: SetOptions,
  name: string,
  indexText: string,
  valueText: string,
): Promise<void> {
  checkName(name)
  const index = parsePosition('index', indexText)
  const valueWord = await valueFrom(valueText, type, context)
  const db = await context.openToWrite()
  const value = await valueWord(db)
  const edit = { name, message, words: `list set ${index}` }
  await editCollection(context, db, 'list', edit, async (before) => {
    const list = present(before, name)
    return (await list.splice(existingIndex(list, index, name), 1, [value])).ref
  })
}
