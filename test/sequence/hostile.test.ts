/** Nodes that have the right hash and lie: each is met with a typed error, soon. */

import { describe, expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { encode } from '../../src/encoding/encode.js'
import type { Value } from '../../src/encoding/value.js'
import { NomsyError } from '../../src/errors.js'
import type { Ref } from '../../src/hash/ref.js'
import { RefList } from '../../src/hash/ref-list.js'
import { NodeCache } from '../../src/sequence/node-cache.js'
import { walk } from '../../src/sequence/walk.js'
import { chunkOf } from '../../src/store/chunk-store.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { LIST_FORMAT, MAP_FORMAT } from './item-formats.js'
import { openTree, readAll } from './trees.js'

/** Longest that a lie may go unnoticed. */
const LIMIT_MS = 100
const HUGE = Number.MAX_SAFE_INTEGER

/** A store that takes anything, and short ways to put nodes in it. */
class Forge extends MemoryStore {
  add(bytes: Uint8Array): Ref {
    const chunk = chunkOf(bytes)
    void this.put([chunk])
    return chunk.ref
  }

  value(value: Value): Ref {
    return this.add(encode(value))
  }

  leaf(length: number, fill = 1): Ref {
    return this.value(new Uint8Array(length).fill(fill))
  }

  meta(level: Value, children: readonly (readonly [Ref, Value])[], kind = 'blob'): Ref {
    const refs = RefList.of(children.map(([ref]) => ref))
    return this.value([kind, level, refs, children.map(([, length]) => length)])
  }

  /** A good node of one level above a leaf, 12 bytes in all. */
  pair(): Ref {
    return this.meta(1, [
      [this.leaf(5), 5],
      [this.leaf(7), 7],
    ])
  }
}

type Case = [string, (forge: Forge) => Ref]

const cases: Case[] = [
  [
    'a node under one of its own level',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 3],
        [forge.pair(), 12],
      ]),
  ],
  [
    'a node under one of a lower level',
    (forge) =>
      forge.meta(1, [
        [
          forge.meta(2, [
            [forge.pair(), 12],
            [forge.pair(), 12],
          ]),
          24,
        ],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a leaf two levels below its parent',
    (forge) =>
      forge.meta(2, [
        [forge.pair(), 12],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a leaf shorter than its parent says',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 3],
        [forge.leaf(3), 4],
      ]),
  ],
  [
    'a leaf longer than its parent says',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 2],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a leaf much shorter than its parent says',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 2 ** 50],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a node shorter than its parent says',
    (forge) =>
      forge.meta(2, [
        [forge.pair(), 12],
        [forge.pair(), 13],
      ]),
  ],
  [
    'a node longer than its parent says',
    (forge) =>
      forge.meta(2, [
        [forge.pair(), 11],
        [forge.pair(), 12],
      ]),
  ],
  [
    'an empty leaf among others',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 3],
        [forge.leaf(0), 0],
      ]),
  ],
  [
    'an empty leaf that is said to hold a byte',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 3],
        [forge.leaf(0), 1],
      ]),
  ],
  [
    'lengths that add up to 2^53',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(1), HUGE],
        [forge.leaf(1), 1],
      ]),
  ],
  [
    'a length of 2^53',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(1), 2n ** 53n],
        [forge.leaf(1), 1],
      ]),
  ],
  [
    'a negative length',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(1), -1],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a length that is no integer',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(1), 1.5],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a length that is text',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(1), '1'],
        [forge.leaf(3), 3],
      ]),
  ],
  ['a node without children', (forge) => forge.meta(1, [])],
  [
    'a node without children under a good one',
    (forge) =>
      forge.meta(2, [
        [forge.pair(), 12],
        [forge.meta(1, []), 1],
      ]),
  ],
  ['too many children', (forge) => forge.meta(1, Array(2049).fill([forge.leaf(1), 1]))],
  ['far too many children', (forge) => forge.meta(1, Array(180_000).fill([forge.leaf(1), 1]))],
  ['a root with one child', (forge) => forge.meta(1, [[forge.leaf(3), 3]])],
  [
    'more refs than lengths',
    (forge) => forge.value(['blob', 1, RefList.of([forge.leaf(1), forge.leaf(1)]), [1]]),
  ],
  [
    'fewer refs than lengths',
    (forge) => forge.value(['blob', 1, RefList.of([forge.leaf(1), forge.leaf(1)]), [1, 1, 1]]),
  ],
  [
    'refs as byte strings',
    (forge) => forge.value(['blob', 1, [forge.leaf(1).bytes, forge.leaf(1).bytes], [1, 1]]),
  ],
  ['refs one by one', (forge) => forge.value(['blob', 1, [forge.leaf(1), forge.leaf(1)], [1, 1]])],
  ['a field too few', (forge) => forge.value(['blob', 1, RefList.of([forge.leaf(1), forge.leaf(1)])])],
  [
    'a field too many',
    (forge) => forge.value(['blob', 1, RefList.of([forge.leaf(1), forge.leaf(1)]), [1, 1], []]),
  ],
  [
    'a byte after the node',
    (forge) =>
      forge.add(
        Buffer.concat([
          encode(['blob', 1, RefList.of([forge.leaf(1), forge.leaf(1)]), [1, 1]]),
          Buffer.of(0),
        ]),
      ),
  ],
  ['a byte after a leaf', (forge) => forge.add(Uint8Array.of(0xc4, 1, 0, 0))],
  ['a leaf cut short', (forge) => forge.add(Uint8Array.of(0xc4, 2, 0))],
  ['a leaf with too long a header', (forge) => forge.add(Uint8Array.of(0xc5, 0, 1, 0))],
  [
    'a leaf of another kind',
    (forge) =>
      forge.meta(1, [
        [forge.leaf(3), 3],
        [forge.value(['list', 0, [1]]), 1],
      ]),
  ],
  [
    'a node of another kind',
    (forge) =>
      forge.meta(
        1,
        [
          [forge.leaf(3), 3],
          [forge.leaf(3), 3],
        ],
        'list',
      ),
  ],
  [
    'a node of no kind',
    (forge) =>
      forge.meta(
        1,
        [
          [forge.leaf(3), 3],
          [forge.leaf(3), 3],
        ],
        '',
      ),
  ],
  [
    'a meta node of level 0',
    (forge) =>
      forge.meta(0, [
        [forge.leaf(3), 3],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a meta node of level 54',
    (forge) =>
      forge.meta(54, [
        [forge.leaf(3), 3],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a meta node of level 2^60',
    (forge) =>
      forge.meta(2n ** 60n, [
        [forge.leaf(3), 3],
        [forge.leaf(3), 3],
      ]),
  ],
  [
    'a level that is negative',
    (forge) =>
      forge.meta(-1, [
        [forge.leaf(3), 3],
        [forge.leaf(3), 3],
      ]),
  ],
  ['a value that is no node', (forge) => forge.value({ kind: 'blob' })],
  ['nothing at all', (forge) => forge.add(new Uint8Array(0))],
  ['arrays inside each other without an end', (forge) => forge.add(new Uint8Array(1_000_000).fill(0x91))],
  [
    'nodes inside each other 54 levels deep',
    (forge) => {
      let node = forge.leaf(1)
      for (let level = 1; level <= 54; level++)
        node = forge.meta(
          level,
          level === 54
            ? [
                [node, 1],
                [node, 1],
              ]
            : [[node, 1]],
        )
      return node
    },
  ],
  [
    'nodes of one level inside each other',
    (forge) => {
      let node = forge.pair()
      for (let each = 0; each < 3000; each++) node = forge.meta(1, [[node, 12]])
      return forge.meta(2, [
        [node, 12],
        [forge.pair(), 12],
      ])
    },
  ],
  [
    'two children that are one, 53 levels deep',
    (forge) => {
      let node = forge.leaf(1)
      for (let level = 1; level <= 53; level++)
        node = forge.meta(level, [
          [node, 2 ** (level - 1)],
          [node, 2 ** (level - 1)],
        ])
      return node
    },
  ],
]

async function timed(call: () => Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const start = performance.now()
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  return { error, ms: performance.now() - start }
}

function expectRefused({ error, ms }: { error: unknown; ms: number }): void {
  expect(error).toBeInstanceOf(NomsyError)
  expect((error as NomsyError).code).toMatch(/^NOMSY_(INVALID_NODE|ENCODING)$/)
  expect(ms).toBeLessThan(LIMIT_MS)
}

describe.each(cases)('%s', (_, make) => {
  const forge = new Forge()
  const ref = make(forge)
  const open = (): Promise<Blob> => Blob.open({ store: forge, cache: new NodeCache() }, ref)

  test('is refused when read from the beginning', async () => {
    const read = async (): Promise<void> => {
      for await (const _ of await open());
    }
    expectRefused(await timed(read))
  })

  test('is refused when read byte by byte', async () => {
    const read = async (): Promise<void> => {
      const blob = await open()
      for (let at = 0; at < 40; at++) await blob.slice(at, at + 1).bytes()
    }
    expectRefused(await timed(read))
  })

  test('is refused when edited at its beginning, its end, and everywhere', async () => {
    const edit = async (): Promise<void> => {
      const blob = await open()
      await blob.splice(0, 1)
      await blob.splice(blob.size, 0, Uint8Array.of(1))
      for (let at = 0; at <= 30 && at <= blob.size; at++) await blob.splice(at, 0, Uint8Array.of(1))
    }
    expectRefused(await timed(edit))
  })

  test('is refused when compared', async () => {
    const compare = async (): Promise<void> => {
      const blob = await open()
      const other = await Blob.put({ store: new MemoryStore(), cache: new NodeCache() }, new Uint8Array(3))
      for await (const _ of other.diff(blob));
    }
    expectRefused(await timed(compare))
  })
})

test('a walk sees each chunk of nodes that hold the same child a thousand times over once', async () => {
  const forge = new Forge()
  let node = forge.leaf(65536)
  for (let level = 1; level <= 3; level++) {
    node = forge.meta(level, Array(2048).fill([node, 65536 * 2048 ** (level - 1)]))
  }
  const { ms, error } = await timed(async () => {
    let count = 0
    for await (const _ of walk(forge, node)) count++
    expect(count).toBe(4)
  })
  expect(error).toBeUndefined()
  expect(ms).toBeLessThan(LIMIT_MS)
  const blob = await Blob.open({ store: forge, cache: new NodeCache() }, node)
  expect(blob.size).toBe(2 ** 49)
  expect(await blob.slice(-3).bytes()).toEqual(Uint8Array.of(1, 1, 1))
  await expect(blob.bytes()).rejects.toThrow(RangeError)
})

describe('a list or map', () => {
  const refs = (forge: Forge): RefList =>
    RefList.of([forge.value(['list', 0, [1]]), forge.value(['list', 0, [2]])])

  test.each<[string, typeof LIST_FORMAT, (forge: Forge) => Ref]>([
    ['with a blob for a leaf', LIST_FORMAT, (forge) => forge.leaf(3)],
    ['whose leaf is of another kind', LIST_FORMAT, (forge) => forge.value(['set', 0, [1]])],
    ['whose leaf says it is above level 0', LIST_FORMAT, (forge) => forge.value(['list', 1, [1]])],
    [
      'with fewer items than its root says',
      LIST_FORMAT,
      (forge) => forge.value(['list', 1, refs(forge), [1, 2]]),
    ],
    [
      'with last keys where there are none',
      LIST_FORMAT,
      (forge) => forge.value(['list', 1, refs(forge), [1, 1], [1, 2]]),
    ],
    ['without last keys', MAP_FORMAT, (forge) => forge.value(['map', 1, refs(forge), [1, 1]])],
    [
      'with fewer last keys than children',
      MAP_FORMAT,
      (forge) => forge.value(['map', 1, refs(forge), [1, 1], [1]]),
    ],
    [
      'with more last keys than children',
      MAP_FORMAT,
      (forge) => forge.value(['map', 1, refs(forge), [1, 1], [1, 2, 3]]),
    ],
    ['with a key that has no value', MAP_FORMAT, (forge) => forge.value(['map', 0, [1, 2, 3]])],
    [
      'with last keys that are not canonical',
      MAP_FORMAT,
      (forge) => {
        const good = encode(['map', 1, refs(forge), [1, 1], [1, 200]])
        return forge.add(Buffer.concat([good.subarray(0, -2), Buffer.of(0xcd, 0, 200)]))
      },
    ],
    [
      'with an item that is not canonical',
      LIST_FORMAT,
      (forge) => forge.add(Buffer.concat([encode(['list', 0, [0]]).subarray(0, -1), Buffer.of(0xcc, 0)])),
    ],
  ])('%s is refused', async (_, format, make) => {
    const forge = new Forge()
    const ref = make(forge)
    expectRefused(await timed(async () => readAll(await openTree(forge, format, { ref }))))
  })
})
