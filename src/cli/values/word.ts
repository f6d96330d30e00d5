/** Keys and values as words of the command line. */

import type { Key, Value } from '../../collection/value.js'
import type { Database } from '../../database/database.js'
import type { CommandContext } from '../command-context.js'
import { Failure, UsageError } from '../failure.js'
import { findRef } from '../objects/find-object.js'
import { readText } from '../read-text.js'
import { STDIN } from '../source.js'
import { abridged } from './json-form.js'
import { NotationError } from './notation-error.js'
import { parseAs, type ValueType } from './value-type.js'

/**
 * A word that was understood as far as that goes without a store. Gives its value: a ref may be written as any
 * OBJECT, for which it takes the store.
 */
export type Word<T> = (db: Database) => Promise<T>

/** The keys that `words` spell as a `type`. Throws a UsageError. */
export function keysFrom(words: readonly string[], type: ValueType = 'string'): Word<Key[]> {
  const keys = words.map((word) => spelled(word, type, `key ${abridged(word)}`, UsageError))
  return (db) => Promise.all(keys.map((key) => key(db))) as Promise<Key[]>
}

/** As {@link keysFrom}, of one key. */
export function keyFrom(word: string, type?: ValueType): Word<Key> {
  const keys = keysFrom([word], type)
  return async (db) => (await keys(db))[0]!
}

/** The value that `word`, or standard input in its place, spells as a `type`. Throws a Failure. */
export async function valueFrom(
  word: string,
  type: ValueType | undefined,
  context: CommandContext,
): Promise<Word<Value>> {
  if (word === STDIN && type !== 'ref') {
    return spelled(await readText(STDIN, context.signal), type ?? 'json', 'standard input', Failure)
  }
  return spelled(word, type ?? 'json', `value ${abridged(word)}`, UsageError)
}

/** As {@link valueFrom}, of several values. */
export async function valuesFrom(
  words: readonly string[],
  type: ValueType | undefined,
  context: CommandContext,
): Promise<Word<Value[]>> {
  if (words.filter((word) => word === STDIN).length > 1)
    throw new UsageError("'-' is given twice, but standard input can be read only once")
  const values: Word<Value>[] = []
  for (const word of words) values.push(await valueFrom(word, type, context))
  return (db) => Promise.all(values.map((value) => value(db)))
}

function spelled(
  word: string,
  type: ValueType,
  place: string,
  Problem: typeof Failure | typeof UsageError,
): Word<Value> {
  if (type === 'ref') return (db) => findRef(db, word)
  try {
    const value = parseAs(type, word)
    return async () => value
  } catch (error) {
    if (!(error instanceof NotationError)) throw error
    const advice =
      type === 'json' ? `; text is written '"hello"' in the shell, or hello with --type string` : ''
    throw new Problem(`${place}: ${error.message}${advice}`)
  }
}
