/** nomsy list: the commands for lists; without one, what `nomsy heads` prints. */

import type { CommandGroup } from '../command.js'

export { run, usage } from './heads.js'

export const group: CommandGroup['group'] = {
  summary: 'work with lists: get, push, set, splice, delete, range, import, export',
  notes: `A list has items of any kind, found by their position. What changes a list gives its name a new one; the old one stays
under its ref, and where the name has commits, in its history. Without a command, prints names and what is pinned, as
'nomsy heads' does.`,
  examples: [`nomsy list push events '{"level": "info"}'`, 'nomsy list range events --start -10'],
}
