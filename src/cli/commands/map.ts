/** nomsy map: the commands for maps. */

import type { CommandGroup } from '../command.js'

export const group: CommandGroup['group'] = {
  summary: 'work with maps: get, set, delete, range, import, export',
  notes: `A map has entries, each a key and a value, in the order of the keys. What changes a map gives its name a new one; the
old one stays under its ref, and where the name has commits, in its history.

Values are JSON, keys are text; --type and --key-type say otherwise. What JSON does not have is written
  {"$bytes": "aGVsbG8="}               bytes, in base64
  {"$ref": "pf2tsrnk..."}              a ref
  {"$bigint": "9223372036854775807"}   whole numbers beyond 2^53-1, up to 64 bits
  {"$number": "NaN"}                   NaN, Infinity, -Infinity
and a record that looks like one of these with one $ more: {"$$ref": "#/definitions/user"}.`,
  examples: [`nomsy map set users ada '{"born": 1815}'`, 'nomsy map get users ada', 'nomsy show users'],
}
