/** Imports: what a file or standard input holds goes into a collection, in memory that does not grow with it. */

import { MissingChunkError } from '../../errors.js'
import type { CommandOption } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { collectionAt, editCollection } from '../edit/edit-collection.js'
import { Failure } from '../failure.js'
import { checkName } from '../head-name.js'
import type { CollectionKind } from '../objects/find-object.js'
import { MESSAGE_OPTION } from '../options.js'
import { findSource } from '../source.js'
import { NotationError } from '../values/notation-error.js'
import { refusalOf } from '../values/refusal.js'
import { combined, extended, storeItems } from './add-items.js'
import { csvReader } from './csv-reader.js'
import { checkNoCsvOptions, csvOptions, type FormatOptions, formatOptions } from './format.js'
import type { ItemReader, Place } from './item.js'
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
  // It is too late to find out that it is of another kind once all has been read.
  const before = options.replace ? undefined : await collectionAt(db, kind, name)
  using progress = context.progress(source.title, source.size)
  const place: Place = { line: 0 }
  const imported = await source
    .readInOrder(signal, (pieces) => {
      const items = read(counted(pieces, progress.add), place)
      return before === undefined || before.tree.root.length === 0
        ? storeItems(db, kind, items, signal)
        : extended(before, items, signal)
    })
    .catch((error: unknown) => {
      throw atPlace(error, source.title, place)
    })
  progress.end()
  const edit = { name, message: options.message, words: `${kind} import ${file}` }
  await editCollection(context, db, kind, edit, async (current) => {
    if (current === undefined || options.replace || before?.equals(current)) return imported.ref
    // Somebody else has changed it meanwhile.
    return (await combined(imported, before ?? (await storeItems(db, kind, [], signal)), current)).ref
  })
}

function readerFor(kind: CollectionKind, options: FormatOptions, file: string): ItemReader {
  const format = options.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'jsonl')
  if (format === 'csv') return csvReader(kind, { ...options, ...csvOptions(options) })
  checkNoCsvOptions(options)
  return jsonLinesReader(kind, options)
}

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
