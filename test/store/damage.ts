/** Damage to the stored bytes of chunks. */

import { open } from 'node:fs/promises'
import type { Ref } from '../../src/hash/ref.js'
import { nodeFileSystem } from '../../src/store/segment/node-file-system.js'
import { SegmentFiles } from '../../src/store/segment/segment-files.js'
import { SegmentScanner } from '../../src/store/segment/segment-scanner.js'
import { listSegments, readFormat, segmentFile } from '../../src/store/segment/store-format.js'

/** Flips one bit in the middle of a chunk's bytes, wherever they lie in the segments at `path`. */
export async function flipBitOf(path: string, wanted: Ref): Promise<void> {
  const { storeId } = (await readFormat(nodeFileSystem, path))!
  const files = new SegmentFiles(nodeFileSystem, path)
  for (const segment of await listSegments(nodeFileSystem, path)) {
    const scanner = await SegmentScanner.open(await files.get(segment), storeId, segment)
    for (
      let record = await scanner.nextRecord(0);
      record !== undefined;
      record = await scanner.nextRecord(record.end)
    ) {
      const entry = record.directory.find(({ ref }) => ref.equals(wanted))
      if (entry === undefined) continue
      const handle = await open(segmentFile(path, segment), 'r+')
      const at = record.payloadStart + entry.offset + (entry.length >> 1)
      const byte = new Uint8Array(1)
      await handle.read(byte, 0, 1, at)
      await handle.write(Uint8Array.of(byte[0]! ^ 1), 0, 1, at)
      await handle.close()
    }
  }
  await files.close()
}
