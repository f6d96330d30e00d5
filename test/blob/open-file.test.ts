import { execFileSync } from 'node:child_process'
import { closeSync, constants, createReadStream, openSync, truncateSync } from 'node:fs'
import { appendFile, type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Blob, writeBlob } from '../../src/blob/blob.js'
import { BLOB_PARAMS } from '../../src/blob/blob-format.js'
import type { OpenFile } from '../../src/blob/blob-source.js'
import { SourceError } from '../../src/errors.js'
import { DISCARD } from '../../src/sequence/chunk-sink.js'
import type { TreeParams } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { data } from '../sequence/data.js'
import { SMALL_PARAMS } from '../sequence/small-params.js'
import { stream } from '../vectors/stream.js'
import { newContext } from './contexts.js'

const MIB = 1024 * 1024

/** Of zeros there is no boundary; of text there are few, and the same again and again. */
const contents = {
  noise: stream('sha', 'open file', 4 * MIB),
  text: stream('text', 'open file', 4 * MIB),
  zeros: new Uint8Array(4 * MIB),
}
const { noise } = contents

let directory: string
let fileCount = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-open-file-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** The path of a new file with `bytes`. */
async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(directory, `file-${++fileCount}`)
  await writeFile(path, bytes)
  return path
}

/** What `use` makes of a new file with `bytes`, open for reading. */
async function withFile<T>(
  bytes: Uint8Array,
  use: (file: FileHandle, path: string) => Promise<T>,
): Promise<T> {
  const path = await fileOf(bytes)
  const file = await open(path)
  try {
    return await use(file, path)
  } finally {
    await file.close()
  }
}

/** A file that says that it has `size` bytes. */
function claiming(fd: number, size: number): OpenFile {
  return { fd, stat: async () => ({ size, isFile: () => true }) }
}

async function refOf(source: Parameters<typeof writeBlob>[1], params?: TreeParams): Promise<string> {
  return (await writeBlob(DISCARD, source, {}, params)).ref.toString()
}

describe.each<[string, TreeParams, number[]]>([
  ['at the usual sizes of chunks', BLOB_PARAMS, [0, 1, 65_537, MIB - 1, MIB, MIB + 1, 3 * MIB + 63]],
  ['at sizes of chunks that are searched byte by byte', { ...BLOB_PARAMS, leaf: wide() }, [2 * MIB + 1]],
  ['in a deep tree', SMALL_PARAMS, [0, 1, 64, 300, MIB + 1]],
])('an open file, %s', (_, params, sizes) => {
  test.each(Object.entries(contents))('makes the blob of its bytes (%s)', async (_, content) => {
    for (const size of sizes) {
      const bytes = content.subarray(0, size)
      await withFile(bytes, async (file) => {
        let progress = 0
        const onProgress = (count: number): void => void (progress += count)
        const { ref, length } = await writeBlob(DISCARD, file, { onProgress }, params)
        expect([ref.toString(), length]).toEqual([await refOf(bytes, params), size])
        expect(progress).toBe(size)
      })
    }
  })
})

/** The usual sizes with a window of 96 bytes, for which there is no compiled search. */
function wide(): TreeParams['leaf'] {
  return { ...BLOB_PARAMS.leaf, windowUnits: 96 }
}

test('a blob of an open file reads back', async () => {
  const bytes = Buffer.concat(Object.values(contents).map((content) => content.subarray(0, MIB + 7)))
  const blob = await withFile(bytes, (file) => Blob.put(newContext(), file))
  expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
})

test('an open file is read from its first byte on, wherever it stands, by any number at once', async () => {
  const bytes = noise.subarray(0, 2 * MIB + 5)
  await withFile(bytes, async (file) => {
    await file.read(new Uint8Array(1000))
    const refs = await Promise.all([refOf(file), refOf(file), refOf(file)])
    expect(new Set(refs)).toEqual(new Set([await refOf(bytes)]))
    const { buffer } = await file.read(new Uint8Array(10))
    expect(Buffer.compare(buffer, bytes.subarray(1000, 1010))).toBe(0)
  })
})

describe('a splice by an open file', () => {
  test('gives the blob of the edited bytes', async () => {
    const edit = fc.record({ bytes: data(20_000), at: fc.nat(), removed: fc.nat(5000), inserted: data(9000) })
    await check(
      fc.asyncProperty(edit, async ({ bytes, at, removed, inserted }) => {
        const start = at % (bytes.length + 1)
        const end = Math.min(start + removed, bytes.length)
        const blob = await Blob.put(newContext(SMALL_PARAMS), bytes)
        const spliced = await withFile(inserted, (file) => blob.splice(start, end - start, file))
        const expected = Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(end)])
        expect(spliced.ref.toString()).toBe(await refOf(expected, SMALL_PARAMS))
      }),
      { numRuns: 40 },
    )
  })

  // Bytes and parts of the file meet within chunks, at their borders, and where nothing is between.
  test.each([
    [0, 0, 1],
    [1, 1, MIB],
    [700_001, 5, MIB + 1],
    [700_001, 400_000, 3 * MIB - 1],
    [1_500_000, 0, 70_000],
  ])('at %i in place of %i bytes, the file having %i', async (at, removed, size) => {
    for (const content of [noise, contents.zeros]) {
      const bytes = noise.subarray(0, 1_500_000)
      const inserted = content.subarray(77, 77 + size)
      const blob = await Blob.put(newContext(), bytes)
      const spliced = await withFile(inserted, (file) => blob.splice(at, removed, file))
      const expected = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)])
      expect(spliced.ref.toString()).toBe(await refOf(expected))
    }
  })

  test('at the end appends', async () => {
    const [bytes, more] = [contents.text.subarray(0, 300_000), noise.subarray(0, MIB + 300_000)]
    const blob = await Blob.put(newContext(), bytes)
    const appended = await withFile(more, (file) => blob.append(file))
    expect(appended.ref.toString()).toBe(await refOf(Buffer.concat([bytes, more])))
  })
})

describe('a file', () => {
  test.each([0, 1, MIB, 2 * MIB + 1])(
    'that shrinks to %i bytes while it is read is no source',
    async (size) => {
      await withFile(noise, async (file, path) => {
        const put = Blob.put(newContext(), file, { onProgress: () => truncateSync(path, size) })
        await expect(put).rejects.toThrow(SourceError)
        await expect(put).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED' })
      })
    },
  )

  test('that says it has more bytes than there are is no source, and the error says where it ended', async () => {
    await withFile(noise.subarray(0, MIB + 17), async (file) => {
      for (const size of [MIB + 18, 2 * MIB, 5 * MIB, Number.MAX_SAFE_INTEGER]) {
        await expect(refOf(claiming(file.fd, size))).rejects.toMatchObject({
          code: 'NOMSY_SOURCE_FAILED',
          message: expect.stringContaining(`byte ${MIB + 17} `),
        })
      }
    })
  })

  test('that grows while it is read gives the bytes that it had', async () => {
    const bytes = noise.subarray(0, 2 * MIB + 100)
    await withFile(bytes, async (file, path) => {
      const onProgress = (): void => void appendFile(path, 'more')
      expect((await Blob.put(newContext(), file, { onProgress })).ref.toString()).toBe(await refOf(bytes))
    })
  })

  test('that cannot be read is no source, and the cause says why', async () => {
    const directoryFd = openSync(directory, 'r')
    try {
      await expect(refOf(claiming(directoryFd, 10))).rejects.toMatchObject({
        code: 'NOMSY_SOURCE_FAILED',
        cause: { code: 'EISDIR' },
      })
    } finally {
      closeSync(directoryFd)
    }
    const closedFd = 1_000_000
    await expect(refOf(claiming(closedFd, 3 * MIB))).rejects.toMatchObject({
      code: 'NOMSY_SOURCE_FAILED',
      cause: { code: 'EBADF' },
    })
  })

  test('that was closed before is no source', async () => {
    const file = await open(await fileOf(new Uint8Array(10)))
    await file.close()
    await expect(refOf(file)).rejects.toMatchObject({ code: 'NOMSY_SOURCE_FAILED', cause: { code: 'EBADF' } })
  })

  test('that is no regular one is refused', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const [path, flags] of [
      [directory, constants.O_RDONLY],
      [pipe, constants.O_RDWR],
      ['/dev/zero', constants.O_RDONLY],
    ] as const) {
      const file = await open(path, flags)
      try {
        await expect(refOf(file)).rejects.toThrow(TypeError)
      } finally {
        await file.close()
      }
    }
  })

  test('as a Node stream is read as a stream, from where that begins to where it ends', async () => {
    const bytes = noise.subarray(0, 200_000)
    const path = await fileOf(bytes)
    expect(await refOf(createReadStream(path))).toBe(await refOf(bytes))
    const part = createReadStream(path, { start: 1000, end: 150_000 })
    expect(await refOf(part)).toBe(await refOf(bytes.subarray(1000, 150_001)))
    await withFile(bytes, async (file) => {
      const rest = file.createReadStream({ start: 199_000, autoClose: false })
      expect(await refOf(rest)).toBe(await refOf(bytes.subarray(199_000)))
    })
  })

  test('is given up where the signal is aborted before or meanwhile', async () => {
    await withFile(noise.subarray(0, 3 * MIB), async (file) => {
      const reason = new Error('never mind')
      await expect(Blob.put(newContext(), file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const controller = new AbortController()
      const onProgress = (): void => controller.abort(reason)
      const options = { signal: controller.signal, onProgress }
      await expect(Blob.put(newContext(), file, options)).rejects.toBe(reason)
    })
  })
})
