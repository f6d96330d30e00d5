/** nomsy map get: values of a map. */

import type { Value } from '../../../collection/value.js'
import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { findCollection } from '../../objects/find-object.js'
import { KEY_TYPE_OPTION, RAW_OPTION } from '../../options.js'
import { printValues } from '../../show/print-item.js'
import { noSuchKey } from '../../values/no-such-key.js'
import type { ValueType } from '../../values/value-type.js'
import { keysFrom } from '../../values/word.js'

export const usage: CommandUsage = {
  summary: 'print the values of keys',
  arguments: [
    ['<object>', 'the map: a name or ref'],
    ['<key...>', 'its keys'],
  ],
  options: [KEY_TYPE_OPTION, RAW_OPTION],
  notes: `Prints the values as JSON, in the order of the keys; see 'nomsy map --help' for bytes, refs and large numbers. Fails,
and prints nothing, if one of the keys is not there.`,
  examples: ['nomsy map get users ada', 'nomsy map get greetings en --raw'],
}

interface GetOptions {
  readonly keyType?: ValueType
  readonly raw?: boolean
}

export async function run(
  context: CommandContext,
  { keyType, raw }: GetOptions,
  object: string,
  words: string[],
): Promise<void> {
  const keysOf = keysFrom(words, keyType)
  const db = await context.openToRead()
  const keys = await keysOf(db)
  const map = await findCollection(db, 'map', object)
  const values: Value[] = []
  for (const [index, value] of (await map.getMany(keys)).entries()) {
    if (value === undefined) throw await noSuchKey(map, keys[index]!, object)
    values.push(value)
  }
  await printValues(context, values, raw)
}
