/** nomsy set add: adds keys to a set. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { editCollection } from '../../edit/edit-collection.js'
import { checkName } from '../../head-name.js'
import { KEY_TYPE_OPTION, MESSAGE_OPTION } from '../../options.js'
import { abridged } from '../../values/json-form.js'
import type { ValueType } from '../../values/value-type.js'
import { keysFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'add keys; makes the set where there is none',
  arguments: [
    ['<name>', "the set's name"],
    ['<key...>', 'text, unless --key-type says otherwise'],
  ],
  options: [KEY_TYPE_OPTION, MESSAGE_OPTION],
  notes: `Prints the ref of the set as it is then. A key of the type ref is any OBJECT.`,
  examples: ['nomsy set add tags urgent draft', 'nomsy set add primes --key-type number 2 3 5'],
}

interface AddOptions {
  readonly keyType?: ValueType
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { keyType, message }: AddOptions,
  name: string,
  words: string[],
): Promise<void> {
  checkName(name)
  const keysOf = keysFrom(words, keyType)
  const db = await context.openOrCreate({})
  const keys = await keysOf(db)
  const edit = { name, message, words: `set add ${abridged(words.join(' '))}` }
  await editCollection(context, db, 'set', edit, async (before) => {
    const changes = (before ?? (await db.set())).edit()
    for (const key of keys) changes.add(key)
    return (await changes.done()).ref
  })
}
