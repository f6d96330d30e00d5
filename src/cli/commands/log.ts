/** nomsy log: the commits of a name. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findCommit } from '../objects/find-object.js'
import { LIMIT_OPTION } from '../options.js'
import { CommitGraph } from '../show/commit-graph.js'
import { commitJson, commitLine, commitLines } from '../show/commit-text.js'
import { painter } from '../styled.js'

export const usage: CommandUsage = {
  summary: 'show the history of a name: its commit and all before it',
  arguments: [['<object>', 'a name or ref']],
  options: [
    LIMIT_OPTION,
    { flags: '--graph', description: 'draw to the left which commits follow which' },
    {
      flags: '--oneline',
      description: "only the beginning of the ref, the date and the message's first line",
    },
  ],
  notes: `A commit comes before those that it follows. With --json: {ref, generation, message, parents, time, value, meta}, the
time in milliseconds since 1970.`,
  examples: ['nomsy log users', 'nomsy log main --graph --oneline --limit 20'],
}

interface LogOptions {
  readonly limit?: number
  readonly graph?: boolean
  readonly oneline?: boolean
}

export async function run(
  context: CommandContext,
  { limit, graph = false, oneline = false }: LogOptions,
  object: string,
): Promise<void> {
  const { json, output, signal } = context
  const db = await context.openToRead()
  const start = await findCommit(db, object)
  const paint = painter(process.stdout)
  const drawing = new CommitGraph()
  /** What stands between a commit and the next one, if there is a next one. */
  let between: string[] = []
  for await (const commit of db.log(start.ref, { limit, signal })) {
    if (json) {
      await output.line(JSON.stringify(commitJson(commit)))
      continue
    }
    const lines = oneline ? [commitLine(commit, paint)] : commitLines(commit, paint)
    if (graph) {
      const { before, first, rest, after } = drawing.add(commit)
      lines.forEach((line, index) => {
        lines[index] = `${index === 0 ? first : rest} ${line}`.trimEnd()
      })
      lines.unshift(...between, ...before)
      between = [...(oneline ? [] : [rest]), ...after]
    } else {
      lines.unshift(...between)
      between = oneline ? [] : ['']
    }
    for (const line of lines) await output.line(line)
  }
}
