import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compressionAt, type OpenOptions, open } from '../../src/database/open.js'
import { stream } from '../vectors/stream.js'

type Compression = NonNullable<OpenOptions['compression']>

const directory = mkdtempSync(join(tmpdir(), 'nomsy-open-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** Each of these is one block. */
const SIZE = 60_000
const text = stream('text', 'text', SIZE)
const others = [1, 2, 3].map((seed) => stream('text', `other ${seed}`, SIZE))

function storedBytes(path: string): number {
  const segments = join(path, 'segments')
  return readdirSync(segments).reduce((sum, name) => sum + statSync(join(segments, name)).size, 0)
}

/** Puts `bytes` into the store in an opening of its own; the ref's text, and what the store grew by. */
async function put(
  path: string,
  bytes: Uint8Array,
  compression?: Compression,
): Promise<{ ref: string; growth: number }> {
  const before = existsSync(path) ? storedBytes(path) : 0
  await using db = await open(path, { compression })
  const { ref } = await db.putBlob(bytes)
  await db.pin(ref)
  const blob = await db.blob(ref)
  expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
  await db.close()
  return { ref: ref.toString(), growth: storedBytes(path) - before }
}

describe('compression', () => {
  test('changes what is stored and no ref', async () => {
    const compressions: Compression[] = ['none', 'zstd:-7', 'zstd', 'zstd:19']
    const stored = []
    for (const compression of compressions)
      stored.push(await put(join(directory, `size-${compression}`), text, compression))
    expect(new Set(stored.map(({ ref }) => ref)).size).toBe(1)
    const [none, ...packed] = stored.map(({ growth }) => growth)
    expect(none).toBeGreaterThan(SIZE)
    for (const growth of packed) expect(growth).toBeLessThan(SIZE / 2)
    expect(new Set(packed).size).toBe(packed.length)
  })

  test('is remembered by the store that is made with it, and another is for one opening', async () => {
    const path = join(directory, 'remembers')
    const first = await put(path, text, 'none')
    const second = await put(path, others[0]!)
    const third = await put(path, others[1]!, 'zstd:9')
    const fourth = await put(path, others[2]!)
    for (const { growth } of [first, second, fourth]) expect(growth).toBeGreaterThan(SIZE)
    expect(third.growth).toBeLessThan(SIZE / 2)
    expect(await compressionAt(path)).toBe('none')
    await using db = await open(path, { readOnly: true })
    for await (const problem of db.check({ data: true })) expect.unreachable(problem.message)
  })

  test('is zstd:1 for a store that was made without, whatever it is opened with', async () => {
    const path = join(directory, 'unasked')
    const first = await put(path, text)
    const second = await put(path, others[0]!, 'none')
    const third = await put(path, others[1]!)
    const asked = await put(join(directory, 'asked'), text, 'zstd:1')
    expect(asked.growth).toBe(first.growth)
    expect(second.growth).toBeGreaterThan(SIZE)
    expect(third.growth).toBeLessThan(SIZE / 2)
    expect(readFileSync(join(path, 'FORMAT'), 'utf8')).toHaveLength(58)
    expect(await compressionAt(path)).toBe('zstd:1')
  })

  test.each(['memory:', 'level:', ''])(
    "that there is none of is refused before '%s' is made",
    async (kind) => {
      const path = join(directory, 'refused')
      const location = kind === 'memory:' ? kind : kind + path
      const opening = open(location, { compression: 'zstd:99' })
      await expect(opening).rejects.toThrow(
        new RangeError(
          "'zstd:99' is no compression; write none, zstd or zstd:LEVEL, LEVEL being -7 to -1 (fast) or 1 to 19 (small)",
        ),
      )
      expect(existsSync(path)).toBe(false)
    },
  )

  test.each(['memory:', 'level:'])('is without effect on %s', async (kind) => {
    const location = kind === 'memory:' ? kind : kind + join(directory, 'level')
    await using db = await open(location, { compression: 'none' })
    const blob = await db.putBlob(text)
    expect(blob.ref.toString()).toBe((await put(join(directory, `beside-${kind}`), text)).ref)
  })
})
