/** What an object is, at the cost of a chunk or two. */

import type { Database } from '../../database/database.js'
import { NomsyError } from '../../errors.js'
import type { Ref } from '../../hash/ref.js'
import { formatSize } from '../size.js'
import { openObject, type StoredObject } from './find-object.js'

export interface ObjectSummary {
  /** What it is; or that its first chunk is damaged, missing, or of a kind that this version does not know. */
  readonly kind: StoredObject['kind'] | 'damaged' | 'missing' | 'unknown'
  /** Bytes in a blob. */
  readonly size?: number
  /** Items of a list, keys of a set, entries of a map or directory. */
  readonly count?: number
  /** What a commit holds. */
  readonly value?: ObjectSummary
}

const PROBLEMS: Readonly<Record<string, ObjectSummary['kind']>> = {
  NOMSY_DAMAGED_CHUNK: 'damaged',
  NOMSY_MISSING_CHUNK: 'missing',
  NOMSY_INVALID_NODE: 'unknown',
}

export async function summarize(db: Database, ref: Ref): Promise<ObjectSummary> {
  try {
    const found = await openObject(db, ref)
    if (found.kind === 'commit') return { kind: 'commit', value: await summarize(db, found.object.value) }
    return summaryOf(found)
  } catch (error) {
    const kind = error instanceof NomsyError ? PROBLEMS[error.code] : undefined
    if (kind === undefined) throw error
    return { kind }
  }
}

export function summaryOf(found: StoredObject): ObjectSummary {
  switch (found.kind) {
    case 'blob':
      return { kind: 'blob', size: found.object.size }
    case 'list':
      return { kind: 'list', count: found.object.length }
    case 'map':
    case 'set':
    case 'dir':
      return { kind: found.kind, count: found.object.size }
    default:
      return { kind: found.kind }
  }
}

/** How much there is of it: `8.19 kB`, `3 entries`; of a commit, of what it holds. */
export function amountOf({ kind, size, count, value }: ObjectSummary): string {
  if (value !== undefined) return amountOf(value)
  if (size !== undefined) return formatSize(size)
  if (count !== undefined) return countText(kind, count)
  return kind === 'value' ? '1 value' : '?'
}

const NOUNS: Readonly<Record<string, readonly [one: string, more: string]>> = {
  list: ['item', 'items'],
  map: ['entry', 'entries'],
  set: ['key', 'keys'],
  dir: ['entry', 'entries'],
}

/** `1 entry`, `2 keys`. */
export function countText(kind: string, count: number): string {
  const [one, more] = NOUNS[kind]!
  return `${count} ${count === 1 ? one : more}`
}
