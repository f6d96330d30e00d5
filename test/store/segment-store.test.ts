import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ref } from '../../src/hash/ref.js'
import type { ChunkStore } from '../../src/store/chunk-store.js'
import { nodeFileSystem } from '../../src/store/segment/node-file-system.js'
import { SegmentFiles } from '../../src/store/segment/segment-files.js'
import { SegmentScanner } from '../../src/store/segment/segment-scanner.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { listSegments, readFormat, segmentFile } from '../../src/store/segment/store-format.js'
import { describeChunkStore } from '../contract/chunk-store-contract.js'

const directories: string[] = []

/** Small segments, so that the suite rolls over many of them. */
async function openAt(path: string): Promise<SegmentStore> {
  return SegmentStore.open(path, { segmentBytes: 1024 * 1024 })
}

describeChunkStore('SegmentStore', {
  async open() {
    const directory = await mkdtemp(join(tmpdir(), 'nomsy-segment-'))
    directories.push(directory)
    return openAt(join(directory, 'store'))
  },
  async reopen(store) {
    await store.close()
    return openAt(store.location)
  },
  async corrupt(store: ChunkStore, ref: Ref) {
    await store.close()
    await flipBitOf(store.location, ref)
    return openAt(store.location)
  },
  async cleanup() {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
  },
})

/** Flips one bit in the middle of a chunk's bytes, wherever they lie in the segments at `path`. */
async function flipBitOf(path: string, wanted: Ref): Promise<void> {
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
