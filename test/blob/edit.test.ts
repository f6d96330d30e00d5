import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Blob, writeBlob } from '../../src/blob/blob.js'
import { BLOB_PARAMS } from '../../src/blob/blob-format.js'
import type { BlobSlice } from '../../src/blob/blob-slice.js'
import { DISCARD } from '../../src/sequence/chunk-sink.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { data, inPieces, join } from '../sequence/data.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { countChunks } from '../sequence/trees.js'
import { stream } from '../vectors/stream.js'
import { coldContext, newContext } from './contexts.js'

async function refOf(bytes: Uint8Array, params: TreeParams = BLOB_PARAMS): Promise<string> {
  return (await writeBlob(DISCARD, bytes, {}, params)).ref.toString()
}

const part = fc.double({ min: 0, max: 1, noNaN: true })

describe.each<[string, TreeParams, number, number]>([
  ['small', SMALL_PARAMS, 50_000, 60],
  ['usual', BLOB_PARAMS, 800_000, 12],
])('with chunks of %s sizes', (_, params, maxBytes, numRuns) => {
  test('any run of splices gives the blob of the edited bytes', async () => {
    const edit = fc.record({
      at: part,
      removed: fc.oneof(part, fc.constant(0)),
      inserted: data(maxBytes / 5),
    })
    await check(
      fc.asyncProperty(
        data(maxBytes),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        async (bytes, edits) => {
          const context = newContext(params)
          let blob = await Blob.put(context, bytes)
          let expected = bytes
          for (const edit of edits) {
            const at = Math.floor(edit.at * expected.length)
            const removed = Math.floor(edit.removed * (expected.length - at))
            blob = await blob.splice(at, removed, edit.inserted)
            expected = join([expected.subarray(0, at), edit.inserted, expected.subarray(at + removed)])
            expect(blob.ref.toString()).toBe(await refOf(expected, params))
            expect(blob.size).toBe(expected.length)
          }
          expect(Buffer.compare(await blob.bytes(), expected)).toBe(0)
          await countChunks(context.store, blob)
        },
      ),
      { numRuns },
    )
  })

  test('blobs and slices one after the other give the blob of their bytes', async () => {
    const piece = fc.record({ bytes: data(maxBytes / 3), start: part, length: part, whole: fc.boolean() })
    await check(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), fc.boolean(), async (pieces, elsewhere) => {
        const context = newContext(params)
        const parts: Uint8Array[] = []
        const blobs: BlobSlice[] = []
        for (const [index, { bytes, start, length, whole }] of pieces.entries()) {
          const from = whole ? 0 : Math.floor(start * bytes.length)
          const to = whole ? bytes.length : from + Math.floor(length * (bytes.length - from))
          const home = elsewhere && index % 2 === 0 ? newContext(params) : context
          const blob = await Blob.put(home, bytes)
          blobs.push(whole ? blob : blob.slice(from, to))
          parts.push(bytes.subarray(from, to))
        }
        const blob = await Blob.concat(context, blobs)
        expect(blob.ref.toString()).toBe(await refOf(join(parts), params))
        await countChunks(context.store, blob)
      }),
      { numRuns },
    )
  })

  test('a blob, or a slice of one or of itself, put into a blob gives the blob of their bytes', async () => {
    await check(
      fc.asyncProperty(data(maxBytes), data(maxBytes), part, part, async (bytes, other, place, cut) => {
        const context = newContext(params)
        const blob = await Blob.put(context, bytes)
        const at = Math.floor(place * bytes.length)
        const from = Math.floor(cut * other.length)
        const inserted = (await Blob.put(context, other)).slice(from)
        expect((await blob.splice(at, 0, inserted)).ref.toString()).toBe(
          await refOf(join([bytes.subarray(0, at), other.subarray(from), bytes.subarray(at)]), params),
        )
        expect((await blob.splice(at, bytes.length - at, blob.slice(0, at))).ref.toString()).toBe(
          await refOf(join([bytes.subarray(0, at), bytes.subarray(0, at)]), params),
        )
        expect((await blob.append(blob)).ref.toString()).toBe(await refOf(join([bytes, bytes]), params))
      }),
      { numRuns },
    )
  })

  test('bytes appended in whatever pieces give the blob of all', async () => {
    await check(
      fc.asyncProperty(
        data(maxBytes / 4),
        fc.array(fc.integer({ min: 1, max: maxBytes / 10 }), { minLength: 1, maxLength: 6 }),
        async (bytes, sizes) => {
          let blob = await Blob.put(newContext(params), new Uint8Array(0))
          let length = 0
          for (const piece of [...inPieces(bytes, sizes)].slice(0, 20)) {
            blob = await blob.append(piece)
            length += piece.length
          }
          expect(blob.ref.toString()).toBe(await refOf(bytes.subarray(0, length), params))
        },
      ),
      { numRuns },
    )
  })
})

test('splices at and around every border of the first chunks give the blob of the edited bytes', async () => {
  const bytes = stream('sha', 'borders', 3000)
  const blob = await Blob.put(newContext(SMALL_PARAMS), bytes)
  for (let at = 0; at <= 400; at++) {
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    expect((await blob.splice(at, 0, Uint8Array.of(7))).ref.toString()).toBe(
      await refOf(join([before, Uint8Array.of(7), after]), SMALL_PARAMS),
    )
    expect((await blob.splice(at, 1)).ref.toString()).toBe(
      await refOf(join([before, after.subarray(1)]), SMALL_PARAMS),
    )
  }
})

describe('splice', () => {
  const bytes = stream('sha', 'refused', 1000)

  test.each<[string, number, number]>([
    ['a negative place', -1, 0],
    ['a place beyond the end', 1001, 0],
    ['a place that is no integer', 0.5, 0],
    ['a place that is no number', NaN, 0],
    ['a negative number of bytes', 0, -1],
    ['more bytes than there are', 0, 1001],
    ['more bytes than there are after the place', 999, 2],
    ['half a byte', 0, 0.5],
    ['endlessly many bytes', 0, Infinity],
  ])('refuses %s', async (_, at, removed) => {
    const blob = await Blob.put(newContext(), bytes)
    await expect(blob.splice(at, removed)).rejects.toThrow(RangeError)
  })

  test('that changes nothing gives the same blob', async () => {
    const blob = await Blob.put(newContext(), bytes)
    expect((await blob.splice(500, 0)).equals(blob)).toBe(true)
    expect((await blob.splice(500, 10, bytes.subarray(500, 510))).equals(blob)).toBe(true)
    expect((await blob.splice(0, 1000, blob)).equals(blob)).toBe(true)
    expect((await blob.splice(0, 1)).equals(blob)).toBe(false)
  })

  test.each([
    ['bytes', () => stream('sha', 'progress', 100_000)],
    ['pieces', () => inPieces(stream('sha', 'progress', 100_000), [999])],
    ['a blob of another store', () => Blob.put(newContext(), stream('sha', 'progress', 100_000))],
  ])('tells its progress through %s', async (_, source) => {
    let progress = 0
    const blob = await Blob.put(newContext(), bytes)
    await blob.append(await source(), { onProgress: (count) => void (progress += count) })
    expect(progress).toBe(100_000)
  })

  test('of a blob of the same store tells its progress and can be aborted too', async () => {
    const context = newContext()
    const blob = await Blob.put(context, bytes)
    const other = await Blob.put(context, stream('sha', 'progress', 100_000))
    let progress = 0
    await blob.append(other, { onProgress: (count) => void (progress += count) })
    expect(progress).toBe(100_000)
    const aborted = blob.splice(0, 0, other, { signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('of a big blob', () => {
  const bytes = stream('sha', 'big', 10_000_000)
  const big = async (): Promise<{ context: ReturnType<typeof newContext>; blob: Blob }> => {
    const written = newContext()
    const { ref } = await Blob.put(written, bytes)
    const context = coldContext(written)
    return { context, blob: await Blob.open(context, ref) }
  }

  test.each([0, 1, 1_234_567, 5_000_000, 9_999_998])(
    'a splice at %i reads and writes a few chunks',
    async (at) => {
      const { context, blob } = await big()
      const after = await blob.splice(at, 1, Uint8Array.of(1, 2, 3))
      expect(context.store.reads).toBeLessThan(20)
      expect(context.store.puts).toBeLessThan(12)
      expect(after.ref.toString()).toBe(
        await refOf(join([bytes.subarray(0, at), Uint8Array.of(1, 2, 3), bytes.subarray(at + 1)])),
      )
    },
  )

  test('an append reads and writes a few chunks', async () => {
    const { context, blob } = await big()
    await blob.append(Uint8Array.of(1))
    expect(context.store.reads).toBeLessThan(10)
    expect(context.store.puts).toBeLessThan(8)
  })

  test('a copy into another reads and writes the chunks at the seams', async () => {
    const { context, blob } = await big()
    const other = await Blob.put(context, stream('sha', 'other', 8_000_000))
    const { store } = coldContext(context)
    const all = await Blob.concat(coldContext(context), [blob, other.slice(1000, -1000), blob])
    expect(all.size).toBe(2 * blob.size + other.size - 2000)
    expect(store.reads).toBeLessThan(80)
    expect(store.puts).toBeLessThan(60)
    await blob.splice(3_333_333, 100, other)
    expect(store.reads).toBeLessThan(140)
    expect(
      Buffer.compare(
        await all.slice(9_999_000, 10_001_000).bytes(),
        join([bytes.subarray(-1000), stream('sha', 'other', 8_000_000).subarray(1000, 2000)]),
      ),
    ).toBe(0)
  })

  test('a removal of most of it reads a few chunks', async () => {
    const { context, blob } = await big()
    const rest = await blob.splice(1000, 9_998_000)
    expect(context.store.reads).toBeLessThan(20)
    expect(rest.ref.toString()).toBe(await refOf(join([bytes.subarray(0, 1000), bytes.subarray(-1000)])))
  })

  test('the difference to an edited one is the edit', async () => {
    const { context, blob } = await big()
    const edited = await blob.splice(4_000_000, 10, Uint8Array.of(1, 2, 3))
    const { store } = coldContext(context)
    const changes = []
    for await (const change of blob.diff(edited)) changes.push(change)
    expect(changes).toHaveLength(1)
    expect(changes[0]!.inserted - changes[0]!.removed).toBe(-7)
    expect(Math.abs(changes[0]!.aStart - 4_000_000)).toBeLessThan(4)
    expect(store.reads).toBeLessThan(20)
    for await (const _ of blob.diff(await Blob.open(context, blob.ref))) expect.unreachable()
  })
})

test('nothing one after the other is the empty blob', async () => {
  const context = newContext()
  const empty = await Blob.put(context, new Uint8Array(0))
  expect((await Blob.concat(context, [])).equals(empty)).toBe(true)
  expect((await Blob.concat(context, [empty, empty])).equals(empty)).toBe(true)
  expect((await empty.splice(0, 0)).equals(empty)).toBe(true)
})
