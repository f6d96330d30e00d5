/** What an object is, at the cost of one chunk. */

import type { Database } from '../database/database.js'
import { NomsyError } from '../errors.js'
import type { Ref } from '../hash/ref.js'

export interface ObjectSummary {
  /** What it is; or that its first chunk is damaged, missing, or of a kind that this version does not know. */
  readonly kind: 'blob' | 'damaged' | 'missing' | 'unknown'
  /** Bytes in it; undefined where it cannot be read. */
  readonly size: number | undefined
}

export async function summarize(db: Database, ref: Ref): Promise<ObjectSummary> {
  try {
    return { kind: 'blob', size: (await db.blob(ref)).size }
  } catch (error) {
    if (!(error instanceof NomsyError)) throw error
    if (error.code === 'NOMSY_DAMAGED_CHUNK') return { kind: 'damaged', size: undefined }
    if (error.code === 'NOMSY_MISSING_CHUNK') return { kind: 'missing', size: undefined }
    if (error.code === 'NOMSY_INVALID_NODE') return { kind: 'unknown', size: undefined }
    throw error
  }
}
