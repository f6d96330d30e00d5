/** nomsy diff: which bytes two objects differ in. */

import type { Change } from '../../sequence/diff.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { findBlob } from '../find-blob.js'

export const usage: CommandUsage = {
  summary: 'print the ranges of bytes in which two objects differ',
  arguments: [
    ['<a>', 'a name or ref'],
    ['<b>', 'a name or ref'],
  ],
  options: [{ flags: '--exit-code', description: 'exit with 1 if they differ, with 0 if not' }],
  notes: `Prints a line for each change that turns A into B, in order, and nothing where they are equal. What they
share is not read. With --json: {aStart, removed, bStart, inserted}.`,
  examples: ['nomsy diff disk-monday disk-tuesday'],
}

export async function run(
  context: CommandContext,
  options: { readonly exitCode?: boolean },
  a: string,
  b: string,
): Promise<void> {
  const { output, signal } = context
  const db = await context.openToRead()
  const from = await findBlob(db, a)
  const to = await findBlob(db, b)
  let changes = 0
  for await (const change of from.diff(to)) {
    signal.throwIfAborted()
    changes++
    await output.line(context.json ? JSON.stringify(change) : inWords(change))
  }
  if (options.exitCode === true && changes > 0) context.exitCode = 1
}

function inWords({ aStart, removed, bStart, inserted }: Change): string {
  if (removed === 0) return `at ${aStart}: ${bytes(inserted)} inserted, at ${bStart} of the other`
  if (inserted === 0) return `at ${aStart}: ${bytes(removed)} removed, at ${bStart} of the other`
  return `at ${aStart}: ${bytes(removed)} replaced by ${bytes(inserted)}, at ${bStart} of the other`
}

function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}
