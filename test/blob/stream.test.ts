import { describe, expect, test } from 'vitest'
import { Blob } from '../../src/blob/blob.js'
import type { Ref } from '../../src/hash/ref.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { WatchedStore } from '../sequence/watched-store.js'
import { stream } from '../vectors/stream.js'
import { coldContext, newContext, type TestContext } from './contexts.js'

/** Chunks of a big blob, and how many of them a reader that does not read may cost: two batches and the path. */
const BIG_BYTES = 12_000_000
const AHEAD_CHUNKS = 150
const big = stream('sha', 'stream', BIG_BYTES)

/** A big blob opened anew, after which nothing has been read but its root. */
async function openBig(): Promise<{ blob: Blob; context: TestContext }> {
  const written = newContext()
  const { ref } = await Blob.put(written, big)
  const context = coldContext(written)
  return { blob: await Blob.open(context, ref), context }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return Buffer.concat(parts)
}

/** Everything a BYOB reader gives into buffers of `size` bytes. */
async function collectByob(source: ReadableStream<Uint8Array>, size: number): Promise<Buffer> {
  const reader = source.getReader({ mode: 'byob' })
  const parts: Uint8Array[] = []
  for (let buffer = new Uint8Array(size); ; ) {
    const { done, value } = await reader.read(buffer)
    if (done) return Buffer.concat(parts)
    expect(value.length).toBeGreaterThan(0)
    parts.push(value.slice())
    buffer = new Uint8Array(value.buffer)
  }
}

describe.each([0, 1, 100, 5000, 100_000])('of %i bytes', (size) => {
  const bytes = stream('sha', 'sizes', size)
  const open = (): Promise<Blob> => Blob.put(newContext(SMALL_PARAMS), bytes)

  test('a stream gives all', async () => {
    expect(Buffer.compare(await collect((await open()).stream()), bytes)).toBe(0)
  })

  test('the stream of a slice gives those of the slice', async () => {
    const slice = (await open()).slice(size / 3, size / 2)
    expect(Buffer.compare(await collect(slice.stream()), bytes.subarray(size / 3, size / 2))).toBe(0)
  })

  test.each([1, 7, 64, 1000, 100_000])(
    'a reader with buffers of %i bytes is given all',
    async (bufferBytes) => {
      const { length } = bytes.subarray(0, 400 * bufferBytes)
      const part = (await open()).slice(0, length)
      expect(Buffer.compare(await collectByob(part.stream(), bufferBytes), bytes.subarray(0, length))).toBe(0)
    },
  )

  test('iterating gives all', async () => {
    expect(Buffer.compare(await collect(await open()), bytes)).toBe(0)
  })

  test('a Response of the stream gives all', async () => {
    const body = await new Response((await open()).stream()).arrayBuffer()
    expect(Buffer.compare(new Uint8Array(body), bytes)).toBe(0)
  })
})

test('a stream can be piped through others', async () => {
  const text = 'nomsy '.repeat(20_000)
  const blob = await Blob.put(newContext(SMALL_PARAMS), new TextEncoder().encode(text))
  const zip = new CompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>
  const unzip = new DecompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>
  expect(await new Response(blob.stream().pipeThrough(zip).pipeThrough(unzip)).text()).toBe(text)
})

test('a big blob streams whole', async () => {
  const { blob } = await openBig()
  expect(Buffer.compare(await collect(blob.stream()), big)).toBe(0)
})

test('a stream of bytes that the store keeps leaves them alone', async () => {
  // Node's own calls give Buffers, of which many share one ArrayBuffer.
  class BufferStore extends WatchedStore {
    override async getMany(refs: readonly Ref[]): Promise<(Uint8Array | undefined)[]> {
      return (await super.getMany(refs)).map(
        (chunk) => chunk && Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length),
      )
    }
  }
  const context = newContext(SMALL_PARAMS, new BufferStore())
  const bytes = stream('sha', 'buffers', 10_000)
  const blob = await Blob.put(context, bytes)
  for (let turn = 0; turn < 2; turn++) {
    expect(Buffer.compare(await collect(blob.stream()), bytes)).toBe(0)
    expect(Buffer.compare(await collectByob(blob.stream(), 500), bytes)).toBe(0)
    expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
  }
})

describe('a stream that is not read', () => {
  test('fetches nothing ahead but a bounded number of chunks', async () => {
    const { blob, context } = await openBig()
    const unread = blob.stream()
    await settled()
    expect(context.store.reads).toBeLessThan(AHEAD_CHUNKS)
    const reader = unread.getReader()
    await reader.read()
    await settled()
    expect(context.store.reads).toBeLessThan(AHEAD_CHUNKS)
    await reader.cancel()
  })

  test('any more fetches no more', async () => {
    const { blob, context } = await openBig()
    const reader = blob.stream().getReader()
    for (let read = 0; read < BIG_BYTES / 8; ) read += (await reader.read()).value!.length
    await settled()
    const { reads } = context.store
    expect(reads).toBeGreaterThan(125)
    expect(reads).toBeLessThan(900)
    await settled()
    expect(context.store.reads).toBe(reads)
    await reader.cancel()
  })

  test('to its end because it is cancelled fetches no more, with and without buffers', async () => {
    for (const mode of [undefined, 'byob'] as const) {
      const { blob, context } = await openBig()
      const source = blob.stream()
      if (mode === 'byob') {
        const reader = source.getReader({ mode })
        await reader.read(new Uint8Array(1000))
        await reader.cancel('enough')
        expect(await reader.read(new Uint8Array(10))).toMatchObject({ done: true })
      } else {
        const reader = source.getReader()
        await reader.read()
        await reader.cancel('enough')
        expect(await reader.read()).toEqual({ done: true, value: undefined })
      }
      await settled()
      expect(context.store.reads).toBeLessThan(AHEAD_CHUNKS)
    }
  })

  test('at all can be cancelled', async () => {
    const { blob, context } = await openBig()
    await blob.stream().cancel()
    await settled()
    expect(context.store.reads).toBeLessThanOrEqual(1)
  })
})

describe('iterating', () => {
  test('gives pieces of at most 64 KiB, none of them empty', async () => {
    const { blob } = await openBig()
    for await (const piece of blob) {
      expect(piece.length).toBeGreaterThan(0)
      expect(piece.length).toBeLessThanOrEqual(65536)
    }
  })

  test('that ends early fetches no more', async () => {
    const { blob, context } = await openBig()
    let pieces = 0
    for await (const _ of blob) if (++pieces === 3) break
    await settled()
    expect(pieces).toBe(3)
    expect(context.store.reads).toBeLessThan(AHEAD_CHUNKS)
  })

  test('can be done many times at once', async () => {
    const { blob } = await openBig()
    const part = blob.slice(1_000_000, 3_000_000)
    const all = await Promise.all([collect(part), collect(part), collect(part.stream())])
    for (const bytes of all) expect(Buffer.compare(bytes, big.subarray(1_000_000, 3_000_000))).toBe(0)
  })
})

describe('an aborted signal', () => {
  test('given to a stream or an iteration ends it before it reads', async () => {
    const { blob, context } = await openBig()
    const before = context.store.reads
    const signal = AbortSignal.abort()
    await expect(blob.stream({ signal }).getReader().read()).rejects.toMatchObject({ name: 'AbortError' })
    await expect(blob.pieces({ signal }).next()).rejects.toMatchObject({ name: 'AbortError' })
    expect(context.store.reads).toBe(before)
  })

  test('ends a stream between its pieces', async () => {
    const { blob, context } = await openBig()
    const reason = new Error('closed the window')
    const controller = new AbortController()
    const reader = blob.stream({ signal: controller.signal }).getReader()
    await reader.read()
    controller.abort(reason)
    await expect(reader.read()).rejects.toBe(reason)
    await settled()
    expect(context.store.reads).toBeLessThan(AHEAD_CHUNKS)
  })

  test('ends an iteration between its pieces', async () => {
    const { blob } = await openBig()
    const controller = new AbortController()
    let pieces = 0
    const iterate = async (): Promise<void> => {
      for await (const _ of blob.pieces({ signal: controller.signal })) {
        if (++pieces === 5) controller.abort()
      }
    }
    await expect(iterate()).rejects.toMatchObject({ name: 'AbortError' })
    expect(pieces).toBe(5)
  })
})
