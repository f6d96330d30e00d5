/** borg without encryption, with its fastest compression and with none. */

import { join } from 'node:path'
import { type Contender, firstLine, labelOf, repositoryIn, type TreeCommands } from './contender.js'
import type { Command } from './runner.js'

export const borgLz4: Contender = { ...contender('lz4', true), tree: treeCommands() }
export const borgNone: Contender = contender('none', false)

function contender(compression: string, compresses: boolean): Contender {
  return {
    name: `borg ${compression}`,
    isNomsy: false,
    compresses,
    notes: `compression ${compression}, chunks of 2 MiB`,
    version: (runner) => firstLine(runner, 'borg', ['--version'], 'borgbackup'),
    init: (directory) => command(directory, ['init', '--encryption', 'none', repositoryIn(directory)]),
    put: (directory, file) =>
      command(directory, ['create', '--compression', compression, archive(directory, file), file]),
    read: (directory, file) => command(directory, ['extract', '--stdout', archive(directory, file)]),
  }
}

function treeCommands(): TreeCommands {
  return {
    put: (directory, tree, version) =>
      command(directory, ['create', '--compression', 'lz4', versionOf(directory, version), tree]),
    get: (directory, _, version, output) => ({
      ...command(directory, ['extract', versionOf(directory, version)]),
      cwd: output,
    }),
    list: (directory, _, version) => command(directory, ['list', '--short', versionOf(directory, version)]),
    // Its paths begin without a slash.
    cat: (directory, tree, version, path) =>
      command(directory, ['extract', '--stdout', versionOf(directory, version), join(tree, path).slice(1)]),
    diff: (directory) => command(directory, ['diff', versionOf(directory, 1), 'v2']),
  }
}

function versionOf(directory: string, version: number): string {
  return `${repositoryIn(directory)}::v${version}`
}

function command(directory: string, args: readonly string[]): Command {
  return { program: 'borg', args, env: { BORG_BASE_DIR: join(directory, 'base') } }
}

function archive(directory: string, file: string): string {
  return `${repositoryIn(directory)}::${labelOf(file)}`
}
