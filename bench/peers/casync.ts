/** casync: a blob index for each file, and one directory with a file for each chunk. */

import { join } from 'node:path'
import { type Contender, firstLine, labelOf, repositoryIn } from './contender.js'

export const casync: Contender = {
  name: 'casync',
  isNomsy: false,
  compresses: true,
  notes: 'zstd, chunks of 64 KiB; no fsync; reads go to a file, as it writes to no pipe',
  version: (runner) => firstLine(runner, 'casync', ['--version'], 'casync'),
  put: (directory, file) => ({
    program: 'casync',
    args: ['make', store(directory), index(directory, file), file],
  }),
  tree: {
    put: (directory, tree, version) => ({
      program: 'casync',
      args: [
        'make',
        ...[store(directory), `--cache=${join(directory, 'cache')}`],
        ...[treeIndex(directory, version), tree],
      ],
    }),
    get: (directory, _, version, output) => ({
      program: 'casync',
      args: ['extract', store(directory), treeIndex(directory, version), output],
    }),
    list: (directory, _, version) => ({
      program: 'casync',
      args: ['list', store(directory), treeIndex(directory, version)],
    }),
    mtree: (directory, _, version) => ({
      program: 'casync',
      args: ['mtree', store(directory), treeIndex(directory, version)],
    }),
    hash: (tree) => ({ program: 'casync', args: ['digest', tree] }),
  },
  read(directory, file) {
    const output = join(directory, 'output')
    return {
      program: 'casync',
      args: ['extract', store(directory), index(directory, file), output],
      output,
    }
  },
}

function store(directory: string): string {
  return `--store=${join(repositoryIn(directory), 'default.castr')}`
}

function treeIndex(directory: string, version: number): string {
  return join(repositoryIn(directory), `v${version}.caidx`)
}

function index(directory: string, file: string): string {
  return join(repositoryIn(directory), `${labelOf(file)}.caibx`)
}
