/** The contract of stores, kept by both sides of a socket and by both parts that a process can have in a store. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childrenIn } from '../../../src/database/gc.js'
import type { Ref } from '../../../src/hash/ref.js'
import type { ChunkStore } from '../../../src/store/chunk-store.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import { SharedStore } from '../../../src/store/shared/shared-store.js'
import { describeChunkStore } from '../../contract/chunk-store-contract.js'
import { flipBitOf } from '../damage.js'
import { serve } from './served.js'

const directories: string[] = []

async function newPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-shared-'))
  directories.push(directory)
  return join(directory, 'store')
}

async function cleanup(): Promise<void> {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
}

/** Small segments, so that the suite rolls over many of them. */
const OPTIONS = { segmentBytes: 1024 * 1024, childrenOf: childrenIn }

describeChunkStore('StoreClient of a MemoryStore', {
  async open() {
    const { client, end } = await serve(new MemoryStore())
    return Object.assign(client, { close: closingAlso(client, end) })
  },
})

describeChunkStore('SharedStore, the owner', {
  open: async () => SharedStore.open(await newPath(), OPTIONS),
  async reopen(store) {
    await store.close()
    return SharedStore.open(store.location, OPTIONS)
  },
  async corrupt(store, ref) {
    await store.close()
    await flipBitOf(store.location, ref)
    return SharedStore.open(store.location, OPTIONS)
  },
  cleanup,
})

/** The owners of stores that clients are tested on. */
const owners = new Map<string, SharedStore>()

describeChunkStore('SharedStore, a client', {
  open: async () => openAsClient(await newPath()),
  async reopen(store) {
    await store.close()
    return openAsClient(store.location)
  },
  async corrupt(store: ChunkStore, ref: Ref) {
    await store.flush()
    await owners.get(store.location)!.close()
    owners.delete(store.location)
    await store.close()
    await flipBitOf(store.location, ref)
    return openAsClient(store.location)
  },
  async cleanup() {
    for (const owner of owners.values()) await owner.close()
    owners.clear()
    await cleanup()
  },
})

async function openAsClient(path: string): Promise<SharedStore> {
  if (!owners.has(path)) owners.set(path, await SharedStore.open(path, OPTIONS))
  return SharedStore.open(path, OPTIONS)
}

function closingAlso(store: ChunkStore, end: () => Promise<void>): () => Promise<void> {
  const close = store.close.bind(store)
  return async () => {
    await close()
    await end()
  }
}
