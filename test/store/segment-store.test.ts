import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ref } from '../../src/hash/ref.js'
import type { ChunkStore } from '../../src/store/chunk-store.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { describeChunkStore } from '../contract/chunk-store-contract.js'
import { flipBitOf } from './damage.js'

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
