import type { List } from '../../collection/list.js'
import type { Value } from '../../collection/value.js'
import { Failure } from '../failure.js'

/** The position, from 0, of item `index`, which counts from the end where negative. `name` is the list's. */
export function existingIndex({ length }: List<Value>, index: number, name: string): number {
  const position = index < 0 ? length + index : index
  if (position >= 0 && position < length) return position
  throw new Failure(`${name}: no item ${index}; it has ${length}`)
}
