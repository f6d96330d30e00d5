/** nomsy branch: a second name for an object. */

import { HeadConflictError } from '../../errors.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure } from '../failure.js'
import { checkName } from '../head-name.js'
import { findRef } from '../objects/find-object.js'

export const usage: CommandUsage = {
  summary: 'make a name for an object, whose history goes its own way from there',
  arguments: [
    ['<name>', 'the new name'],
    ['<from>', 'what it names: a name, a ref'],
  ],
  options: [],
  notes: `Nothing is copied. Prints the ref of what it names. A name that is there already stays as it is.`,
  examples: ['nomsy branch draft main', 'nomsy branch last-week main~7'],
}

export async function run(
  context: CommandContext,
  _options: object,
  name: string,
  from: string,
): Promise<void> {
  checkName(name)
  const db = await context.openToWrite()
  const ref = await findRef(db, from)
  try {
    await db.branch(name, ref)
  } catch (error) {
    if (!(error instanceof HeadConflictError)) throw error
    throw new Failure(`${name} is there already; 'nomsy rm ${name}' removes that name`, { cause: error })
  }
  await context.output.report(context.json ? JSON.stringify({ ref, head: name }) : `${ref}  ${name}`)
}
