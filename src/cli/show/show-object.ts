/** What is in an object, abridged: for people, or as JSON for programs. */

import { List } from '../../collection/list.js'
import { SortedMap } from '../../collection/sorted-map.js'
import type { Item } from '../exchange/item.js'
import { itemForm } from '../exchange/json-lines.js'
import type { CollectionKind, CollectionOf, Found, StoredObject } from '../objects/find-object.js'
import { countText, summaryOf } from '../objects/object-summary.js'
import { formatSize } from '../size.js'
import type { Paint } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { pretty } from '../values/pretty.js'
import { itemLine } from './print-item.js'
import { entryForms, entryLines } from './show-directory.js'

/** Characters of a line, and of a text in a value, that are shown. */
const LINE_CHARS = 120
const TEXT_CHARS = 400

/** What the items of a collection are called in JSON. */
const PLURALS = { list: 'items', map: 'entries', set: 'keys' } as const

/** Lines for anything but a commit. `limit`: items shown of each collection, array and record. */
export async function objectLines(found: Found, limit: number, paint: Paint): Promise<string[]> {
  switch (found.kind) {
    case 'part':
    case 'value':
      return [pretty(found.object, paint, { items: limit, chars: TEXT_CHARS })]
    case 'blob':
      return [heading(found, formatSize(found.object.size), paint)]
    case 'commit':
      return [`commit ${found.ref}`]
    case 'dir':
      return directoryLines(found, limit, paint)
    default:
      return collectionLines(found, limit, paint)
  }
}

/** As {@link objectLines}; the value itself, if it is one. */
export async function objectJson(found: Found, limit: number): Promise<unknown> {
  if (found.kind === 'part' || found.kind === 'value') return jsonForm(found.object)
  const { kind, ref } = found
  if (kind === 'blob' || kind === 'commit') return { ref, ...summaryOf(found) }
  if (kind === 'dir') return { ref, ...summaryOf(found), entries: await entryForms(found.object, limit) }
  const items = await firstItems(found.object, limit)
  return { ref, ...summaryOf(found), [PLURALS[kind]]: items.map((item) => itemForm(kind, item)) }
}

type FoundCollection = Extract<StoredObject, { kind: CollectionKind }>

async function collectionLines(found: FoundCollection, limit: number, paint: Paint): Promise<string[]> {
  const { kind, object } = found
  const count = object.tree.root.length
  const lines = [heading(found, countText(kind, count), paint)]
  for (const [index, item] of (await firstItems(object, limit)).entries()) {
    const label = kind === 'list' ? `${paint('dim', String(index).padStart(3))}  ` : '  '
    lines.push(label + itemLine(kind, item, paint, LINE_CHARS))
  }
  if (count > limit) {
    const more = `... ${count - limit} more; --limit shows more, 'nomsy ${kind} range' any part`
    lines.push(`  ${paint('dim', more)}`)
  }
  return lines
}

async function directoryLines(
  found: Extract<StoredObject, { kind: 'dir' }>,
  limit: number,
  paint: Paint,
): Promise<string[]> {
  const { kind, object } = found
  const lines = await entryLines(object, limit, paint)
  const more = object.size - lines.length
  return [
    heading(found, countText(kind, object.size), paint),
    ...lines,
    ...(more > 0 ? [`  ${paint('dim', `... ${more} more; --limit shows more`)}`] : []),
  ]
}

function heading({ kind, ref }: StoredObject, amount: string, paint: Paint): string {
  return `${paint('bold', kind)}  ${ref}  ${amount}`
}

async function firstItems(collection: CollectionOf<CollectionKind>, limit: number): Promise<Item[]> {
  const items: Item[] = []
  if (limit === 0) return items
  const range = { limit }
  const source: AsyncIterable<Item> =
    collection instanceof List
      ? collection.values({ end: limit })
      : collection instanceof SortedMap
        ? collection.entries(range)
        : collection.keys(range)
  for await (const item of source) items.push(item)
  return items
}
