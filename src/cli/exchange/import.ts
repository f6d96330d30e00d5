/** Imports: what a file or standard input holds goes into a collection, in memory that does not grow with it. */

import type { Key, Value } from '../../collection/value.js'
import type { Database } from '../../database/database.js'
import { MissingChunkError } from '../../errors.js'
import type { CommandOption } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { type ChangeCollection, checkKind, editCollection } from '../edit/edit-collection.js'
import { Failure } from '../failure.js'
import { checkName } from '../head-name.js'
import type { CollectionKind, CollectionOf } from '../objects/find-object.js'
import { MESSAGE_OPTION } from '../options.js'
import { findSource } from '../source.js'
import { NotationError } from '../values/notation-error.js'
import { refusalOf } from '../values/refusal.js'
import { addEntries, addKeys } from './add-items.js'
import { csvReader } from './csv-reader.js'
import { checkNoCsvOptions, csvOptions, type FormatOptions, formatOptions } from './format.js'
import type { Item, ItemReader, Place } from './item.js'
import { jsonLinesReader } from './json-lines.js'

export interface ImportOptions extends FormatOptions {
  readonly replace?: boolean
  readonly message?: string
}

export function importOptions(kind: CollectionKind): CommandOption[] {
  const words = {
    format: 'csv, or jsonl for JSON Lines; where left out, csv if FILE ends in .csv',
    key: 'the column, or the field of each line of JSON, that is the key',
    value:
      'CSV: the column that is the value by itself; else the value is a record of all columns but the key',
  }
  return [
    ...formatOptions(kind, words),
    { flags: '--replace', description: 'what was there before goes; else what is imported is added to it' },
    MESSAGE_OPTION,
  ]
}

/** Imports `file` into the head `name`. */
export async function runImport<K extends CollectionKind>(
  context: CommandContext,
  kind: K,
  options: ImportOptions,
  name: string,
  file: string,
): Promise<void> {
  checkName(name)
  const read = readerFor(kind, options, file)
  const { signal } = context
  const source = await findSource(file)
  const db = await context.openOrCreate({})
  // It is too late to find this out once all has been read.
  await checkKind(db, kind, name)
  using progress = context.progress(source.title, source.size)
  const place: Place = { line: 0 }
  const imported = await source
    .readInOrder(signal, (pieces) => store(db, kind, read(counted(pieces, progress.add), place), signal))
    .catch((error: unknown) => {
      throw atPlace(error, source.title, place)
    })
  progress.end()
  const edit = { name, message: options.message, words: `${kind} import ${file}` }
  await editCollection(context, db, kind, edit, change(kind, imported, options.replace ?? false))
}

function readerFor(kind: CollectionKind, options: FormatOptions, file: string): ItemReader {
  const format = options.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'jsonl')
  if (format === 'csv') return csvReader(kind, { ...options, ...csvOptions(options) })
  checkNoCsvOptions(options)
  return jsonLinesReader(kind, options)
}

/** Stores what is read as a collection of its own. */
async function store<K extends CollectionKind>(
  db: Database,
  kind: K,
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): Promise<CollectionOf<K>> {
  // What is wrong with an item is found when it is stored, which must be before the next one is read.
  const stored: Readonly<Record<CollectionKind, () => Promise<unknown>>> = {
    list: () => db.list<Value>(items, { signal }),
    set: () => db.set<Key>(items as AsyncIterable<Key>, { signal }),
    map: () => db.map<Key, Value>(items as AsyncIterable<readonly [Key, Value]>, { signal }),
  }
  return (await stored[kind]()) as CollectionOf<K>
}

/** What makes the head's collection of the present one and what was imported. */
function change<K extends CollectionKind>(
  kind: K,
  imported: CollectionOf<K>,
  replaces: boolean,
): ChangeCollection<K> {
  return async (before) => {
    if (before === undefined || replaces) return imported.ref
    return (await COMBINED[kind](before, imported)).ref
  }
}

/** What comes of adding a collection to another one of its kind. */
const COMBINED: {
  readonly [K in CollectionKind]: (to: CollectionOf<K>, added: CollectionOf<K>) => Promise<CollectionOf<K>>
} = { list: (to, added) => to.concat(added), map: addEntries, set: addKeys }

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    count(piece.length)
    yield piece
  }
}

/** What is wrong with a text, told with the line. */
function atPlace(error: unknown, title: string, { line }: Place): unknown {
  if (error instanceof NotationError)
    return new Failure(`${title}: line ${error.line ?? line}: ${error.message}; nothing was changed`)
  const refusal = refusalOf(error)
  if (refusal !== undefined) return new Failure(`${title}: line ${line}: ${refusal}; nothing was changed`)
  // Refs are looked up many at a time.
  if (error instanceof MissingChunkError)
    return new Failure(`${title}: a ref in line ${line} or before: ${error.message}; nothing was changed`)
  return error
}
