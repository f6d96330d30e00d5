/**
 * Directories as sequences: maps of another kind, whose keys are names and whose values are entries. SPEC "Directories".
 *
 *     dir   ["dir", 0, [name, record, name, record, ...]]
 */

import { pairFormat } from '../collection/collection-format.js'
import type { SequenceFormat } from '../sequence/format.js'
import { NAME_ORDER } from './entry-name.js'

export const DIR_FORMAT: SequenceFormat = pairFormat('dir', NAME_ORDER)
