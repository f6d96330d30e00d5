/** Names for heads as they are typed. */

import { PIN_PREFIX } from '../database/database.js'
import { checkHeadName } from '../store/chunk-store.js'
import { UsageError } from './failure.js'

/** Gives `name` back if a head can have it, so that nothing is stored first; throws a UsageError. */
export function parseHeadName(name: string): string {
  if (name.startsWith(PIN_PREFIX))
    throw new UsageError(`--name ${name}: names that begin with ${PIN_PREFIX} are pins`)
  try {
    checkHeadName(name)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--name ${error.message}`)
    throw error
  }
  return name
}
