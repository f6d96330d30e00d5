/** Ranges of keys on the command line, in the manner of Level's. */

import type { KeyRange } from '../collection/key-range.js'
import type { Key } from '../collection/value.js'
import type { CommandOption } from './command.js'
import { KEY_TYPE_OPTION, LIMIT_OPTION, REVERSE_OPTION } from './options.js'
import type { ValueType } from './values/value-type.js'
import { keyFrom, type Word } from './values/word.js'

export const KEY_RANGE_OPTIONS: readonly CommandOption[] = [
  { flags: '--gt <key>', description: 'only keys after this one' },
  { flags: '--gte <key>', description: 'only this key and those after it' },
  { flags: '--lt <key>', description: 'only keys before this one' },
  { flags: '--lte <key>', description: 'only this key and those before it' },
  REVERSE_OPTION,
  LIMIT_OPTION,
  KEY_TYPE_OPTION,
]

/** As typed. */
export interface KeyRangeOptions {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  readonly limit?: number
  readonly keyType?: ValueType
}

/** The range that the options say. Throws a UsageError. */
export function keyRangeFrom({ keyType, reverse, limit, ...bounds }: KeyRangeOptions): Word<KeyRange<Key>> {
  const keys = Object.entries(bounds).map(([name, word]) => [name, keyFrom(word as string, keyType)] as const)
  return async (db) => {
    const range: Record<string, Key> = {}
    for (const [name, key] of keys) range[name] = await key(db)
    return { ...range, reverse, limit }
  }
}
