import { beforeEach, describe, expect, test, vi } from 'vitest'
import { unpack } from '../../../src/parallel/zstd.js'
import { type Chunk, chunkOf } from '../../../src/store/chunk-store.js'
import { BlockPacker } from '../../../src/store/segment/block-packer.js'
import { CODEC_NONE, CODEC_ZSTD, crcOf } from '../../../src/store/segment/record.js'
import type { Payload } from '../../../src/store/segment/segment-log.js'
import { stream } from '../../vectors/stream.js'

const BLOCK_BYTES = 32 * 1024

/** Blocks that were tried. */
let tries = 0
/** What the next try throws. */
let failure: Error | undefined

vi.mock('../../../src/parallel/zstd.js', async (original) => {
  const { pack, unpack } = await original<typeof import('../../../src/parallel/zstd.js')>()
  const counted: typeof pack = async (bytes, level) => {
    tries++
    const thrown = failure
    failure = undefined
    if (thrown !== undefined) throw thrown
    return pack(bytes, level)
  }
  return { pack: counted, unpack }
})

beforeEach(() => {
  tries = 0
})

/** Four chunks that lie next to each other. */
function blockOf(kind: 'text' | 'sha', seed = 'block'): Chunk[] {
  const bytes = Uint8Array.from(stream(kind, seed, BLOCK_BYTES))
  return Array.from({ length: 4 }, (_, index) => chunkOf(bytes.subarray(index * 8192, (index + 1) * 8192)))
}

const text = blockOf('text')
const noise = blockOf('sha')

function times(count: number, block: readonly Chunk[]): (readonly Chunk[])[] {
  return Array.from({ length: count }, () => block)
}

async function packed(packer: BlockPacker, blocks: readonly (readonly Chunk[])[]): Promise<Payload[]> {
  const payloads = await Promise.all(packer.pack(blocks))
  for (const [index, { codec, pieces, crc }] of payloads.entries()) {
    const raw = Buffer.concat(blocks[index]!.map(({ bytes }) => bytes))
    const stored = Buffer.concat(pieces)
    if (crc !== undefined) expect(crc).toBe(crcOf(pieces))
    const decoded = codec === CODEC_NONE ? stored : await unpack(stored)
    expect(decoded !== undefined && Buffer.compare(decoded, raw) === 0).toBe(true)
  }
  return payloads
}

function codecs(payloads: readonly Payload[]): Set<number> {
  return new Set(payloads.map(({ codec }) => codec))
}

describe('blocks that shrink', () => {
  test.each([1, 2, 9, 33])('are packed from the first of %i on', async (count) => {
    const packer = new BlockPacker(1)
    for (let turn = 0; turn < 3; turn++) {
      const payloads = await packed(packer, times(count, text))
      expect(codecs(payloads)).toEqual(new Set([CODEC_ZSTD]))
      for (const { pieces } of payloads) expect(Buffer.concat(pieces).length).toBeLessThan(BLOCK_BYTES / 2)
    }
    expect(tries).toBe(3 * count)
  })

  test('are packed though others that do not are tried at the same time', async () => {
    const packer = new BlockPacker(1)
    const [texts, noises] = await Promise.all([
      packed(packer, times(9, text)),
      packed(packer, [noise]),
      packed(packer, [noise]),
    ])
    expect(codecs(texts)).toEqual(new Set([CODEC_ZSTD]))
    expect(codecs(noises)).toEqual(new Set([CODEC_NONE]))
  })

  test('after those that do not are soon packed again', async () => {
    const packer = new BlockPacker(1)
    for (let turn = 0; turn < 20; turn++) await packed(packer, times(32, noise))
    let turns = 0
    while (!codecs(await packed(packer, times(32, text))).has(CODEC_ZSTD)) turns++
    expect(turns).toBeLessThan(3)
    expect(codecs(await packed(packer, times(32, text)))).toEqual(new Set([CODEC_ZSTD]))
  })
})

describe('blocks that do not shrink', () => {
  test.each([1, 5, 32])('stay as they are, and few of them are tried, %i at a time', async (count) => {
    const packer = new BlockPacker(1)
    for (let done = 0; done < 640; done += count) {
      expect(codecs(await packed(packer, times(count, noise)))).toEqual(new Set([CODEC_NONE]))
    }
    expect(tries).toBeGreaterThan(2)
    expect(tries).toBeLessThan(20)
  })

  test('after those that do cost one round', async () => {
    const packer = new BlockPacker(1)
    await packed(packer, times(8, text))
    tries = 0
    for (let turn = 0; turn < 5; turn++) await packed(packer, times(16, noise))
    expect(tries).toBeLessThan(20)
  })

  test('lie where their chunks lie, in as few pieces as those do', async () => {
    const [payload] = await packed(new BlockPacker(1), [noise])
    expect(payload!.pieces).toHaveLength(1)
    expect(payload!.pieces[0]!.buffer).toBe(noise[0]!.bytes.buffer)
    const apart = [noise[0]!, noise[2]!, noise[3]!, ...blockOf('sha', 'other')]
    const [other] = await packed(new BlockPacker(1), [apart])
    expect(other!.pieces.map(({ length }) => length)).toEqual([8192, 16384, BLOCK_BYTES])
  })
})

test('chunks in memory of any kind are still there when their block has been packed', async () => {
  const shared = text.map(({ ref, bytes }) => {
    const memory = new Uint8Array(new SharedArrayBuffer(bytes.length))
    memory.set(bytes)
    return { ref, bytes: memory }
  })
  const packer = new BlockPacker(1)
  for (let turn = 0; turn < 3; turn++) await packed(packer, [shared, text, [...shared, ...text]])
  for (const { bytes } of [...shared, ...text]) expect(bytes.length).toBe(8192)
})

test('without a level nothing is tried', async () => {
  expect(codecs(await packed(new BlockPacker(undefined), times(10, text)))).toEqual(new Set([CODEC_NONE]))
  expect(tries).toBe(0)
})

// One that nobody hears of would end the process.
test.each([1, 2, 5])('of %i blocks each tells of a failure to pack them', async (count) => {
  for (const isShrinking of [false, true]) {
    const packer = new BlockPacker(1)
    if (isShrinking) await packed(packer, [text])
    failure = new Error('out of memory')
    const results = await Promise.allSettled(packer.pack(times(count, text)))
    expect(results).toEqual(Array(count).fill({ status: 'rejected', reason: new Error('out of memory') }))
  }
})
