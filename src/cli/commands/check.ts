/** nomsy check: whether everything is there and as it was written. */

import type { Problem } from '../../database/check/check.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { Failure } from '../failure.js'
import { findRef } from '../objects/find-object.js'
import { printable } from '../printable.js'

export const usage: CommandUsage = {
  summary: 'verify every chunk of the store, or of one object',
  arguments: [['[object]', 'a name or ref; left out: everything in the store']],
  options: [],
  notes: `Reads and re-hashes all of it. Prints a line for each problem: what is wrong, and which bytes of which object
cannot be read because of it. Exits with 1 if there is any.`,
  examples: ['nomsy check', 'nomsy check disk'],
}

export async function run(context: CommandContext, _options: object, object?: string): Promise<void> {
  const { output, signal } = context
  const db = await context.openToRead()
  const ref = object === undefined ? undefined : await findRef(db, object)
  const size = ref === undefined ? undefined : (await db.blob(ref).catch(() => undefined))?.size
  let problems = 0
  const report = async (problem: Problem): Promise<void> => {
    problems++
    // Whoever stops reading is not to be told that all is well.
    context.exitCode = 1
    await output.report(context.json ? JSON.stringify(problem) : printable(problem.message))
  }
  if (context.damage !== undefined) await report({ message: context.damage })
  using progress = context.progress('check', size)
  const options = { signal, onProgress: progress.add, ...(object !== undefined && { name: object }), ref }
  for await (const problem of db.check(options)) {
    // What kept writers out is often met by readers again.
    if (problem.message !== context.damage) await report(problem)
  }
  progress.end()
  const what = object ?? db.store.location
  if (problems > 0) {
    const count = problems === 1 ? '1 problem' : `${problems} problems`
    throw new Failure(`${what}: ${count}; storing the same data again brings damaged and missing chunks back`)
  }
  context.note(`${what}: all is well`)
}
