/**
 * Chunks that are known to be lost: a repair could find them nowhere, and told so. A check then tells of them as known.
 * SPEC "Recovery".
 */

import type { Ref } from '../hash/ref.js'

export interface LostChunks {
  /** The refs that are marked as lost, whether or not they have come back since. */
  list(): Promise<readonly Ref[]>
  /** Makes `refs` the ones that are marked; durable when it resolves. */
  replace(refs: readonly Ref[]): Promise<void>
}
