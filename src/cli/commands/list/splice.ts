/** nomsy list splice: removes and inserts items of a list. */

import type { Value } from '../../../collection/value.js'
import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { parseCount } from '../../count.js'
import { editCollection } from '../../edit/edit-collection.js'
import { Failure } from '../../failure.js'
import { checkName } from '../../head-name.js'
import { MESSAGE_OPTION, TYPE_OPTION } from '../../options.js'
import type { ValueType } from '../../values/value-type.js'
import { valuesFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'remove items, insert items, or both, anywhere',
  arguments: [
    ['<name>', "the list's name"],
    ['[value...]', 'what to put there: JSON, unless --type says otherwise; - is standard input'],
  ],
  options: [
    {
      flags: '--at <index>',
      description: 'where, from 0; as many as the list has: at its end',
      parse: (text) => parseCount('--at', text),
      isRequired: true,
    },
    {
      flags: '--remove <count>',
      description: 'how many items to leave out there',
      parse: (text) => parseCount('--remove', text),
    },
    TYPE_OPTION,
    MESSAGE_OPTION,
  ],
  notes: 'Prints the ref of the list as it is then.',
  examples: [`nomsy list splice events --at 2 --remove 1 '{"level": "debug"}'`],
}

interface SpliceOptions {
  readonly at: number
  readonly remove?: number
  readonly type?: ValueType
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { at, remove = 0, type, message }: SpliceOptions,
  name: string,
  words: string[],
): Promise<void> {
  checkName(name)
  const valuesOf = await valuesFrom(words, type, context)
  const db = await context.openOrCreate({})
  const values = await valuesOf(db)
  const edit = { name, message, words: `list splice at ${at}` }
  await editCollection(context, db, 'list', edit, async (before) => {
    const list = before ?? (await db.list<Value>())
    const { length } = list
    if (at > length) throw new Failure(`--at ${at} is outside ${name}, which has ${length} items`)
    if (remove > length - at)
      throw new Failure(`--remove ${remove}: ${name} has only ${length - at} items from ${at} on`)
    return (await list.splice(at, remove, values)).ref
  })
}
