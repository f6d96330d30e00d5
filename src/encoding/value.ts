/** What a chunk can hold: the values of canonical msgpack. SPEC "Encoding". */

import type { Ref } from '../hash/ref.js'
import type { RefList } from '../hash/ref-list.js'

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Ref
  | RefList
  | Value[]
  | ValueRecord

export interface ValueRecord {
  [key: string]: Value
}

/** The property by which an object says that it stands inside a value as its ref. */
export const storedAs: unique symbol = Symbol('nomsy.storedAs')

/** What has chunks of its own: a blob, a list, a map. Inside a value it is written as its ref. */
export interface Referable {
  readonly [storedAs]: Ref
}

/** How many arrays and maps may stand inside each other. */
export const MAX_DEPTH = 64

/** What may be written where. */
export interface ValueRules {
  /** How many arrays and maps may stand inside each other in one value. */
  readonly maxDepth: number
  /** Whether there may be lists of refs, or only single ones. */
  readonly refLists: boolean
}

/** Of a value that is a chunk of its own. */
export const CHUNK_RULES: ValueRules = { maxDepth: MAX_DEPTH, refLists: true }

/** Of a key or value in a collection: the node around it, and the node's array of them, are two levels more. */
export const ITEM_RULES: ValueRules = { maxDepth: MAX_DEPTH - 2, refLists: false }

/** Orders strings as their UTF-8 bytes are ordered, which is not how `<` orders surrogate pairs. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

/** Places surrogates, which stand for code points past U+FFFF, above the rest of the basic plane. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
