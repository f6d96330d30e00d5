/** nomsy map set: gives a key of a map a value. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { editCollection } from '../../edit/edit-collection.js'
import { checkName } from '../../head-name.js'
import { KEY_TYPE_OPTION, MESSAGE_OPTION, TYPE_OPTION } from '../../options.js'
import { abridged } from '../../values/json-form.js'
import type { ValueType } from '../../values/value-type.js'
import { keyFrom, valueFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'set a key to a value; makes the map where there is none',
  arguments: [
    ['<name>', "the map's name"],
    ['<key>', 'text, unless --key-type says otherwise'],
    ['<value>', 'JSON, unless --type says otherwise; - is standard input'],
  ],
  options: [TYPE_OPTION, KEY_TYPE_OPTION, MESSAGE_OPTION],
  notes: `Prints the ref of the map as it is then. A value of the type ref is any OBJECT: the value refers to what that is now.
See 'nomsy map --help' for bytes, refs and large numbers in JSON.`,
  examples: [
    `nomsy map set users ada '{"born": 1815}'`,
    'nomsy map set greetings en --type string hello',
    'nomsy map set photos ada --type ref portrait',
  ],
}

interface SetOptions {
  readonly type?: ValueType
  readonly keyType?: ValueType
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { type, keyType, message }: SetOptions,
  name: string,
  keyText: string,
  valueText: string,
): Promise<void> {
  checkName(name)
  const keyWord = keyFrom(keyText, keyType)
  const valueWord = await valueFrom(valueText, type, context)
  const db = await context.openOrCreate({})
  const [key, value] = [await keyWord(db), await valueWord(db)]
  const edit = { name, message, words: `map set ${abridged(keyText)}` }
  await editCollection(context, db, 'map', edit, async (before) => {
    const map = before ?? (await db.map())
    return (await map.edit().set(key, value).done()).ref
  })
}
