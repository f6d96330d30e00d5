/** Work that follows all that names hold, and ends where a chunk is lost: what can be done then. */

import type { Database } from '../database/database.js'
import { PIN_PREFIX } from '../database/database.js'
import { isLostChunk } from '../errors.js'
import { Failure } from './failure.js'

/** Names that are told of one chunk. */
const MAX_NAMES = 3

/** What `work` gives; where it meets a chunk that is lost, the Failure says which names need it. */
export async function namingLost<T>(db: Database, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isLostChunk(error)) throw error
    const names = await namesOf(db, error.ref, signal)
    if (names.length === 0) throw error
    const removals = names.slice(0, MAX_NAMES).map((name) => `'nomsy rm ${name}'`)
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
    throw new Failure(`${error.message}; or give up what needs it: ${removals.join(', ')}${more}`, {
      cause: error,
    })
  }
}

/** The names, and refs of pins, that cannot be read in full without the chunk. */
async function namesOf(db: Database, lost: string, signal: AbortSignal): Promise<string[]> {
  const names = new Set<string>()
  for await (const { ref, object } of db.check({ signal }))
    if (ref?.toString() === lost && object !== undefined) names.add(object)
  return [...names].map((name) => (name.startsWith(PIN_PREFIX) ? name.slice(PIN_PREFIX.length) : name))
}
