/** Boundaries that grow trees of many levels from little data: some 72 bytes to a leaf, 12 children to a node. */

import type { TreeParams } from '../../src/sequence/format.js'

export const SMALL_PARAMS: TreeParams = {
  leaf: { unitBytes: 1, windowUnits: 64, ones: 3, minUnits: 64, maxUnits: 256 },
  meta: { unitBytes: 20, windowUnits: 8, ones: 2, minUnits: 8, maxUnits: 32 },
}
