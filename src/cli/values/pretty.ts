/**
 * Values for people: JSON (json-form.ts) in colours, on one line where it fits and over several where not. What is
 * long can be abridged, which is said in words where something is left out.
 */

import type { Value } from '../../collection/value.js'
import { printable } from '../printable.js'
import type { Paint } from '../styled.js'
import { jsonForm } from './json-form.js'

/** Characters of a line. */
const WIDTH = 100

const INDENT = '  '

export interface Limits {
  /** Elements of an array and fields of a record that are shown. */
  readonly items: number
  /** Characters of a string that are shown. */
  readonly chars: number
}

const NO_LIMITS: Limits = { items: Number.POSITIVE_INFINITY, chars: Number.POSITIVE_INFINITY }

/** `value` over as many lines as it takes. */
export function pretty(value: Value, paint: Paint, limits = NO_LIMITS): string {
  return block(jsonForm(value), paint, limits, '')
}

/** `value` on one line: all of it, or as much as has room in `width` characters. */
export function prettyLine(value: Value, paint: Paint, width = Number.POSITIVE_INFINITY): string {
  const json = jsonForm(value)
  if (fits(json, width)) return line(json, paint)
  return `${printable(JSON.stringify(json).slice(0, Math.max(width - 3, 1)))}${paint('dim', '...')}`
}

function block(json: unknown, paint: Paint, limits: Limits, indent: string): string {
  if (typeof json !== 'object' || json === null) return scalar(json, paint, limits.chars)
  const [open, close] = Array.isArray(json) ? '[]' : '{}'
  const entries = Object.entries(json)
  const isWhole = entries.length <= limits.items
  if (isWhole && fits(json, Math.min(WIDTH - indent.length, limits.chars))) return line(json, paint)
  const inner = indent + INDENT
  const lines = entries.slice(0, limits.items).map(([name, child], index) => {
    const label = Array.isArray(json) ? '' : `${fieldName(name, paint)}: `
    const comma = index < entries.length - 1 ? ',' : ''
    return `${inner}${label}${block(child, paint, limits, inner)}${comma}`
  })
  if (!isWhole) lines.push(inner + paint('dim', `... ${entries.length - limits.items} more`))
  return [open, ...lines, indent + close].join('\n')
}

function line(json: unknown, paint: Paint): string {
  if (typeof json !== 'object' || json === null) return scalar(json, paint, Number.POSITIVE_INFINITY)
  if (Array.isArray(json)) return `[${json.map((item) => line(item, paint)).join(', ')}]`
  const fields = Object.entries(json).map(
    ([name, field]) => `${fieldName(name, paint)}: ${line(field, paint)}`,
  )
  return `{${fields.join(', ')}}`
}

function fieldName(name: string, paint: Paint): string {
  return paint('blue', printable(JSON.stringify(name)))
}

function scalar(json: unknown, paint: Paint, maxChars: number): string {
  if (json === null) return paint('dim', 'null')
  if (typeof json !== 'string') return paint('yellow', String(json))
  if (json.length <= maxChars) return paint('green', printable(JSON.stringify(json)))
  // Of a pair of surrogates both or none.
  const shown = json.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '')
  return `${paint('green', printable(JSON.stringify(shown)))} ${paint('dim', `... ${json.length - shown.length} characters more`)}`
}

/** Whether {@link line} has at most `width` characters. Looks no further than it must. */
function fits(json: unknown, width: number): boolean {
  return room(json, width) >= 0
}

/** What is left of `width` after {@link line}; below 0 where it does not fit. */
function room(json: unknown, width: number): number {
  if (typeof json === 'string')
    return json.length > width ? -1 : width - printable(JSON.stringify(json)).length
  if (typeof json !== 'object' || json === null) return width - String(json).length
  let left = width - 2
  for (const [name, child] of Object.entries(json)) {
    if (left < 0) return left
    if (!Array.isArray(json)) left -= JSON.stringify(name).length + 2
    left = room(child, left) - 2
  }
  return left
}
