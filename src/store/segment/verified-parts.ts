/** The chunks of a block that has been read, each held against its ref. */

import { RefList } from '../../hash/ref-list.js'
import type { VerifiedParts } from '../../parallel/jobs.js'
import { runJob } from '../../parallel/pool.js'
import { CODEC_NONE } from './record.js'
import type { ScannedRecord } from './segment-scanner.js'

/** The block's chunks; undefined for those that are damaged, or whose payload was not read. */
export async function verifiedParts({ header, directory, payload }: ScannedRecord): Promise<VerifiedParts> {
  if (payload === undefined) return directory.map(() => undefined)
  const parts = directory.map(({ offset, length }) => ({ offset, length }))
  const unit = { start: 0, end: payload.length, isPacked: header.codec !== CODEC_NONE, parts }
  const refs = RefList.of(directory.map(({ ref }) => ref)).bytes
  // The scanner's window goes on to be used.
  return runJob('verifyUnits', header.rawBytes, new Uint8Array(payload), [unit], refs)
}
