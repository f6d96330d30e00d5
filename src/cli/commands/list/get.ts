/** nomsy list get: items of a list. */

import type { Value } from '../../../collection/value.js'
import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { parsePosition } from '../../count.js'
import { Failure } from '../../failure.js'
import { findCollection } from '../../objects/find-object.js'
import { RAW_OPTION } from '../../options.js'
import { printValues } from '../../show/print-item.js'

export const usage: CommandUsage = {
  summary: 'print items',
  arguments: [
    ['<object>', 'the list: a name or ref'],
    ['<index...>', 'positions: 0 is the first item, -1 the last'],
  ],
  options: [RAW_OPTION],
  notes: `Prints the items as JSON; see 'nomsy map --help' for bytes, refs and large numbers. Fails, and prints nothing, if one of
the positions is not there.`,
  examples: ['nomsy list get events 0 -1'],
}

export async function run(
  context: CommandContext,
  { raw }: { readonly raw?: boolean },
  object: string,
  words: string[],
): Promise<void> {
  const indexes = words.map((word) => parsePosition('index', word))
  const db = await context.openToRead()
  const list = await findCollection(db, 'list', object)
  const items: Value[] = []
  for (const index of indexes) {
    const item = await list.at(index)
    if (item === undefined) throw new Failure(`${object}: no item ${index}; it has ${list.length}`)
    items.push(item)
  }
  await printValues(context, items, raw)
}
