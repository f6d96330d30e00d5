/** The commands, in the order of the help. Each one's module is loaded when it is needed. */

import type { Command } from './command.js'

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  put: () => import('./commands/put.js'),
  cat: () => import('./commands/cat.js'),
  get: () => import('./commands/get.js'),
  list: () => import('./commands/list.js'),
  stat: () => import('./commands/stat.js'),
  show: () => import('./commands/show.js'),
  hash: () => import('./commands/hash.js'),
  splice: () => import('./commands/splice.js'),
  diff: () => import('./commands/diff.js'),
  rm: () => import('./commands/rm.js'),
  check: () => import('./commands/check.js'),
  init: () => import('./commands/init.js'),
}

/** Options of the program that take a value in the next word. */
const VALUE_OPTIONS = ['--store']

/** The command that `words`, the words after `nomsy`, call; undefined where none is recognized. */
export function calledCommand(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (VALUE_OPTIONS.includes(word)) index++
    else if (!word.startsWith('-')) return Object.hasOwn(COMMANDS, word) ? word : undefined
  }
  return undefined
}
