/**
 * The commands, in the order of the help. Each one's module is loaded when it is needed. Some are in groups, and called
 * by two words: `map get`.
 */

import type { Command, CommandGroup } from './command.js'

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  put: () => import('./commands/put.js'),
  cat: () => import('./commands/cat.js'),
  get: () => import('./commands/get.js'),
  ls: () => import('./commands/ls.js'),
  heads: () => import('./commands/heads.js'),
  list: () => import('./commands/list.js'),
  'list get': () => import('./commands/list/get.js'),
  'list push': () => import('./commands/list/push.js'),
  'list set': () => import('./commands/list/set.js'),
  'list splice': () => import('./commands/list/splice.js'),
  'list delete': () => import('./commands/list/delete.js'),
  'list range': () => import('./commands/list/range.js'),
  'list import': () => import('./commands/list/import.js'),
  'list export': () => import('./commands/list/export.js'),
  'map get': () => import('./commands/map/get.js'),
  'map set': () => import('./commands/map/set.js'),
  'map delete': () => import('./commands/map/delete.js'),
  'map range': () => import('./commands/map/range.js'),
  'map import': () => import('./commands/map/import.js'),
  'map export': () => import('./commands/map/export.js'),
  'set add': () => import('./commands/set/add.js'),
  'set has': () => import('./commands/set/has.js'),
  'set delete': () => import('./commands/set/delete.js'),
  'set range': () => import('./commands/set/range.js'),
  'set import': () => import('./commands/set/import.js'),
  'set export': () => import('./commands/set/export.js'),
  stat: () => import('./commands/stat.js'),
  du: () => import('./commands/du.js'),
  show: () => import('./commands/show.js'),
  hash: () => import('./commands/hash.js'),
  splice: () => import('./commands/splice.js'),
  diff: () => import('./commands/diff.js'),
  commit: () => import('./commands/commit.js'),
  log: () => import('./commands/log.js'),
  branch: () => import('./commands/branch.js'),
  merge: () => import('./commands/merge.js'),
  rm: () => import('./commands/rm.js'),
  expire: () => import('./commands/expire.js'),
  gc: () => import('./commands/gc.js'),
  stats: () => import('./commands/stats.js'),
  check: () => import('./commands/check.js'),
  repair: () => import('./commands/repair.js'),
  init: () => import('./commands/init.js'),
}

export const GROUPS: Readonly<Record<string, () => Promise<CommandGroup>>> = {
  map: () => import('./commands/map.js'),
  list: () => import('./commands/list.js'),
  set: () => import('./commands/set.js'),
}

/** Options of the program that take a value in the next word. */
const VALUE_OPTIONS = ['--store', '--durability']

/**
 * The command that `words`, the words after `nomsy`, call; the group where they call one and no command of it that is
 * known; undefined where nothing is recognized.
 */
export function calledCommand(words: readonly string[]): string | undefined {
  let group: string | undefined
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (VALUE_OPTIONS.includes(word)) index++
    else if (word.startsWith('-')) continue
    else if (group !== undefined)
      return Object.hasOwn(COMMANDS, `${group} ${word}`) ? `${group} ${word}` : group
    else if (Object.hasOwn(GROUPS, word)) group = word
    else return Object.hasOwn(COMMANDS, word) && !word.includes(' ') ? word : undefined
  }
  return group
}

/** The commands of a group, by the words that call them. */
export function commandsOf(group: string): string[] {
  return Object.keys(COMMANDS).filter((name) => name.startsWith(`${group} `))
}
