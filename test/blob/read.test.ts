import { Blob as WebBlob } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import { MissingChunkError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import type { MetaNode } from '../../src/sequence/node.js'
import { check } from '../seed.js'
import { data } from '../sequence/data.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { stream } from '../vectors/stream.js'
import { coldContext, newContext } from './contexts.js'

const noise = Uint8Array.from(stream('sha', 'read', 100_000))

/** Offsets as a caller may come by them: near the ends, beyond, negative, and no numbers at all. */
function offsets(size: number): fc.Arbitrary<number | undefined> {
  return fc.oneof(
    fc.integer({ min: -size - 20, max: size + 20 }),
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(undefined, NaN, Infinity, -Infinity, 2 ** 40, -(2 ** 40), -0, size, size - 1, -size),
  )
}

/** The web's clamping of its arguments done before, since Node's Blob dies of NaN and of more than 32 bits. */
function forWeb(offset: number | undefined): number | undefined {
  return offset === undefined ? undefined : Math.max(-1e9, Math.min(offset || 0, 1e9))
}

describe('a slice', () => {
  test("is the web Blob's of the same bytes, and so is a slice of it", async () => {
    await check(
      fc.asyncProperty(
        data(20_000).chain((bytes) =>
          fc.tuple(
            fc.constant(bytes),
            fc.array(fc.tuple(offsets(bytes.length), offsets(bytes.length)), { minLength: 1, maxLength: 3 }),
          ),
        ),
        async ([bytes, cuts]) => {
          let slice = (await Blob.put(newContext(SMALL_PARAMS), bytes)).slice()
          let web = new WebBlob([bytes])
          for (const [start, end] of cuts) {
            slice = slice.slice(start, end)
            web = web.slice(forWeb(start), forWeb(end))
            expect(slice.size).toBe(web.size)
            expect(Buffer.compare(await slice.bytes(), new Uint8Array(await web.arrayBuffer()))).toBe(0)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test.each<[number | undefined, number | undefined, number, number]>([
    [undefined, undefined, 0, 100_000],
    [10, undefined, 10, 100_000],
    [undefined, 10, 0, 10],
    [-10, undefined, 99_990, 100_000],
    [0, -10, 0, 99_990],
    [20, 10, 20, 20],
    [100_000, 100_001, 100_000, 100_000],
    [-200_000, 5, 0, 5],
    [NaN, 5, 0, 5],
    [5, NaN, 5, 5],
    [2.9, 5.9, 2, 5],
  ])('from %s to %s is from %i to %i', async (start, end, from, to) => {
    const slice = (await Blob.put(newContext(SMALL_PARAMS), noise)).slice(start, end)
    expect(slice.size).toBe(to - from)
    expect(Buffer.compare(await slice.bytes(), noise.subarray(from, to))).toBe(0)
  })
})

describe('a read', () => {
  test('does what fs.read does', async () => {
    const cases = fc.record({
      buffer: fc.nat(600),
      offset: fc.nat(600),
      length: fc.nat(600),
      position: fc.oneof(
        fc.nat(noise.length + 10),
        fc.integer({ min: noise.length - 400, max: noise.length + 10 }),
      ),
    })
    const blob = await Blob.put(newContext(SMALL_PARAMS), noise)
    await check(
      fc.asyncProperty(cases, async (given) => {
        const offset = Math.min(given.offset, given.buffer)
        const length = Math.min(given.length, given.buffer - offset)
        const expected = new Uint8Array(given.buffer).fill(0xaa)
        const part = noise.subarray(given.position, given.position + length)
        expected.set(part, offset)
        const buffer = new Uint8Array(given.buffer).fill(0xaa)
        expect(await blob.read(buffer, { offset, length, position: given.position })).toBe(part.length)
        expect(Buffer.compare(buffer, expected)).toBe(0)
      }),
      { numRuns: 400 },
    )
  })

  test('fills the buffer from the beginning where nothing is said', async () => {
    const blob = await Blob.put(newContext(SMALL_PARAMS), noise)
    const buffer = new Uint8Array(1000)
    expect(await blob.read(buffer)).toBe(1000)
    expect(buffer).toEqual(noise.subarray(0, 1000))
    expect(await blob.read(buffer, { offset: 400, position: 50_000 })).toBe(600)
    expect(buffer).toEqual(Uint8Array.from([...noise.subarray(0, 400), ...noise.subarray(50_000, 50_600)]))
    expect(await blob.read(buffer, { offset: undefined, length: undefined, position: undefined })).toBe(1000)
    expect(buffer).toEqual(noise.subarray(0, 1000))
  })

  test('within a slice knows nothing outside it', async () => {
    const slice = (await Blob.put(newContext(SMALL_PARAMS), noise)).slice(300, 900)
    const buffer = new Uint8Array(1000)
    expect(await slice.read(buffer, { position: 500 })).toBe(100)
    expect(buffer.subarray(0, 100)).toEqual(noise.subarray(800, 900))
    expect(buffer.subarray(100).every((byte) => byte === 0)).toBe(true)
    expect(await slice.read(buffer, { position: 600 })).toBe(0)
    expect(await slice.read(buffer, { position: 10_000 })).toBe(0)
  })

  test('gives the right bytes at, before and after every border between chunks', async () => {
    const bytes = noise.subarray(0, 4000)
    const blob = await Blob.put(newContext(SMALL_PARAMS), bytes)
    for (let at = 0; at <= bytes.length; at++) {
      for (const length of [1, 2, 70]) {
        const buffer = new Uint8Array(length)
        const count = await blob.read(buffer, { position: at })
        const expected = bytes.subarray(at, at + length)
        expect(count).toBe(expected.length)
        expect(Buffer.compare(buffer.subarray(0, count), expected)).toBe(0)
      }
    }
  })

  // Up to 16 KiB are read leaf by leaf, and more in batches.
  test.each([1, 8191, 16_384, 16_385, 50_000])(
    'of %i bytes gives them wherever they lie, in a slice too',
    async (length) => {
      const context = newContext()
      const { ref } = await Blob.put(context, noise)
      const buffer = new Uint8Array(length)
      for (let at = 0; at < noise.length + 5000; at += 4999) {
        const blob = await Blob.open(coldContext(context), ref)
        for (const [source, start] of [
          [blob, 0],
          [blob.slice(777, -777), 777],
        ] as const) {
          buffer.fill(0)
          const count = await source.read(buffer, { position: at })
          const expected = noise.subarray(start + at, Math.min(start + at + length, start + source.size))
          expect(count).toBe(expected.length)
          expect(Buffer.compare(buffer.subarray(0, count), expected)).toBe(0)
        }
      }
    },
  )

  test('of some bytes across leaves reads each leaf once, and again none', async () => {
    const context = newContext()
    const { ref } = await Blob.put(context, noise)
    const blob = await Blob.open(coldContext(context), ref)
    const { ends } = blob.tree.root as MetaNode
    const [first, last] = [ends[1]! - 1, ends[3]! + 1]
    for (let turn = 0; turn < 2; turn++) {
      for (let at = first; at < last; at += 10_000) {
        const buffer = new Uint8Array(Math.min(10_000, last - at))
        expect(await blob.read(buffer, { position: at })).toBe(buffer.length)
        expect(Buffer.compare(buffer, noise.subarray(at, at + buffer.length))).toBe(0)
      }
    }
    // The root, and leaves 1 to 4.
    expect(context.store.reads).toBe(5)
  })

  test.each<[string, Record<string, number>]>([
    ['a negative offset', { offset: -1 }],
    ['an offset beyond the buffer', { offset: 11 }],
    ['an offset that is no integer', { offset: 0.5 }],
    ['an offset that is no number', { offset: NaN }],
    ['a negative length', { length: -1 }],
    ['a length beyond the buffer', { length: 11 }],
    ['a length beyond the rest of the buffer', { offset: 5, length: 6 }],
    ['a length that is no integer', { length: 1.5 }],
    ['a negative position', { position: -1 }],
    ['a position that is no integer', { position: 1.5 }],
    ['a position beyond the integers', { position: 2 ** 53 }],
    ['an endless position', { position: Infinity }],
  ])('refuses %s', async (_, options) => {
    const blob = await Blob.put(newContext(), noise)
    await expect(blob.read(new Uint8Array(10), options)).rejects.toThrow(RangeError)
    await expect(blob.read(new Uint8Array(10), options)).rejects.toThrow(Object.keys(options).at(-1)!)
  })

  test('of a few bytes reads one path, and one after it nothing', async () => {
    const context = newContext()
    const { ref } = await Blob.put(context, stream('sha', 'path', 12_000_000))
    const blob = await Blob.open(coldContext(context), ref)
    await blob.read(new Uint8Array(100), { position: 6_000_000 })
    expect(context.store.reads).toBe(3)
    await blob.slice(6_000_010, 6_000_020).bytes()
    expect(context.store.reads).toBe(3)
  })

  test('of one chunk many times at once fetches it once', async () => {
    const context = newContext(SMALL_PARAMS)
    const { ref } = await Blob.put(context, noise)
    const blob = await Blob.open(coldContext(context), ref)
    await Promise.all(Array.from({ length: 50 }, () => blob.read(new Uint8Array(1), { position: 70_000 })))
    expect(context.store.reads).toBeLessThanOrEqual(6)
  })
})

describe('all bytes', () => {
  test.each([0, 1, 63, 64, 300, 5000, 100_000])(
    'of %i are given as bytes, ArrayBuffer and text',
    async (size) => {
      const bytes = noise.subarray(0, size)
      const blob = await Blob.put(newContext(SMALL_PARAMS), bytes)
      expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
      const buffer = await blob.arrayBuffer()
      expect(buffer).toBeInstanceOf(ArrayBuffer)
      expect(Buffer.compare(new Uint8Array(buffer), bytes)).toBe(0)
      expect(await blob.text()).toBe(await new WebBlob([bytes]).text())
    },
  )

  test('belong to the caller', async () => {
    const blob = await Blob.put(newContext(SMALL_PARAMS), noise)
    ;(await blob.bytes()).fill(0)
    ;(await blob.slice(10, 20).bytes()).fill(0)
    expect(Buffer.compare(await blob.bytes(), noise)).toBe(0)
  })
})

test('text is whole where chunks end within a character', async () => {
  for (const piece of ['é', '€', '𝄞', 'aé€𝄞', '\ufeff𝄞']) {
    const text = piece.repeat(3000)
    const bytes = new TextEncoder().encode(text)
    const blob = await Blob.put(newContext(SMALL_PARAMS), bytes)
    expect(await blob.text()).toBe(await new WebBlob([bytes]).text())
    expect(await blob.slice(1, -1).text()).toBe(await new WebBlob([bytes.subarray(1, -1)]).text())
  }
  const noisy = stream('sha', 'text', 5000)
  const mixed = Buffer.concat([noisy, Buffer.from('𝄞'.repeat(500)), noisy])
  expect(await (await Blob.put(newContext(SMALL_PARAMS), mixed)).text()).toBe(
    await new WebBlob([mixed]).text(),
  )
})

describe('a chunk that is missing in the middle', () => {
  async function withHole(): Promise<{ blob: Blob; start: number; end: number; ref: Ref }> {
    const context = newContext(SMALL_PARAMS)
    const stored = await Blob.put(context, noise)
    const cold = coldContext(context)
    const blob = await Blob.open(cold, stored.ref)
    let node = blob.tree.root as MetaNode
    let start = 0
    for (; node.level > 1; node = (await stored.tree.reader.child(node, 3)) as MetaNode)
      start += node.childStart(3)
    const ref = node.childRef(3)
    context.store.lose(ref)
    return {
      blob,
      start: start + node.childStart(3),
      end: start + node.childStart(3) + node.childLength(3),
      ref,
    }
  }

  test('is missed by reads of its bytes and by no others', async () => {
    const { blob, start, end, ref } = await withHole()
    for (const [from, to] of [
      [0, start],
      [start - 1, start],
      [end, end + 1],
      [end, blob.size],
      [start, start],
    ] as const) {
      expect(Buffer.compare(await blob.slice(from, to).bytes(), noise.subarray(from, to))).toBe(0)
    }
    for (const [from, to] of [
      [start, start + 1],
      [end - 1, end],
      [start - 1, start + 1],
      [end - 1, end + 1],
      [0, blob.size],
    ] as const) {
      const read = blob.slice(from, to).bytes()
      await expect(read).rejects.toThrow(MissingChunkError)
      await expect(read).rejects.toMatchObject({ code: 'NOMSY_MISSING_CHUNK', ref: ref.toString() })
    }
  })

  test('fails a stream when its turn comes', async () => {
    const { blob } = await withHole()
    await expect(blob.text()).rejects.toThrow(MissingChunkError)
    const reader = blob.stream().getReader()
    const drain = async (): Promise<void> => {
      while (!(await reader.read()).done);
    }
    await expect(drain()).rejects.toThrow(MissingChunkError)
  })
})

test('opening what is not there rejects, naming it', async () => {
  const ref = Ref.of(Uint8Array.of(1))
  await expect(Blob.open(newContext(), ref)).rejects.toMatchObject({
    code: 'NOMSY_MISSING_CHUNK',
    ref: ref.toString(),
  })
})
