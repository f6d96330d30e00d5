/** nomsy set has: whether a set has a key. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { findCollection } from '../../objects/find-object.js'
import { KEY_TYPE_OPTION } from '../../options.js'
import type { ValueType } from '../../values/value-type.js'
import { keyFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'say whether a key is there',
  arguments: [
    ['<object>', 'the set: a name or ref'],
    ['<key>', 'text, unless --key-type says otherwise'],
  ],
  options: [KEY_TYPE_OPTION],
  notes: 'Prints true or false, and exits with 1 if the key is not there.',
  examples: ['nomsy set has tags urgent', 'if nomsy set has tags urgent > /dev/null; then echo hurry; fi'],
}

export async function run(
  context: CommandContext,
  { keyType }: { readonly keyType?: ValueType },
  object: string,
  word: string,
): Promise<void> {
  const keyOf = keyFrom(word, keyType)
  const db = await context.openToRead()
  const key = await keyOf(db)
  const set = await findCollection(db, 'set', object)
  const has = await set.has(key)
  await context.output.line(String(has))
  if (!has) context.exitCode = 1
}
