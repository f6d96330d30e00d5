import { describe, expect, test } from 'vitest'
import { BLOB_FORMAT } from '../../src/blob/blob-format.js'
import { refsIn } from '../../src/encoding/decode.js'
import { encode } from '../../src/encoding/encode.js'
import { InvalidNodeError, MissingChunkError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { childrenOf, walk } from '../../src/sequence/walk.js'
import { type Chunk, type ChunkStore, chunkOf } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { stream } from '../vectors/stream.js'
import { join } from './data.js'
import { itemOf, LIST_FORMAT } from './item-formats.js'
import { SMALL_PARAMS } from './small-params.js'
import { build } from './trees.js'
import { WatchedStore } from './watched-store.js'

async function walked(store: ChunkStore, ref: Ref, visited?: Set<string>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of walk(store, ref, visited)) chunks.push(chunk)
  return chunks
}

function texts(chunks: readonly { readonly ref: Ref }[]): string[] {
  return chunks.map(({ ref }) => ref.toString())
}

/** Every ref under `ref`, found one by one. */
async function reachable(store: ChunkStore, ref: Ref, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(ref.toString())) return found
  found.add(ref.toString())
  for (const refs of refsIn((await store.get(ref))!))
    for (const child of refs) await reachable(store, child, found)
  return found
}

async function putValue(store: ChunkStore, value: Parameters<typeof encode>[0]): Promise<Ref> {
  const chunk = chunkOf(encode(value))
  await store.put([chunk])
  return chunk.ref
}

describe('a walk', () => {
  const noise = stream('sha', 'walk', 60_000)

  test.each<[string, (store: ChunkStore) => Promise<Ref>]>([
    ['a leaf', async (store) => (await build(store, BLOB_FORMAT, SMALL_PARAMS, noise.subarray(0, 10))).ref],
    ['a deep tree', async (store) => (await build(store, BLOB_FORMAT, SMALL_PARAMS, noise)).ref],
    [
      'a tree that holds the same chunks many times',
      async (store) =>
        (await build(store, BLOB_FORMAT, SMALL_PARAMS, join([noise, new Uint8Array(90_000), noise]))).ref,
    ],
    [
      'a list of refs to blobs',
      async (store) => {
        const items: Uint8Array[] = []
        for (let index = 0; index < 300; index++) {
          const blob = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise.subarray(0, (index % 50) * 40))
          items.push(itemOf(index % 2 === 0 ? blob.ref : { name: `${index}`, at: [blob.ref] }))
        }
        return (await build(store, LIST_FORMAT, SMALL_PARAMS, items)).ref
      },
    ],
    [
      'a record with lists of refs',
      async (store) => {
        const leaves = await Promise.all([1, 2, 3].map((each) => putValue(store, each)))
        return putValue(store, { a: leaves[0]!, b: [RefList.of(leaves)], c: leaves[2]! })
      },
    ],
  ])('of %s visits each chunk once, none before a parent', async (_, make) => {
    const store = new MemoryStore()
    const root = await make(store)
    const chunks = await walked(store, root)
    expect(texts(chunks)).toHaveLength(new Set(texts(chunks)).size)
    expect(new Set(texts(chunks))).toEqual(await reachable(store, root))
    const seen = new Set([root.toString()])
    for (const { ref, bytes } of chunks) {
      expect(seen.has(ref.toString())).toBe(true)
      expect(Ref.of(bytes).equals(ref)).toBe(true)
      for (const child of childrenOf(ref, bytes)) seen.add(child.toString())
    }
  })

  test('passes over what was visited before, and all that is under it', async () => {
    const store = new WatchedStore()
    const a = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise)
    const b = await build(store, BLOB_FORMAT, SMALL_PARAMS, join([noise, Uint8Array.of(1)]))
    const visited = new Set<string>()
    const first = await walked(store, a.ref, visited)
    expect(visited).toEqual(new Set(texts(first)))
    store.reads = 0
    const second = await walked(store, b.ref, visited)
    expect(second.length).toBeLessThan(8)
    expect(store.reads).toBe(second.length)
    expect(await walked(store, b.ref, visited)).toEqual([])
  })

  test('rejects at a chunk that is absent, naming it', async () => {
    const store = new WatchedStore()
    const { ref } = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise)
    const lost = (await walked(store, ref)).at(-1)!.ref
    store.lose(lost)
    await expect(walked(store, ref)).rejects.toThrow(MissingChunkError)
    await expect(walked(store, ref)).rejects.toMatchObject({
      code: 'NOMSY_MISSING_CHUNK',
      ref: lost.toString(),
    })
    await expect(walked(new MemoryStore(), ref)).rejects.toMatchObject({ ref: ref.toString() })
  })

  test('rejects at a chunk that is no canonical value', async () => {
    const store = new MemoryStore()
    const bad = chunkOf(Uint8Array.of(0x91, 0xcc, 0x00))
    await store.put([bad])
    const root = await putValue(store, [bad.ref])
    await expect(walked(store, root)).rejects.toThrow(InvalidNodeError)
    await expect(walked(store, root)).rejects.toMatchObject({ ref: bad.ref.toString() })
  })

  test('takes chunks with as many refs as fit', async () => {
    const store = new MemoryStore()
    const leaf = await putValue(store, 'leaf')
    const wide = await Promise.all(
      Array.from({ length: 3 }, (_, index) => {
        return putValue(store, [index, RefList.of(Array<Ref>(209_000).fill(leaf))])
      }),
    )
    const root = await putValue(store, wide)
    expect(await walked(store, root)).toHaveLength(5)
  })
})
