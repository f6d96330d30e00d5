import { File, Blob as WebBlob } from 'node:buffer'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Blob, writeBlob } from '../../src/blob/blob.js'
import type { BlobSource } from '../../src/blob/blob-source.js'
import { DISCARD } from '../../src/sequence/chunk-sink.js'
import { check } from '../seed.js'
import { data, inPieces } from '../sequence/data.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { WatchedStore } from '../sequence/watched-store.js'
import { stream } from '../vectors/stream.js'
import { newContext } from './contexts.js'

type Source = (bytes: Uint8Array, sizes: readonly number[]) => BlobSource | Promise<BlobSource>

async function* later(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await null
    yield piece
  }
}

function webStream(pieces: Iterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const next = pieces.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
  })
}

/** A stream as browsers have it that cannot iterate streams. */
function plainStream(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return { getReader: () => stream.getReader() } as ReadableStream<Uint8Array>
}

const sources: [string, Source][] = [
  ['a Uint8Array', (bytes) => bytes],
  ['a Buffer', (bytes) => Buffer.from(bytes)],
  [
    'a view into a larger buffer',
    (bytes) =>
      new Uint8Array(Buffer.concat([Buffer.alloc(3, 9), bytes, Buffer.alloc(3, 9)])).subarray(
        3,
        3 + bytes.length,
      ),
  ],
  ['an ArrayBuffer', (bytes) => Uint8Array.from(bytes).buffer],
  ['an array of pieces', (bytes, sizes) => [...inPieces(bytes, sizes)]],
  ['an iterable', (bytes, sizes) => inPieces(bytes, sizes)],
  ['an iterable with empty pieces', (bytes, sizes) => inPieces(bytes, [...sizes, 0])],
  ['an async iterable', (bytes, sizes) => later(inPieces(bytes, sizes))],
  ['an async iterable that uses one buffer again', (bytes, sizes) => reused(bytes, sizes)],
  ['a Node stream', (bytes, sizes) => Readable.from(inPieces(bytes, sizes))],
  ['a web stream', (bytes, sizes) => webStream(inPieces(bytes, sizes))],
  ['a web stream that cannot be iterated', (bytes, sizes) => plainStream(webStream(inPieces(bytes, sizes)))],
  ['a web Blob', (bytes, sizes) => new WebBlob([...inPieces(bytes, sizes)]) as BlobSource],
  ['a File', (bytes, sizes) => new File([...inPieces(bytes, sizes)], 'name') as BlobSource],
  ["nomsy's Blob of another store", (bytes) => Blob.put(newContext(), bytes)],
  [
    "a slice of nomsy's Blob",
    async (bytes) =>
      (await Blob.put(newContext(), Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]))).slice(
        7,
        7 + bytes.length,
      ),
  ],
]

async function* reused(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.max(...sizes))
  for (const piece of inPieces(bytes, sizes)) {
    buffer.fill(0xee)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
  }
}

describe.each(sources)('%s', (_, source) => {
  const pieceSizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 500, max: 99_999 })),
    {
      minLength: 1,
      maxLength: 5,
    },
  )

  test('makes the blob of its bytes, and its progress adds up to its size', async () => {
    await check(
      fc.asyncProperty(data(60_000), pieceSizes, async (bytes, sizes) => {
        const context = newContext(SMALL_PARAMS)
        let progress = 0
        const onProgress = (count: number): void => void (progress += count)
        const blob = await Blob.put(context, await source(bytes, sizes), { onProgress })
        const expected = await writeBlob(DISCARD, bytes, {}, SMALL_PARAMS)
        expect(blob.ref.toString()).toBe(expected.ref.toString())
        expect(blob.size).toBe(bytes.length)
        expect(progress).toBe(bytes.length)
        expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
      }),
      { numRuns: 12 },
    )
  })

  test('makes the blob of its bytes at the usual sizes of chunks', async () => {
    const bytes = stream('sha', 'sources', 1_200_000)
    const blob = await Blob.put(newContext(), await source(bytes, [65_536, 1, 100_001]))
    expect(blob.ref.equals((await writeBlob(DISCARD, bytes)).ref)).toBe(true)
  })

  test('is given up where the signal is aborted before', async () => {
    const reason = new Error('never mind')
    const put = Blob.put(newContext(), await source(new Uint8Array(10), [3]), {
      signal: AbortSignal.abort(reason),
    })
    await expect(put).rejects.toBe(reason)
  })
})

test.each([1, 2, 3, 5, 7])('pieces of %i bytes make the same blob', async (size) => {
  const bytes = stream('sha', 'odd', 150_001)
  const blob = await Blob.put(newContext(), inPieces(bytes, [size]))
  expect(blob.ref.equals((await writeBlob(DISCARD, bytes)).ref)).toBe(true)
})

test('a blob holds what the bytes were when they were put', async () => {
  const bytes = Uint8Array.from(stream('sha', 'kept', 100_000))
  const before = bytes.slice()
  const blob = await Blob.put(newContext(), bytes)
  bytes.fill(0)
  expect(Buffer.compare(await blob.bytes(), before)).toBe(0)
})

describe('a put', () => {
  const endless = (onEnd: () => void): Iterable<Uint8Array> => ({
    *[Symbol.iterator]() {
      try {
        for (;;) yield new Uint8Array(100_000)
      } finally {
        onEnd()
      }
    },
  })

  test('stops between pieces when it is aborted, and closes its source', async () => {
    const controller = new AbortController()
    let closed = false
    let progress = 0
    const put = Blob.put(
      newContext(),
      endless(() => void (closed = true)),
      {
        signal: controller.signal,
        onProgress: (bytes) => {
          progress += bytes
          if (progress > 1_000_000) controller.abort()
        },
      },
    )
    await expect(put).rejects.toMatchObject({ name: 'AbortError' })
    expect(closed).toBe(true)
    expect(progress).toBeLessThan(1_200_000)
  })

  test('stops within one big piece when it is aborted', async () => {
    const controller = new AbortController()
    let progress = 0
    const onProgress = (bytes: number): void => {
      progress += bytes
      controller.abort()
    }
    const put = Blob.put(newContext(), new Uint8Array(20_000_000), { signal: controller.signal, onProgress })
    await expect(put).rejects.toMatchObject({ name: 'AbortError' })
    expect(progress).toBeLessThan(2_000_000)
  })

  test('cancels a stream that it does not read to the end', async () => {
    for (const wrap of [plainStream, (stream: ReadableStream<Uint8Array>) => stream]) {
      let cancelled = false
      const controller = new AbortController()
      const source = new ReadableStream<Uint8Array>({
        pull: (stream) => stream.enqueue(new Uint8Array(1000)),
        cancel: () => void (cancelled = true),
      })
      const onProgress = (): void => controller.abort()
      await expect(
        Blob.put(newContext(), wrap(source), { signal: controller.signal, onProgress }),
      ).rejects.toMatchObject({ name: 'AbortError' })
      expect(cancelled).toBe(true)
    }
  })

  test('rejects with the error of its source', async () => {
    const broken = new Error('the disk is gone')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(5000)
      throw broken
    }
    await expect(Blob.put(newContext(), source())).rejects.toBe(broken)
  })

  test('rejects with the error of its store, and asks its source for no more', async () => {
    const full = new Error('no space left')
    const store = new (class extends WatchedStore {
      override put = async (): Promise<number> => Promise.reject(full)
    })()
    let pieces = 0
    const source = function* (): Generator<Uint8Array> {
      for (; pieces < 100; pieces++) yield stream('sha', String(pieces), 500_000)
    }
    await expect(Blob.put(newContext(undefined, store), source())).rejects.toBe(full)
    expect(pieces).toBeLessThan(20)
  })

  test('waits for a slow store', async () => {
    let [open, most] = [0, 0]
    const store = new (class extends WatchedStore {
      override async put(chunks: Parameters<WatchedStore['put']>[0]): Promise<number> {
        most = Math.max(most, ++open)
        await new Promise((resolve) => setTimeout(resolve, 2))
        const newBytes = await super.put(chunks)
        open--
        return newBytes
      }
    })()
    const bytes = stream('sha', 'slow', 6_000_000)
    const blob = await Blob.put(newContext(undefined, store), inPieces(bytes, [100_000]))
    expect(most).toBe(1)
    expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
  })

  test('of what was put before writes equal chunks', async () => {
    const context = newContext()
    const bytes = stream('sha', 'again', 300_000)
    const first = await Blob.put(context, bytes)
    const second = await Blob.put(context, inPieces(bytes, [777]))
    expect(first.equals(second)).toBe(true)
    expect((await Blob.open(context, first.ref)).equals(first)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['a string', 'text'],
    ['strings', ['text']],
    ['a number', 5],
    ['numbers', [1, 2, 3]],
    ['null', null],
    ['undefined', undefined],
    ['a record', { size: 3 }],
    ['other typed arrays', new Uint16Array(3)],
    ['promises', [Promise.resolve(1)].map((each) => [each])],
  ])('refuses %s', async (_, source) => {
    await expect(Blob.put(newContext(), source as BlobSource)).rejects.toThrow(TypeError)
  })
})
