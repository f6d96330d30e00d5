import { expect, test } from 'vitest'
import { pack, unpack } from '../../../src/parallel/zstd.js'
import {
  COMPRESSION_FORMS,
  type Compression,
  canonicalCompression,
  levelOf,
} from '../../../src/store/segment/compression.js'
import { stream } from '../../vectors/stream.js'

const LEVELS = [...Array.from({ length: 7 }, (_, index) => index - 7), ...Array(19).keys()].map((level) =>
  level < 0 ? level : level + 1,
)

test('the levels are -7 to 19 without 0, and a block of each reads back', async () => {
  expect(LEVELS).toHaveLength(26)
  const text = stream('text', 'block', 64 * 1024)
  for (const level of LEVELS) {
    const compression: Compression = `zstd:${level}`
    expect([canonicalCompression(compression), levelOf(compression)]).toEqual([compression, level])
    const packed = await pack(text, level)
    expect(packed.length).toBeLessThan(text.length)
    expect(Buffer.compare((await unpack(packed))!, text)).toBe(0)
  }
})

test('none has no level, and zstd without one is level 1', () => {
  expect([canonicalCompression('none'), levelOf('none')]).toEqual(['none', undefined])
  expect([canonicalCompression('zstd'), levelOf('zstd')]).toEqual(['zstd:1', 1])
})

test.each([
  '',
  'None',
  'none ',
  'none\n',
  'gzip',
  'zstd:',
  'zstd:0',
  'zstd:-0',
  'zstd:-8',
  'zstd:20',
  'zstd:99',
  'zstd:01',
  'zstd:+1',
  'zstd:1.5',
  'zstd:1e1',
  'zstd: 1',
  'zstd:zstd:1',
  'constructor',
])('%j is no compression', (text) => {
  expect(canonicalCompression(text)).toBeUndefined()
  expect(() => levelOf(text as Compression)).toThrow(
    new RangeError(`'${text}' is no compression; write ${COMPRESSION_FORMS}`),
  )
})
