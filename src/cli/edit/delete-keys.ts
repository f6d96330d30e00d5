/** Removes keys of maps and sets. */

import type { CommandContext } from '../command-context.js'
import { checkName } from '../head-name.js'
import { KEY_TYPE_OPTION, MESSAGE_OPTION } from '../options.js'
import { abridged } from '../values/json-form.js'
import type { ValueType } from '../values/value-type.js'
import { keysFrom } from '../values/word.js'
import { editCollection, present } from './edit-collection.js'

export const DELETE_OPTIONS = [KEY_TYPE_OPTION, MESSAGE_OPTION]

export interface DeleteOptions {
  readonly keyType?: ValueType
  readonly message?: string
}

export async function deleteKeys(
  context: CommandContext,
  kind: 'map' | 'set',
  { keyType, message }: DeleteOptions,
  name: string,
  words: readonly string[],
): Promise<void> {
  checkName(name)
  const keysOf = keysFrom(words, keyType)
  const db = await context.openToWrite()
  const keys = await keysOf(db)
  const edit = { name, message, words: `${kind} delete ${abridged(words.join(' '))}` }
  await editCollection(context, db, kind, edit, async (before) => {
    const changes = present(before, name).edit()
    for (const key of keys) changes.delete(key)
    return (await changes.done()).ref
  })
}
