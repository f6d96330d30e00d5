/** Which copies of chunks no longer count: what collections left lying in segments that stay. SPEC "Collecting". */

import { readCheckpoint } from './checkpoint.js'
import type { SegmentFiles } from './segment-files.js'

/** Chunks, as text, that the checkpoints of `segments` say are dropped, by the segment in which their copies are. */
export async function droppedIn(
  files: SegmentFiles,
  storeId: Uint8Array,
  segments: readonly number[],
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const dropped = new Map<number, Set<string>>()
  for (const segment of segments) {
    // One that cannot be read is met, and told of, by whoever reads the segment.
    const checkpoint = await readCheckpoint(files, storeId, segment).catch(() => undefined)
    for (const [other, refs] of checkpoint?.dropped ?? []) {
      const texts = dropped.get(other) ?? new Set()
      for (const ref of refs) texts.add(ref.toString())
      dropped.set(other, texts)
    }
  }
  return dropped
}
