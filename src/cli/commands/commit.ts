/** nomsy commit: makes an object the next version of a name. */

import type { Value } from '../../collection/value.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { UsageError } from '../failure.js'
import { checkName } from '../head-name.js'
import { findRef } from '../objects/find-object.js'
import { commitJson } from '../show/commit-text.js'
import { isRecord } from '../values/is-record.js'
import { fromJson } from '../values/json-form.js'
import { NotationError } from '../values/notation-error.js'

export const usage: CommandUsage = {
  summary: 'make an object the next version of a name',
  arguments: [
    ['<name>', 'the name; made where there is none'],
    ['<object>', 'the next version: a name, a ref; of a commit what it holds'],
  ],
  options: [
    { flags: '-m, --message <text>', description: 'what it is about', isRequired: true },
    {
      flags: '--meta <json>',
      description: 'what else is to be said, as a record: {"author": "ada"}',
      parse: parseMeta,
    },
  ],
  notes: `The commit follows what the name names now, if that is a commit. From then on everything that changes the name makes a
commit. 'nomsy log' shows them, and NAME~2 is the second before. Prints the commit's ref.`,
  examples: ['nomsy commit users users -m "begin"', 'nomsy commit backup disk -m "before the update"'],
}

interface CommitOptions {
  readonly message: string
  readonly meta?: { readonly [key: string]: Value }
}

export async function run(
  context: CommandContext,
  options: CommitOptions,
  name: string,
  object: string,
): Promise<void> {
  checkName(name)
  const db = await context.openToWrite()
  const value = await db.at(await findRef(db, object))
  const commit = await db.commit(name, value, options)
  await context.output.report(
    context.json ? JSON.stringify({ ...commitJson(commit), head: name }) : `${commit.ref}  ${name}`,
  )
}

function parseMeta(text: string): { readonly [key: string]: Value } {
  try {
    const meta = fromJson(text)
    if (isRecord(meta)) return meta
    throw new NotationError('no record')
  } catch (error) {
    if (!(error instanceof NotationError)) throw error
    throw new UsageError(`--meta ${text}: ${error.message}; write it as '{"author": "ada"}'`)
  }
}
