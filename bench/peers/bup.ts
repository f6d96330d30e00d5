/** bup, which stores in git's pack files. */

import { type Contender, firstLine, labelOf, repositoryIn } from './contender.js'
import type { Command } from './runner.js'

export const bup: Contender = {
  name: 'bup',
  isNomsy: false,
  compresses: true,
  notes: 'zlib level 1, chunks of 8 KiB',
  version: (runner) => firstLine(runner, 'bup', ['version'], 'bup'),
  init: (directory) => command(directory, ['init']),
  put: (directory, file) => command(directory, ['split', '--quiet', '--name', labelOf(file), file]),
  read: (directory, file) => command(directory, ['join', labelOf(file)]),
}

function command(directory: string, args: readonly string[]): Command {
  return { program: 'bup', args, env: { BUP_DIR: repositoryIn(directory) } }
}
