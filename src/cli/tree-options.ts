/** The options of what is stored as a directory: what is recorded of it, and what is left out. */

import { readFile } from 'node:fs/promises'
import type { Kind } from '../tree/entry.js'
import { ALL_KINDS, REPRODUCIBLE_KINDS, sortedKinds } from '../tree/kinds.js'
import type { PutTreeOptions } from '../tree/local/put-tree.js'
import type { CommandOption } from './command.js'
import { failureAt, UsageError } from './failure.js'

export const TREE_OPTIONS: readonly CommandOption[] = [
  {
    flags: '--with <kinds>',
    description: 'of directories: record this too, such as mtime,owner',
    parse: parseKinds,
  },
  { flags: '--without <kinds>', description: 'of directories: do not record this', parse: parseKinds },
  {
    flags: '--reproducible',
    description: 'of directories: record only what is the same wherever they lie; see below',
  },
  {
    flags: '--exclude <pattern>',
    description: 'of directories: leave out what this matches, as in .gitignore; may be given again',
    parse: addWord,
  },
  {
    flags: '--exclude-from <file>',
    description: 'the same for each line of a file; may be given again',
    parse: addWord,
  },
  {
    flags: '--one-file-system',
    description: 'of directories: do not enter those on other file systems, which are stored empty',
  },
]

export const TREE_NOTES = `Of a directory are recorded, besides names, types and contents: ${ALL_KINDS.join(', ')}.
With --reproducible: ${REPRODUCIBLE_KINDS.join(', ')}; so two copies of it have one ref. Files named
.nomsyignore in it have patterns as in .gitignore of what is left out from there down.`

export interface TreeWords {
  readonly with?: readonly Kind[]
  readonly without?: readonly Kind[]
  readonly reproducible?: true
  readonly exclude?: readonly string[]
  readonly excludeFrom?: readonly string[]
  readonly oneFileSystem?: true
}

/** What the words mean. Rejects with a UsageError where there is no directory that they could be about. */
export async function treeOptionsOf(words: TreeWords, hasDirectories: boolean): Promise<PutTreeOptions> {
  const { exclude = [], excludeFrom = [], oneFileSystem = false, reproducible = false } = words
  const isSaid = [words.with, words.without, words.exclude, words.excludeFrom].some(
    (word) => word !== undefined,
  )
  if (!hasDirectories && (isSaid || oneFileSystem || reproducible))
    throw new UsageError('only files are given, and --with, --exclude and the like are for directories')
  const patterns = [...exclude]
  for (const file of excludeFrom) patterns.push(await patternsIn(file))
  const base = reproducible ? REPRODUCIBLE_KINDS : ALL_KINDS
  const without = new Set(words.without)
  return {
    with: sortedKinds([...base, ...(words.with ?? [])].filter((kind) => !without.has(kind))),
    exclude: patterns,
    oneFileSystem,
  }
}

async function patternsIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw failureAt(file, error)
  }
}

function parseKinds(text: string, before: unknown): readonly Kind[] {
  const kinds = text.split(',').map((word) => word.trim()) as Kind[]
  try {
    sortedKinds(kinds)
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
  return [...((before as readonly Kind[] | undefined) ?? []), ...kinds]
}

function addWord(text: string, before: unknown): readonly string[] {
  return [...((before as readonly string[] | undefined) ?? []), text]
}
