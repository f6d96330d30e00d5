/** Prints items and values, for people or, with --json, for programs. */

import type { Key, Value } from '../../collection/value.js'
import type { CommandContext } from '../command-context.js'
import type { Item } from '../exchange/item.js'
import { jsonLine } from '../exchange/json-lines.js'
import type { CollectionKind } from '../objects/find-object.js'
import { type Paint, painter } from '../styled.js'
import { toJson } from '../values/json-form.js'
import { pretty, prettyLine } from '../values/pretty.js'

/** Prints the items of a `kind`, one a line. */
export async function printItems(
  { json, output, signal }: CommandContext,
  kind: CollectionKind,
  items: AsyncIterable<Item>,
): Promise<void> {
  const paint = painter(process.stdout)
  for await (const item of items) {
    signal.throwIfAborted()
    await output.line(json ? jsonLine(kind, item) : itemLine(kind, item, paint))
  }
}

/** An item on a line, of `width` characters at most or so; of a map `key: value`. */
export function itemLine(kind: CollectionKind, item: Item, paint: Paint, width?: number): string {
  if (kind !== 'map') return prettyLine(item, paint, width)
  const [key, value] = item as readonly [Key, Value]
  return `${prettyLine(key, paint, width)}: ${prettyLine(value, paint, width)}`
}

/** Prints values; `isRaw`: text and bytes as they are. */
export async function printValues(
  { json, output }: CommandContext,
  values: readonly Value[],
  isRaw = false,
): Promise<void> {
  const paint = painter(process.stdout)
  for (const value of values) {
    if (isRaw && typeof value === 'string') await output.line(value)
    else if (isRaw && value instanceof Uint8Array) {
      await output.flush()
      await output.write(value)
    } else await output.line(json ? toJson(value) : pretty(value, paint))
  }
}
