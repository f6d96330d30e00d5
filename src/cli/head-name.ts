/** Names for heads as they are typed. */

import { PIN_PREFIX } from '../database/database.js'
import { checkHeadName } from '../store/chunk-store.js'
import { UsageError } from './failure.js'

/** The value of --name, if a head can have it, so that nothing is stored first; throws a UsageError. */
export function parseHeadName(name: string): string {
  return checkName(name, '--name ')
}

/** Throws a UsageError unless a head can be called `name`, which is told after `what`. */
export function checkName(name: string, what = ''): string {
  if (name.startsWith(PIN_PREFIX))
    throw new UsageError(`${what}${name}: names that begin with ${PIN_PREFIX} are pins`)
  try {
    checkHeadName(name)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${what}${error.message}`)
    throw error
  }
  return name
}
