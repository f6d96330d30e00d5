/** nomsy merge: brings what another commit has into a name. */

import type { Commit } from '../../database/commit.js'
import type { Database } from '../../database/database.js'
import { MergeConflictError } from '../../errors.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure, UsageError } from '../failure.js'
import { checkName } from '../head-name.js'
import { findCommit } from '../objects/find-object.js'
import { commitJson } from '../show/commit-text.js'
import { conflictJson, conflictLines } from '../show/conflicts.js'
import { painter } from '../styled.js'

export const usage: CommandUsage = {
  summary: 'bring what another commit has into a name',
  arguments: [
    ['<name>', 'the name whose history goes on'],
    ['<other>', 'the commit to bring in: a name, a ref'],
  ],
  options: [
    {
      flags: '--resolve <side>',
      description: 'where both changed the same, take ours (of NAME) or theirs (of OTHER)',
      parse: parseSide,
    },
    { flags: '-m, --message <text>', description: "what the commit is about; where left out, 'merge OTHER'" },
  ],
  notes: `What only one side changed since they parted is taken: of maps and sets by key, of lists by position, of directories
by path, of all else as a whole. Where both changed the same, and not to the same, the conflicts are printed, nothing is
changed, and the exit status is 1. Where NAME has nothing of its own it moves to OTHER, and no commit is made. Prints the
commit's ref.`,
  examples: ['nomsy merge main draft -m "take the draft"', 'nomsy merge main draft --resolve theirs'],
}

type Side = 'ours' | 'theirs'

interface MergeOptions {
  readonly resolve?: Side
  readonly message?: string
}

export async function run(
  context: CommandContext,
  { resolve, message = '' }: MergeOptions,
  name: string,
  other: string,
): Promise<void> {
  checkName(name)
  const db = await context.openToWrite()
  const [ours, theirs] = [await findCommit(db, name), await findCommit(db, other)]
  let merged: Commit
  try {
    merged = await db.merge(name, theirs.ref, { resolve, message: message || `merge ${other}` })
  } catch (error) {
    if (!(error instanceof MergeConflictError)) throw error
    const count = await printConflicts(context, db, ours, theirs)
    const words = count === 1 ? '1 conflict' : `${count} conflicts`
    throw new Failure(
      `${name}: ${words} with ${other}; nothing was changed; --resolve ours or --resolve theirs takes one side`,
      { cause: error },
    )
  }
  if (merged.ref.equals(ours.ref)) context.note(`${name} has all of ${other} already`)
  else if (merged.ref.equals(theirs.ref)) context.note(`${name} moved to ${other}, which has all of it`)
  await context.output.report(
    context.json ? JSON.stringify({ ...commitJson(merged), head: name }) : `${merged.ref}  ${name}`,
  )
}

async function printConflicts(
  { json, output, signal }: CommandContext,
  db: Database,
  ours: Commit,
  theirs: Commit,
): Promise<number> {
  const paint = painter(process.stdout)
  let count = 0
  for await (const conflict of db.conflicts(ours.ref, theirs.ref)) {
    signal.throwIfAborted()
    count++
    for (const line of json ? [conflictJson(conflict)] : conflictLines(conflict, paint))
      await output.line(line)
  }
  await output.flush()
  return count
}

function parseSide(text: string): Side {
  if (text === 'ours' || text === 'theirs') return text
  throw new UsageError(`--resolve ${text}: write ours or theirs`)
}
