/** nomsy itself, by its built command; as it comes, with a faster level, and without compression. */

import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Contender, labelOf, repositoryIn } from './contender.js'
import type { Command } from './runner.js'

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

/** The name under which directories are stored. */
const TREE = 'tree'

export const nomsy: Contender = {
  ...contender('nomsy', true, 'hashes every byte it reads', []),
  tree: {
    put: (directory, tree) => command('put', directory, ['--name', TREE, tree]),
    get: (directory, _, __, output) => command('get', directory, [TREE, output]),
    list: (directory) => command('ls', directory, ['-R', TREE]),
    mtree: (directory) => command('ls', directory, ['--mtree', TREE]),
    hash: (tree) => ({ program: process.execPath, args: [MAIN, 'hash', tree] }),
    cat: (directory, _, __, path) => command('cat', directory, [`${TREE}:${path}`]),
    diff: (directory) => command('diff', directory, [`${TREE}~1`, TREE]),
  },
}

export const nomsyFast: Contender = contender('nomsy zstd:-5', true, 'with --compression zstd:-5', [
  '--compression',
  'zstd:-5',
])

export const nomsyNone: Contender = contender('nomsy none', false, 'with --compression none', [
  '--compression',
  'none',
])

export const nomsySplice: Contender = {
  ...contender('nomsy', true, '', []),
  name: 'nomsy splice',
  notes: 'is told where to insert, and reads only what lies there',
  change: (directory, { original, at, insertion }) =>
    command('splice', directory, [labelOf(original), '--at', String(at), '--insert', insertion]),
}

function contender(name: string, compresses: boolean, notes: string, options: readonly string[]): Contender {
  return {
    name,
    isNomsy: true,
    compresses,
    notes,
    async version(runner) {
      await access(MAIN).catch(() => {
        throw new Error('not built: npm run build')
      })
      return (await runner.text({ program: process.execPath, args: [MAIN, '--version'] })).trim()
    },
    put: (directory, file) => command('put', directory, [...options, '--name', labelOf(file), file]),
    read: (directory, file) => command('cat', directory, [labelOf(file)]),
    // LevelDB makes a table of its log, of which some is room, when it is opened.
    settle: (directory) => command('heads', directory, []),
    library: fileURLToPath(new URL('nomsy-library.js', import.meta.url)),
  }
}

function command(name: string, directory: string, args: readonly string[]): Command {
  return { program: process.execPath, args: [MAIN, name, '--store', repositoryIn(directory), ...args] }
}
