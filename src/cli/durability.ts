/** `--durability`, for all commands. */

import { DURABILITIES, type Durability } from '../store/segment/durability.js'
import { UsageError } from './failure.js'

export function parseDurability(text: string): Durability {
  const durability = DURABILITIES.find((each) => each === text)
  if (durability === undefined) {
    throw new UsageError(`--durability ${text}: no such mode; write ${DURABILITIES.join(', ')}`)
  }
  return durability
}
