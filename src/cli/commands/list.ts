/** nomsy list: names, and what is pinned. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { summarize } from '../object-summary.js'
import { formatSize } from '../size.js'

export const usage: CommandUsage = {
  summary: 'list names and pinned objects',
  arguments: [['[prefix]', 'only names that begin so']],
  options: [],
  notes: `Prints a line for each: ref, size, kind, and the name, or 'pinned' for what was put without one. With --json
the size is in bytes and a pinned object has no name.`,
  examples: ['nomsy list photos/'],
}

export async function run(context: CommandContext, _options: object, prefix?: string): Promise<void> {
  const { output, signal } = context
  const db = await context.openToRead()
  for await (const { name, ref } of db.list()) {
    signal.throwIfAborted()
    if (prefix !== undefined && !name?.startsWith(prefix)) continue
    const { kind, size } = await summarize(db, ref)
    const sizeText = size === undefined ? '?' : formatSize(size)
    await output.line(
      context.json
        ? JSON.stringify({ name, ref, size, kind })
        : `${ref}  ${sizeText.padStart(8)}  ${kind.padEnd(7)}  ${name ?? 'pinned'}`,
    )
  }
}
