/** nomsy show: what is in an object, or how it is stored. */

import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { parseCount } from '../count.js'
import { Failure } from '../failure.js'
import { type Found, find, openObject } from '../objects/find-object.js'
import { commitJson, commitLines } from '../show/commit-text.js'
import { objectJson, objectLines } from '../show/show-object.js'
import { type ShownTree, showChunks, showLevels } from '../show/show-tree.js'
import { painter } from '../styled.js'

/** Items shown where nobody says how many. */
const DEFAULT_LIMIT = 20

export const usage: CommandUsage = {
  summary: "show what is in an object; of a blob, its tree's levels and nodes",
  arguments: [['<object>', 'a name or ref, or a path into one: users:ada/born']],
  options: [
    {
      flags: '--limit <count>',
      description: `the first so many of a collection, and of arrays and records in it; ${DEFAULT_LIMIT} where left out`,
      parse: (text) => parseCount('--limit', text),
    },
    { flags: '--tree', description: "the tree's levels and nodes, of collections too" },
    { flags: '--chunks', description: "list the leaves instead: each one's offset, length and ref" },
  ],
  notes: `Of a map, list, set or directory it shows the first entries, of a commit what was said and what was committed. A path
goes from an object to what is in it; its steps, parted by '/', are names in directories, keys of maps, positions in
lists and arrays (-1 is the last), and fields of records. A step in brackets is JSON, for keys that are no text or have
a '/' in them: pages:["docs/index"].

Of a tree it prints a line for each level, the root's first: how many nodes it has, and the least, average and most
bytes or items (at level 0) or children (above it) of a node. A node that occurs twice counts twice.`,
  examples: [
    'nomsy show users',
    'nomsy show users:ada/born',
    'nomsy show backup:etc',
    'nomsy show disk',
    'nomsy show disk --chunks | head',
  ],
}

interface ShowOptions {
  readonly limit?: number
  readonly tree?: boolean
  readonly chunks?: boolean
}

export async function run(
  context: CommandContext,
  { limit = DEFAULT_LIMIT, tree = false, chunks = false }: ShowOptions,
  object: string,
): Promise<void> {
  const { json, output } = context
  const db = await context.openToRead()
  const named = await find(db, object)
  const commit = named.kind === 'commit' ? named.object : undefined
  const found = commit === undefined ? named : await openObject(db, commit.value)
  if (chunks) return showChunks(context, treeOf(found, object))
  if (tree || (found.kind === 'blob' && commit === undefined))
    return showLevels(context, treeOf(found, object))
  if (json) {
    const content = await objectJson(found, limit)
    return output.line(JSON.stringify(commit === undefined ? content : { ...commitJson(commit), content }))
  }
  const paint = painter(process.stdout)
  if (commit !== undefined) for (const line of [...commitLines(commit, paint), '']) await output.line(line)
  for (const line of await objectLines(found, limit, paint)) await output.line(line)
}

function treeOf(found: Found, object: string): ShownTree {
  if (found.kind === 'part' || found.kind === 'value' || found.kind === 'commit')
    throw new Failure(`${object} has no tree: it is one value`)
  return { ref: found.ref, tree: found.object.tree, isBlob: found.kind === 'blob' }
}
