/** A run of which a part was skipped has not shown what it was to show: it fails. */

import type { Reporter, TestModule } from 'vitest/node'

export class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map(({ fullName }) => fullName),
    )
    if (skipped.length === 0) return
    console.log(`${skipped.length} skipped, so that this run does not pass:\n  ${skipped.join('\n  ')}`)
    process.exitCode = 1
  }
}
