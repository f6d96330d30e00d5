/**
 * What a person is told of a place in an object: `main~3:users/ada/photo`, as SPEC "Objects" writes it, so that it can
 * be given to other commands.
 */

import { readEntry, readItemOf, readKey, readListItem } from '../../collection/read-item.js'
import type { Value } from '../../collection/value.js'
import { decode } from '../../encoding/decode.js'
import { Ref } from '../../hash/ref.js'
import type { Leaf } from '../../sequence/node.js'

export interface Place {
  /** A head's name and how many commits before it, or a ref. */
  readonly object: string
  /** Steps from there on. */
  readonly steps: readonly string[]
}

export function placeText({ object, steps }: Place): string {
  return steps.length === 0 ? object : `${object}:${steps.join('/')}`
}

/** A ref in a value, and the steps to it. */
export interface FoundRef {
  readonly ref: Ref
  readonly steps: readonly string[]
}

/** The refs in a collection's leaf whose first item is item `start` of the whole. */
export function refsInLeaf(kind: string, leaf: Leaf, start: number): FoundRef[] {
  const found: FoundRef[] = []
  for (let index = 0; index < leaf.length; index++) {
    if (kind === 'list') collect(readItemOf(leaf, index, readListItem), [String(start + index)], found)
    else if (kind === 'set') collect(readItemOf(leaf, index, readKey), [], found)
    else if (kind === 'map') {
      const [key, value] = readItemOf(leaf, index, readEntry)
      const steps = [keyStep(key as Value)]
      collect(key as Value, steps, found)
      collect(value as Value, steps, found)
    }
  }
  return found
}

/** The refs in a single value's chunk. */
export function refsInValue(chunk: Uint8Array): FoundRef[] {
  const found: FoundRef[] = []
  collect((decode(chunk) as unknown as Value[])[1]!, [], found)
  return found
}

function collect(value: Value, steps: readonly string[], found: FoundRef[]): void {
  if (value instanceof Ref) found.push({ ref: value, steps })
  else if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) collect(each as Value, [...steps, String(index)], found)
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const [name, each] of Object.entries(value))
      collect(each as Value, [...steps, textStep(name)], found)
  }
}

/** A key as a step of a path: text as it is where that can be told from other keys, anything else as JSON in brackets. */
export function keyStep(key: Value): string {
  return typeof key === 'string' ? textStep(key) : `[${JSON.stringify(jsonOf(key))}]`
}

function textStep(text: string): string {
  return text === '' || text.startsWith('[') || text.includes('/') ? JSON.stringify([text]) : text
}

/** As the command line writes keys. */
function jsonOf(key: Value): unknown {
  if (typeof key === 'bigint') return { $bigint: String(key) }
  if (typeof key === 'number' && !Number.isFinite(key)) return { $number: String(key) }
  if (key instanceof Ref) return { $ref: key.toString() }
  if (key instanceof Uint8Array) return { $bytes: btoa(String.fromCharCode(...key)) }
  return Array.isArray(key) ? key.map((each) => jsonOf(each as Value)) : key
}
