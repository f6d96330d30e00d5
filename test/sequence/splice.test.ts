import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BLOB_FORMAT, BLOB_PARAMS } from '../../src/blob/blob-format.js'
import type { Value } from '../../src/encoding/value.js'
import type { SequenceFormat, TreeParams } from '../../src/sequence/format.js'
import { MetaNode, type Node } from '../../src/sequence/node.js'
import { finishTree, TreeCopier } from '../../src/sequence/tree-copier.js'
import { type Root, TreeWriter } from '../../src/sequence/tree-writer.js'
import type { ChunkStore } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { check } from '../seed.js'
import { stream } from '../vectors/stream.js'
import { data, join } from './data.js'
import { COLLECTION_PARAMS, itemOf, LIST_FORMAT, MAP_FORMAT } from './item-formats.js'
import { SMALL_PARAMS } from './small-params.js'
import { build, countChunks, nodesPerLevel, openTree, push, readAll } from './trees.js'
import { WatchedStore } from './watched-store.js'

type Items = Uint8Array | Uint8Array[]

type Step =
  | { readonly kind: 'keep' | 'skip'; readonly amount: (left: number) => number }
  | { readonly kind: 'insert'; readonly items: Items }

/** How many of the items that are left: a few, some part of them, or all. */
const amount = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map((count) => fc.stringify(count)),
  fc.double({ min: 0, max: 1, noNaN: true }).map((part) => `${part} of it`),
)

function amountOf(text: string): (left: number) => number {
  const number = Number.parseFloat(text)
  return (left) => (text.endsWith('it') ? Math.floor(left * number) : Math.min(left, number))
}

function steps(inserted: fc.Arbitrary<Items>): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('keep' as const, 'skip' as const), amount: amount.map(amountOf) }),
    fc.record({ kind: fc.constant('insert' as const), items: inserted }),
  )
  return fc.array(step, { maxLength: 6 })
}

/** Items of a list from one byte to more than a whole small chunk, few and many, alike and not. */
function listItems(maxItems: number): fc.Arbitrary<Uint8Array[]> {
  const value: fc.Arbitrary<Value> = fc.oneof(
    fc.nat(300),
    fc.string({ maxLength: 40 }),
    fc.constant('x'.repeat(500)),
  )
  const many = fc
    .tuple(fc.integer({ min: 0, max: maxItems }), fc.nat(50), fc.constantFrom(1, 7, 1_000_000))
    .map(([count, seed, period]) =>
      Array.from({ length: count }, (_, index) => itemOf(`${seed}:${(index % period) * 7919}`)),
    )
  return fc.oneof(
    fc.array(
      value.map((each) => itemOf(each)),
      { maxLength: 30 },
    ),
    many,
  )
}

/** `before` with `steps` done to it, as a tree and as plain items; what no step reaches is kept, or dropped. */
async function edit(
  store: ChunkStore,
  format: SequenceFormat,
  params: TreeParams,
  before: { readonly root: Root; readonly items: Items },
  steps: readonly Step[],
  keepsRest: boolean,
): Promise<{ root: Root; items: Items }> {
  const { reader, root } = await openTree(store, format, before.root)
  const writer = new TreeWriter(format, params, store)
  const copier = new TreeCopier(reader, root, writer)
  const parts: Items[] = []
  let at = 0
  if (steps[0]?.kind === 'insert') await copier.skipTo(0)
  for (const step of steps) {
    if (step.kind === 'insert') {
      push(writer, step.items)
      parts.push(step.items)
      continue
    }
    const to = at + step.amount(before.items.length - at)
    if (step.kind === 'keep') {
      await copier.copyTo(to)
      parts.push(before.items.slice(at, to))
    } else {
      await copier.skipTo(to)
    }
    at = to
  }
  if (keepsRest) {
    await copier.copyRest()
    parts.push(before.items.slice(at))
  }
  const items =
    before.items instanceof Uint8Array ? join(parts as Uint8Array[]) : (parts as Uint8Array[][]).flat()
  return { root: await finishTree(reader, writer), items }
}

describe.each<[string, SequenceFormat, TreeParams, fc.Arbitrary<Items>, fc.Arbitrary<Items>, number]>([
  ['bytes in small chunks', BLOB_FORMAT, SMALL_PARAMS, data(120_000), data(20_000), 150],
  ['bytes', BLOB_FORMAT, BLOB_PARAMS, data(1_500_000), data(200_000), 25],
  ['items in small chunks', LIST_FORMAT, SMALL_PARAMS, listItems(6000), listItems(500), 100],
  ['items', LIST_FORMAT, COLLECTION_PARAMS, listItems(10_000), listItems(500), 20],
])('%s', (_, format, params, before, inserted, numRuns) => {
  test('kept, skipped and inserted make the tree that the result makes from scratch', async () => {
    await check(
      fc.asyncProperty(
        before,
        fc.array(fc.tuple(steps(inserted), fc.boolean()), { minLength: 1, maxLength: 3 }),
        async (items, edits) => {
          const store = new MemoryStore()
          let state = { root: await build(store, format, params, items), items }
          for (const [steps, keepsRest] of edits) {
            state = await edit(store, format, params, state, steps, keepsRest)
            const scratch = await build(new MemoryStore(), format, params, state.items)
            expect(state.root.ref.toString()).toBe(scratch.ref.toString())
            expect(state.root.length).toBe(state.items.length)
            await countChunks(store, state.root)
          }
        },
      ),
      { numRuns },
    )
  })

  test('read back are what was written', async () => {
    await check(
      fc.asyncProperty(before, async (items) => {
        const store = new MemoryStore()
        const tree = await openTree(store, format, await build(store, format, params, items))
        const read = await readAll(tree)
        expect(read.length).toBe(items.length)
        expect(Buffer.compare(flat(read), flat(items))).toBe(0)
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    )
  })
})

describe('a tree', () => {
  /** Lengths whose trees have 1 to 6 levels. */
  const lengths = [0, 1, 90, 700, 6000, 40_000, 400_000]
  const noise = stream('sha', 'levels', 500_000)

  test('has more levels the more there is in it', async () => {
    const store = new MemoryStore()
    const levels: number[] = []
    for (const length of lengths) {
      const root = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise.subarray(0, length))
      levels.push((await nodesPerLevel(await openTree(store, BLOB_FORMAT, root))).length)
    }
    expect(levels).toEqual([...levels].sort((a, b) => a - b))
    expect(new Set(levels).size).toBeGreaterThanOrEqual(5)
  })

  test.each(lengths.flatMap((from) => lengths.filter((to) => to !== from).map((to) => [from, to] as const)))(
    'of %i bytes made one of %i at its beginning, middle or end is the one made from scratch',
    async (from, to) => {
      const store = new MemoryStore()
      const items = noise.subarray(0, from)
      const before = { root: await build(store, BLOB_FORMAT, SMALL_PARAMS, items), items }
      const change: Step =
        to < from
          ? { kind: 'skip', amount: () => from - to }
          : { kind: 'insert', items: noise.subarray(from, to) }
      for (const keep of [0, Math.floor(Math.min(from, to) / 2), Math.min(from, to)]) {
        const steps: Step[] = [{ kind: 'keep', amount: () => keep }, change]
        const after = await edit(store, BLOB_FORMAT, SMALL_PARAMS, before, steps, true)
        const scratch = await build(new MemoryStore(), BLOB_FORMAT, SMALL_PARAMS, after.items)
        expect(after.items.length).toBe(to)
        expect(after.root.ref.toString()).toBe(scratch.ref.toString())
        await countChunks(store, after.root)
      }
    },
  )

  test('kept from the start of a last node on, however few children that has, is the one made from scratch', async () => {
    let onlyChildren = 0
    for (let length = 2000; length < 12_000; length += 61) {
      const store = new MemoryStore()
      const items = noise.subarray(0, length)
      const before = { root: await build(store, BLOB_FORMAT, SMALL_PARAMS, items), items }
      const { reader, root } = await openTree(store, BLOB_FORMAT, before.root)
      let start = 0
      for (let node: Node = root; node instanceof MetaNode; ) {
        if (node.childCount === 1) onlyChildren++
        const last = node.childCount - 1
        start += node.childStart(last)
        node = await reader.child(node, last)
        const steps: Step[] = [{ kind: 'skip', amount: () => start }]
        const after = await edit(store, BLOB_FORMAT, SMALL_PARAMS, before, steps, true)
        const scratch = await build(new MemoryStore(), BLOB_FORMAT, SMALL_PARAMS, after.items)
        expect(after.root.ref.toString()).toBe(scratch.ref.toString())
      }
    }
    expect(onlyChildren).toBeGreaterThan(0)
  })

  test('emptied is the empty tree, and filled again is the tree it was', async () => {
    const store = new MemoryStore()
    const full = { root: await build(store, BLOB_FORMAT, SMALL_PARAMS, noise), items: noise as Items }
    const emptied = await edit(store, BLOB_FORMAT, SMALL_PARAMS, full, [], false)
    const empty = await build(store, BLOB_FORMAT, SMALL_PARAMS, new Uint8Array(0))
    expect(emptied.root.ref.toString()).toBe(empty.ref.toString())
    const insert: Step = { kind: 'insert', items: noise }
    const refilled = await edit(store, BLOB_FORMAT, SMALL_PARAMS, emptied, [insert], true)
    expect(refilled.root.ref.toString()).toBe(full.root.ref.toString())
  })

  test('kept whole is read along one path, and only its root is written again', async () => {
    const store = new WatchedStore()
    const root = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise)
    store.reads = store.puts = 0
    const keepAll: Step = { kind: 'keep', amount: () => 0 }
    const kept = await edit(store, BLOB_FORMAT, SMALL_PARAMS, { root, items: noise }, [keepAll], true)
    expect(kept.root.ref.toString()).toBe(root.ref.toString())
    expect(store.reads).toBeLessThanOrEqual(6)
    expect(store.puts).toBe(1)
  })

  test('changed in one place is read and written around that place only', async () => {
    const store = new WatchedStore()
    const root = await build(store, BLOB_FORMAT, SMALL_PARAMS, noise)
    const levels = (await nodesPerLevel(await openTree(store, BLOB_FORMAT, root))).length
    for (const place of [0, 1, 77_777, 250_000, 499_999]) {
      store.reads = store.puts = 0
      const steps: Step[] = [
        { kind: 'keep', amount: () => place },
        { kind: 'skip', amount: () => 1 },
        { kind: 'insert', items: Uint8Array.of(noise[place]! ^ 1) },
      ]
      await edit(store, BLOB_FORMAT, SMALL_PARAMS, { root, items: noise }, steps, true)
      // A few nodes on each level until the old boundaries are met again.
      expect(store.reads).toBeLessThan(8 * levels)
      expect(store.puts).toBeLessThan(8 * levels)
    }
  })
})

test('keyed items keep their last keys through an edit', async () => {
  const store = new MemoryStore()
  const item = (index: number): Uint8Array => itemOf(String(index).padStart(5, '0'), index)
  const items = Array.from({ length: 5000 }, (_, index) => item(index * 2))
  const before = { root: await build(store, MAP_FORMAT, SMALL_PARAMS, items), items: items as Items }
  for (const at of [0, 1, 2500, 4999, 5000]) {
    const steps: Step[] = [
      { kind: 'keep', amount: () => at },
      { kind: 'insert', items: [item(at * 2 - 1)] },
    ]
    const after = await edit(store, MAP_FORMAT, SMALL_PARAMS, before, steps, true)
    const scratch = await build(new MemoryStore(), MAP_FORMAT, SMALL_PARAMS, after.items)
    expect(after.root.ref.toString()).toBe(scratch.ref.toString())
  }
})

function flat(items: Items): Uint8Array {
  return items instanceof Uint8Array ? items : Buffer.concat(items)
}
