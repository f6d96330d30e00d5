/** What two sides have made of one entry, as one entry: field by field, three-way. SPEC "Merge". */

import { sameBytes } from '../encoding/byte-order.js'
import { encode } from '../encoding/encode.js'
import type { Value } from '../encoding/value.js'
import type { Entry } from './entry.js'
import { encodeEntry } from './entry-item.js'

/** What an entry is, which is taken from one side as a whole. Of a directory the content is merged by itself. */
const SUBSTANCE = ['type', 'content', 'size', 'holes', 'target', 'device', 'link'] as const

type Fields = Readonly<Record<string, unknown>>

/**
 * Undefined where both sides changed the same, and not to the same. Of two times the later one is taken. Directories
 * are taken to have the content of ours.
 */
export function mergeEntries(base: Entry | undefined, ours: Entry, theirs: Entry): Entry | undefined {
  const isDirectory = ours.type === 'dir' && theirs.type === 'dir'
  const before: Fields = { ...base }
  const [our, their]: Fields[] = [{ ...ours }, { ...theirs, ...(isDirectory && { content: ours.content }) }]
  const merged: Record<string, unknown> = {}
  const names = Object.keys({ ...before, ...our, ...their })
  const groups = [SUBSTANCE, ...names.filter((name) => !isSubstance(name)).map((name) => [name])]
  for (const group of groups) {
    const side = sideOf(group, before, our!, their!)
    if (side === undefined) return undefined
    for (const name of group) if (side[name] !== undefined) merged[name] = side[name]
  }
  return isStorable(merged as unknown as Entry) ? (merged as unknown as Entry) : undefined
}

/** The side whose fields of these names are to be taken. */
function sideOf(names: readonly string[], base: Fields, ours: Fields, theirs: Fields): Fields | undefined {
  if (areSame(names, ours, theirs) || areSame(names, base, theirs)) return ours
  if (areSame(names, base, ours)) return theirs
  if (names[0] !== 'mtime') return undefined
  const { mtime: our } = ours
  const { mtime: their } = theirs
  return their === undefined || (our as bigint) > (their as bigint) ? ours : theirs
}

function areSame(names: readonly string[], a: Fields, b: Fields): boolean {
  return names.every((name) => {
    const [x, y] = [a[name], b[name]]
    if (x === undefined || y === undefined) return x === y
    return sameBytes(encode(x as Value), encode(y as Value))
  })
}

function isSubstance(name: string): boolean {
  return (SUBSTANCE as readonly string[]).includes(name)
}

/** Whether fields that were fine on each side are so together. */
function isStorable(entry: Entry): boolean {
  try {
    encodeEntry('-', entry)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
