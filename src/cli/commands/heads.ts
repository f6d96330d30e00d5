/** nomsy heads: names, and what is pinned. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { amountOf, summarize } from '../objects/object-summary.js'

export const usage: CommandUsage = {
  summary: 'list names and pinned objects',
  arguments: [['[prefix]', 'only names that begin so']],
  options: [],
  notes: `Prints a line for each name: ref, size, kind, and the name, or 'pinned' for what was put without one. Of a commit the
size is that of what was committed. With --json the size of a blob is in bytes, that of a collection is its count, and
a pinned object has no name.`,
  examples: ['nomsy heads photos/'],
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
