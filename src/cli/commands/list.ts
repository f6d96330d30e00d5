/** nomsy list: names, and what is pinned; and the commands for lists. */

import type { CommandGroup, CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { amountOf, summarize } from '../objects/object-summary.js'

export const usage: CommandUsage = {
  summary: 'list names and pinned objects',
  arguments: [['[prefix]', 'only names that begin so']],
  options: [],
  examples: ['nomsy list photos/'],
}

export const group: CommandGroup['group'] = {
  summary: 'list names and pinned objects; work with lists: push, get, set, splice and more',
  notes: `Without a command, prints a line for each name: ref, size, kind, and the name, or 'pinned' for what was put without
one. Of a commit the size is that of what was committed. With --json the size of a blob is in bytes, that of a
collection is its count, and a pinned object has no name.

The commands are for lists: items of any kind, found by their position. What changes a list gives its name a new one;
the old one stays under its ref, and where the name has commits, in its history.`,
  examples: [
    'nomsy list photos/',
    `nomsy list push events '{"level": "info"}'`,
    'nomsy list range events --start -10',
  ],
}

export async function run(context: CommandContext, _options: object, prefix?: string): Promise<void> {
  const { output, signal } = context
  const db = await context.openToRead()
  for await (const { name, ref } of db.roots()) {
    signal.throwIfAborted()
    if (prefix !== undefined && !name?.startsWith(prefix)) continue
    const summary = await summarize(db, ref)
    await output.line(
      context.json
        ? JSON.stringify({ name, ref, ...summary })
        : `${ref}  ${amountOf(summary).padStart(11)}  ${summary.kind.padEnd(7)}  ${name ?? 'pinned'}`,
    )
  }
}
