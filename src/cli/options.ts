/** Options that several commands have. */

import type { CommandOption } from './command.js'
import { parseCount } from './count.js'
import { parseValueType, VALUE_TYPES } from './values/value-type.js'

const TYPES = VALUE_TYPES.join(', ')

export const MESSAGE_OPTION: CommandOption = {
  flags: '-m, --message <text>',
  description: 'commit the change with this message; a name that has commits gets one in any case',
}

export const KEY_TYPE_OPTION: CommandOption = {
  flags: '--key-type <type>',
  description: `what a KEY is: ${TYPES}; where left out, string`,
  parse: (text) => parseValueType('--key-type', text),
}

export const TYPE_OPTION: CommandOption = {
  flags: '--type <type>',
  description: `what a VALUE is: ${TYPES}; where left out, json`,
  parse: (text) => parseValueType('--type', text),
}

export const RAW_OPTION: CommandOption = {
  flags: '-r, --raw',
  description: 'text without quotes, and bytes as they are, without a line end',
}

export const REVERSE_OPTION: CommandOption = { flags: '--reverse', description: 'from the last to the first' }

export const LIMIT_OPTION: CommandOption = {
  flags: '--limit <count>',
  description: 'at most so many',
  parse: (text) => parseCount('--limit', text),
}
