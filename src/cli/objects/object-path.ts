/**
 * OBJECT:PATH as people write it: the way from an object to what is in it. Steps are parted by `/`. A step is a map's
 * key, the position in a list or array (from the end where negative), or the name of a record's field:
 *
 *     users:ada/born     logs:-1/message
 *
 * A step in brackets is JSON: for keys that are no strings, or hold a `/`, or begin with a bracket.
 *
 *     scores:[1815]      pages:["docs/index"]/title
 */

import type { Value } from '../../collection/value.js'
import { UsageError } from '../failure.js'
import { fromJson } from '../values/json-form.js'
import { NotationError } from '../values/notation-error.js'

export interface Step {
  /** As it was written. */
  readonly text: string
  /** The key that it stands for, where it is a key. */
  readonly key: Value
}

export interface ObjectPath {
  /** What stands before the path: a name, a ref. */
  readonly object: string
  readonly steps: readonly Step[]
}

/** Throws a UsageError where what comes after the colon is no path. */
export function parseObjectPath(text: string): ObjectPath {
  // Neither names nor refs have colons.
  const colon = text.indexOf(':')
  if (colon < 0) return { object: text, steps: [] }
  const path = text.slice(colon + 1)
  const steps: Step[] = []
  const refuse = (why: string): never => {
    throw new UsageError(
      `${text}: ${why}; a path is like 'ada/born', or '["a/b"]/0' for keys that are no plain text`,
    )
  }
  for (let at = 0; at <= path.length; ) {
    const isJson = path[at] === '['
    const end = isJson ? arrayEnd(path, at) : nextSlash(path, at)
    if (end === undefined) return refuse(`the bracket at ${path.slice(at)} does not end`)
    const step = path.slice(at, end)
    if (step === '') return refuse('there is an empty step')
    steps.push({ text: step, key: isJson ? keyIn(step, refuse) : step })
    if (end < path.length && path[end] !== '/') return refuse(`after ${step} there must be a '/' or the end`)
    at = end + 1
  }
  return { object: text.slice(0, colon), steps }
}

function keyIn(step: string, refuse: (why: string) => never): Value {
  let value: Value
  try {
    value = fromJson(step)
  } catch (error) {
    if (error instanceof NotationError) return refuse(`${step}: ${error.message}`)
    throw error
  }
  if (!Array.isArray(value) || value.length !== 1) return refuse(`${step} must hold one key`)
  return value[0] as Value
}

function nextSlash(path: string, start: number): number {
  const slash = path.indexOf('/', start)
  return slash < 0 ? path.length : slash
}

/** Where the array of JSON ends that begins at `start`; undefined where it does not. */
function arrayEnd(path: string, start: number): number | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[[\]]/g
  token.lastIndex = start
  let depth = 0
  for (let match = token.exec(path); match !== null; match = token.exec(path)) {
    if (match[0] === '[') depth++
    if (match[0] === ']' && --depth === 0) return token.lastIndex
  }
  return undefined
}
