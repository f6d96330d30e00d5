/** borg without encryption, with its fastest compression and with none. */

import { join } from 'node:path'
import { type Contender, firstLine, labelOf, repositoryIn } from './contender.js'
import type { Command } from './runner.js'

export const borgLz4: Contender = contender('lz4', true)
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

function command(directory: string, args: readonly string[]): Command {
  return { program: 'borg', args, env: { BORG_BASE_DIR: join(directory, 'base') } }
}

function archive(directory: string, file: string): string {
  return `${repositoryIn(directory)}::${labelOf(file)}`
}
