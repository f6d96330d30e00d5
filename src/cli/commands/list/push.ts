/** nomsy list push: adds items at the end of a list. */

import type { Value } from '../../../collection/value.js'
import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { editCollection } from '../../edit/edit-collection.js'
import { checkName } from '../../head-name.js'
import { MESSAGE_OPTION, TYPE_OPTION } from '../../options.js'
import { abridged } from '../../values/json-form.js'
import type { ValueType } from '../../values/value-type.js'
import { valuesFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'add items at the end; makes the list where there is none',
  arguments: [
    ['<name>', "the list's name"],
    ['<value...>', 'JSON, unless --type says otherwise; - is standard input'],
  ],
  options: [TYPE_OPTION, MESSAGE_OPTION],
  notes: `Prints the ref of the list as it is then. See 'nomsy map --help' for bytes, refs and large numbers in JSON.`,
  examples: [`nomsy list push events '{"level": "info"}'`, 'nomsy list push notes --type string "buy milk"'],
}

interface PushOptions {
  readonly type?: ValueType
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { type, message }: PushOptions,
  name: string,
  words: string[],
): Promise<void> {
  checkName(name)
  const valuesOf = await valuesFrom(words, type, context)
  const db = await context.openOrCreate({})
  const values = await valuesOf(db)
  const edit = { name, message, words: `list push ${abridged(words.join(' '))}` }
  await editCollection(context, db, 'list', edit, async (before) => {
    const list = before ?? (await db.list<Value>())
    return (await list.append(values)).ref
  })
}
