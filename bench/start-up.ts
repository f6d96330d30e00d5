/** How long does the command take to start, and to give the first bytes of a large object? */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bench, type Figure, openStore, quantile } from './bench.js'

const TURNS = 25

/** The built command. */
const NOMSY = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export const startUp: Bench = {
  question: `How long do nomsy --version and nomsy cat --range take, and node -e 0 (${TURNS} in turn)?`,
  async run(context) {
    const db = await openStore(context)
    await db.setHead('large', (await db.putBlob(context.input.pieces())).ref)
    await db.close()
    const store = join(context.directory, 'store')
    const commands = [
      { name: 'node -e 0', args: ['-e', '0'] },
      { name: 'nomsy --version', args: [NOMSY, '--version'] },
      { name: 'nomsy cat --range 0-99', args: [NOMSY, 'cat', '--store', store, 'large', '--range', '0-99'] },
    ].map((command) => ({ ...command, times: [] as number[] }))
    // The first turn reads from disk what the others find in memory.
    for (let turn = 0; turn <= TURNS; turn++) {
      for (const { args, times } of commands) {
        const elapsed = timed(args)
        if (turn > 0) times.push(elapsed)
      }
    }
    for (const { times } of commands) times.sort((a, b) => a - b)
    const floor = quantile(commands[0]!.times, 0.5)
    return commands.flatMap(({ name, times }, index): Figure[] => [
      { name, value: quantile(times, 0.5), unit: 'ms' },
      { name: '  p90', value: quantile(times, 0.9), unit: 'ms' },
      ...(index > 0 ? [{ name: '  of node -e 0', value: quantile(times, 0.5) / floor, unit: 'times' }] : []),
    ])
  },
}

/** Milliseconds that `node args` takes, from its start to its end. */
function timed(args: readonly string[]): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const elapsed = performance.now() - start
  if (status !== 0) throw new Error(`node ${args.join(' ')}: ${stderr}`)
  return elapsed
}
