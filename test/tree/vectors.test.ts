import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encode } from '../../src/encoding/encode.js'
import { Ref } from '../../src/hash/ref.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { Directory } from '../../src/tree/directory.js'
import { writeDirectory } from '../../src/tree/directory-writer.js'
import type { Entry, EntryName, TopAttributes } from '../../src/tree/entry.js'
import { collect } from '../collection/contexts.js'
import { nodesPerLevel } from '../sequence/trees.js'

interface Vectors {
  readonly directories: {
    readonly name: string
    readonly entries: [unknown, unknown][]
    readonly hex: string
    readonly ref: string
  }[]
  readonly numbered: { readonly count: number; readonly ref: string; readonly nodesPerLevel: number[] }[]
}

const { directories, numbered }: Vectors = JSON.parse(
  readFileSync(new URL('../vectors/directory.json', import.meta.url), 'utf8'),
)

async function written(entries: readonly [EntryName, Entry][], top?: TopAttributes): Promise<Directory> {
  const store = new MemoryStore()
  const { ref } = await writeDirectory(entries, { target: store }, top)
  return Directory.open({ store, cache: new NodeCache() }, ref)
}

test.each(directories.map((vector) => [vector.name, vector] as const))(
  'a directory: %s',
  async (_, vector) => {
    const all = fromJson(vector.entries) as [EntryName | null, Entry][]
    const first =
      all[0]?.[0] === null ? (all.shift()![1] as unknown as TopAttributes & { type: string }) : undefined
    const { type: _type, ...top } = first ?? { type: 'dir', with: [] }
    const entries = all as [EntryName, Entry][]
    const tree = await written(entries, first && top)
    expect(tree.ref.toString()).toBe(vector.ref)
    const chunk = await tree.context.store.get(tree.ref)
    expect(Buffer.from(chunk!).toString('hex')).toBe(vector.hex)
    expect(tree.top).toEqual(first && top)
    expect(await collect(tree)).toEqual(entries)
  },
)

test.each(numbered.map((vector) => [vector.count, vector] as const))('%i files', async (count, vector) => {
  const content = chunkOf(encode(Buffer.from('hello, nomsy\n'))).ref
  const entries = Array.from({ length: count }, (_, index): [string, Entry] => {
    const mtime = 1_700_000_000_000_000_000n + BigInt(index) * 1_000_003n
    return [`file ${index}`, { type: 'file', content, size: 13, mode: 0o600 + (index % 64), mtime }]
  })
  const tree = await written(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  expect(tree.ref.toString()).toBe(vector.ref)
  expect(await nodesPerLevel(tree.tree)).toEqual(vector.nodesPerLevel)
})

/** Times are bigints here, however small. */
function fromJson(json: unknown, field?: string): unknown {
  if (field === 'mtime' && typeof json === 'number') return BigInt(json)
  if (Array.isArray(json)) return json.map((item) => fromJson(item))
  if (json === null || typeof json !== 'object') return json
  const { $int, $bytes, $ref } = json as Record<string, string>
  if ($int !== undefined) return BigInt($int)
  if ($bytes !== undefined) return Uint8Array.from(Buffer.from($bytes, 'hex'))
  if ($ref !== undefined) return Ref.parse($ref)!
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fromJson(value, key)]))
}
