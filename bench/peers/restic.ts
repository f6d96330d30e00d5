/** restic, which encrypts all it stores, with its automatic compression. */

import { join, resolve } from 'node:path'
import { type Contender, firstLine, repositoryIn } from './contender.js'
import type { Command } from './runner.js'

export const restic: Contender = {
  name: 'restic',
  isNomsy: false,
  compresses: true,
  notes: 'zstd (auto), chunks of 1 MiB; encrypts',
  version: (runner) => firstLine(runner, 'restic', ['version'], 'restic'),
  init: (directory) => command(directory, ['init']),
  put: (directory, file) => command(directory, ['backup', resolve(file)]),
  tree: {
    put: (directory, tree) => command(directory, ['backup', tree]),
    get: (directory, _, __, output) => command(directory, ['restore', 'latest', '--target', output]),
    list: (directory) => command(directory, ['ls', 'latest']),
    cat: (directory, tree, _, path) => command(directory, ['dump', 'latest', join(tree, path)]),
  },
  read: (directory, file) => command(directory, ['dump', 'latest', resolve(file)]),
}

function command(directory: string, args: readonly string[]): Command {
  return {
    program: 'restic',
    args: [
      '--quiet',
      ...['--repo', repositoryIn(directory), '--cache-dir', join(directory, 'cache')],
      ...['--compression', 'auto'],
      ...args,
    ],
    env: { RESTIC_PASSWORD: 'bench' },
  }
}
