/** How long a torture run goes on, and what parts of it need that not every machine has. */

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'

const { NOMSY_SHARE, PATH } = process.env

/** So many of `count` as are to be done: all, unless NOMSY_SHARE says which share, to try things out. */
export function share(count: number): number {
  return Math.ceil(count * Number(NOMSY_SHARE ?? 1))
}

/** Skips the test unless this process is root's and has `commands`; `what` says how much is left out. */
export function requireRoot(context: TestContext, what: string, ...commands: readonly string[]): void {
  skipFor(context, what, process.getuid?.() === 0 ? [] : ['not root'], commands)
}

/** The same for whoever's process it is. */
export function requireCommands(context: TestContext, what: string, ...commands: readonly string[]): void {
  skipFor(context, what, [], commands)
}

function skipFor(
  { skip }: TestContext,
  what: string,
  reasons: readonly string[],
  commands: readonly string[],
): void {
  const lacking = commands.filter((command) => !isThere(command))
  const why = [...reasons, ...(lacking.length === 0 ? [] : [`no ${lacking.join(', ')}`])].join('; ')
  if (why === '') return
  console.log(`skipped: ${what}: ${why}`)
  skip(why)
}

function isThere(command: string): boolean {
  return (PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
