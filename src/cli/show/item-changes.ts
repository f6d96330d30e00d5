/** What became of the items of one collection in another, in one form for all kinds. */

import type { List } from '../../collection/list.js'
import type { SortedMap } from '../../collection/sorted-map.js'
import type { SortedSet } from '../../collection/sorted-set.js'
import type { Key, Value } from '../../collection/value.js'
import { type Paint, PLAIN } from '../styled.js'
import { jsonForm } from '../values/json-form.js'
import { prettyLine } from '../values/pretty.js'

export interface ItemChange {
  readonly kind: 'added' | 'removed' | 'changed'
  /** Of a map or set. */
  readonly key?: Key
  /** Of a list: the position before, of what was added the position after. */
  readonly index?: number
  /** The value, of a list or map, as it was and as it is. */
  readonly before?: Value
  readonly after?: Value
}

/** What turns `a` into `b`, which are of one kind, in order. */
export type Changes = AsyncIterable<ItemChange>

export function mapChanges(a: SortedMap<Key, Value>, b: SortedMap<Key, Value>): Changes {
  return a.diff(b)
}

export function setChanges(a: SortedSet<Key>, b: SortedSet<Key>): Changes {
  return a.diff(b)
}

export async function* listChanges(a: List<Value>, b: List<Value>): Changes {
  for await (const { aStart, removed, bStart, inserted } of a.diff(b)) {
    let index = aStart
    for await (const before of a.values({ start: aStart, end: aStart + removed }))
      yield { kind: 'removed', index: index++, before }
    index = bStart
    for await (const after of b.values({ start: bStart, end: bStart + inserted }))
      yield { kind: 'added', index: index++, after }
  }
}

/** The change as JSON. */
export function changeJson({ kind, key, index, before, after }: ItemChange): string {
  return JSON.stringify({
    kind,
    ...(key !== undefined && { key: jsonForm(key) }),
    index,
    ...(before !== undefined && { before: jsonForm(before) }),
    ...(after !== undefined && { after: jsonForm(after) }),
  })
}

/** The change as lines: what was there with a minus, what is there with a plus. */
export function changeLines({ kind, key, index, before, after }: ItemChange, paint: Paint): string[] {
  const line = (value: Value | undefined): string => {
    const parts: string[] = []
    if (key !== undefined) parts.push(prettyLine(key, PLAIN))
    if (index !== undefined) parts.push(`[${index}]`)
    if (value !== undefined) parts.push(prettyLine(value, PLAIN))
    return parts.join(': ')
  }
  return [
    ...(kind === 'added' ? [] : [paint('red', `- ${line(before)}`)]),
    ...(kind === 'removed' ? [] : [paint('green', `+ ${line(after)}`)]),
  ]
}
