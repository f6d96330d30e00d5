/** nomsy set: the commands for sets. */

import type { CommandGroup } from '../command.js'

export const group: CommandGroup['group'] = {
  summary: 'work with sets: add, has, delete, range, import, export',
  notes: `A set has keys, in order, each once. What changes a set gives its name a new one; the old one stays under its ref, and
where the name has commits, in its history. Keys are text, unless --key-type says otherwise; 'nomsy map --help' says
how bytes, refs and large numbers are written in JSON.`,
  examples: ['nomsy set add tags urgent draft', 'nomsy set has tags urgent', 'nomsy show tags'],
}
