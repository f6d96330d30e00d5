/** nomsy list range: items of a list, by position. */

import type { CommandUsage } from '../../command.js'
import type { CommandContext } from '../../command-context.js'
import { parsePosition } from '../../count.js'
import { findCollection } from '../../objects/find-object.js'
import { LIMIT_OPTION, REVERSE_OPTION } from '../../options.js'
import { printItems } from '../../show/print-item.js'

export const usage: CommandUsage = {
  summary: 'print items in order',
  arguments: [['<object>', 'the list: a name or ref']],
  options: [
    {
      flags: '--start <index>',
      description: 'the first position; -10: the tenth from the end; 0 where left out',
      parse: (text) => parsePosition('--start', text),
    },
    {
      flags: '--end <index>',
      description: 'the position after the last; the length where left out',
      parse: (text) => parsePosition('--end', text),
    },
    REVERSE_OPTION,
    LIMIT_OPTION,
  ],
  notes: 'Prints a line for each item, as JSON; all of them where nothing else is said.',
  examples: ['nomsy list range events --start -10', 'nomsy list range events --reverse --limit 1'],
}

interface RangeOptions {
  readonly start?: number
  readonly end?: number
  readonly reverse?: boolean
  readonly limit?: number
}

export async function run(
  context: CommandContext,
  { start = 0, end, reverse = false, limit = Number.MAX_SAFE_INTEGER }: RangeOptions,
  object: string,
): Promise<void> {
  const db = await context.openToRead()
  const list = await findCollection(db, 'list', object)
  const { length } = list
  let [from, to] = [clamp(start, length), clamp(end ?? length, length)]
  if (reverse) from = Math.max(from, to - limit)
  else to = Math.min(to, from + limit)
  await printItems(context, 'list', list.values({ start: from, end: Math.max(from, to), reverse }))
}

/** A position as Array.slice takes it. */
function clamp(position: number, length: number): number {
  return position < 0 ? Math.max(length + position, 0) : Math.min(position, length)
}
