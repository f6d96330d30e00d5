import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { BLOB_PARAMS } from '../../src/blob/blob-format.js'
import { scanBoundaries } from '../../src/hash/boundary-scan.js'
import { BUZHASH_TABLE } from '../../src/hash/buzhash.js'
import { BoundaryFinder, type BoundaryRule } from '../../src/sequence/boundary.js'
import { ByteChunker } from '../../src/sequence/byte-chunker.js'
import { Chunker } from '../../src/sequence/chunker.js'
import { META_BOUNDARY } from '../../src/sequence/format.js'
import { check } from '../seed.js'
import { stream } from '../vectors/stream.js'
import { data, inPieces } from './data.js'
import { COLLECTION_PARAMS } from './item-formats.js'
import { naiveCuts, naiveHash } from './naive.js'
import { SMALL_PARAMS } from './small-params.js'

const tight: BoundaryRule = { unitBytes: 1, windowUnits: 32, ones: 2, minUnits: 32, maxUnits: 33 }
const fixed: BoundaryRule = { unitBytes: 1, windowUnits: 32, ones: 1, minUnits: 50, maxUnits: 50 }
const late: BoundaryRule = { unitBytes: 1, windowUnits: 32, ones: 4, minUnits: 200, maxUnits: 400 }
const pairs: BoundaryRule = { unitBytes: 2, windowUnits: 16, ones: 3, minUnits: 20, maxUnits: 90 }

const byteRules: [string, BoundaryRule, number][] = [
  ["a blob's bytes", BLOB_PARAMS.leaf, 150_000],
  ["a collection's bytes", COLLECTION_PARAMS.leaf, 60_000],
  ['small chunks of bytes', SMALL_PARAMS.leaf, 4000],
  ['chunks of the least size or one more', tight, 1000],
  ['chunks of one size', fixed, 1000],
  ['a window far from the start', late, 3000],
]
const unitRules: [string, BoundaryRule, number][] = [
  ['refs', META_BOUNDARY, 60_000],
  ['refs in small nodes', SMALL_PARAMS.meta, 6000],
  ['pairs of bytes', pairs, 2000],
]

const directory = mkdtempSync(join(tmpdir(), 'nomsy-boundary-'))
const file = join(directory, 'bytes')
const fd = openSync(file, 'w+')
afterAll(() => {
  closeSync(fd)
  rmSync(directory, { recursive: true, force: true })
})

const pieceSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 9000 })), {
  minLength: 1,
  maxLength: 8,
})

describe.each([...byteRules, ...unitRules])('%s', (_, rule, maxBytes) => {
  const { unitBytes, minUnits, maxUnits } = rule
  const bytes = data(maxBytes).map((each) => each.subarray(0, each.length - (each.length % unitBytes)))

  test('are cut where the definition says, however many are looked at once', () => {
    check(
      fc.property(bytes, pieceSizes, fc.nat(100), (bytes, sizes, before) => {
        expect(foundCuts(rule, bytes, sizes, before)).toEqual(naiveCuts(bytes, rule))
      }),
      { numRuns: 40 },
    )
  })

  test('make chunks of the least to the greatest size, but for the last', () => {
    check(
      fc.property(bytes, (bytes) => {
        const cuts = foundCuts(rule, bytes, [bytes.length], 0)
        const sizes = cuts.map((end, index) => (end - (cuts[index - 1] ?? 0)) / unitBytes)
        for (const size of sizes) expect(size).toBeLessThanOrEqual(maxUnits)
        for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(minUnits)
      }),
      { numRuns: 40 },
    )
  })
})

describe.each(byteRules)('%s, chunked', (_, rule, maxBytes) => {
  test('give the same chunks in whatever pieces they come, pushed or read from a file', async () => {
    await check(
      fc.asyncProperty(data(maxBytes), pieceSizes, fc.nat(3), async (bytes, sizes, readEvery) => {
        const expected = naiveCuts(bytes, rule)
        writeFileSync(file, bytes)
        // With a byte more, the end of all is a cut only where a boundary stands.
        const boundaries = naiveCuts(Buffer.concat([bytes, new Uint8Array(1)]), rule)
        let pushed = 0
        const chunks: Uint8Array[] = []
        const chunker = new ByteChunker(rule, (items, ends) => {
          expect(ends.at(-1)).toBe(items.length)
          for (const [index, end] of ends.entries()) chunks.push(items.slice(ends[index - 1] ?? 0, end))
          chunker.reuse(items)
        })
        for (const [index, piece] of [...inPieces(bytes, sizes)].entries()) {
          // Of every so many pieces one is pushed, and the others are read; 0: all are pushed.
          if (readEvery === 0 || index % (readEvery + 1) === 0) chunker.push(piece)
          else chunker.pushPart({ fd, position: pushed, length: piece.length })
          pushed += piece.length
          while (chunker.isBusy) await chunker.cutNext()
          // Settling makes the chunker look early; what it finds must not depend on when it looks.
          if (piece.length % 5 !== 0) continue
          await chunker.settle()
          expect(chunker.isAtBoundary).toBe(boundaries.includes(pushed))
        }
        await chunker.flush()
        expect(chunker.isAtBoundary).toBe(true)
        expect(ends(chunks)).toEqual(expected)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })
})

test('a boundary is found at every distance from where one part of a file ends and the next begins', async () => {
  const rule = BLOB_PARAMS.leaf
  const bytes = stream('sha', 'parts', 40_000)
  writeFileSync(file, bytes)
  const expected = naiveCuts(bytes, rule)
  for (let distance = -70; distance <= 70; distance++) {
    const sizes: number[] = []
    const chunker = new ByteChunker(rule, (items, ends) => {
      for (const [index, end] of ends.entries()) sizes.push(end - (ends[index - 1] ?? 0))
      chunker.reuse(items)
    })
    const middle = expected[0]! + distance
    chunker.pushPart({ fd, position: 0, length: middle })
    chunker.pushPart({ fd, position: middle, length: bytes.length - middle })
    await chunker.flush()
    expect(sizes).toEqual(expected.map((end, index) => end - (expected[index - 1] ?? 0)))
  }
})

test('the compiled scan finds what the plain definition finds at every offset', () => {
  const mask = 2 ** 6 - 1
  for (const length of [0, 1, 63, 64, 65, 5000, 2 ** 20 - 1, 2 ** 20]) {
    const bytes = stream('sha', `scan ${length}`, length)
    const expected: number[] = []
    let hash = naiveHash(bytes.subarray(0, 64))
    for (let end = 64; end <= length; end++) {
      if ((hash & mask) === mask) expected.push(end)
      const [incoming, outgoing] = [bytes[end]!, bytes[end - 64]!]
      hash = (((hash << 1) | (hash >>> 31)) ^ BUZHASH_TABLE[incoming]! ^ BUZHASH_TABLE[outgoing]!) >>> 0
    }
    expect([...scanBoundaries(bytes, 6)]).toEqual(expected)
  }
})

test('items are never cut, and a boundary within one takes effect at its end', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 900 })), {
    minLength: 1,
    maxLength: 8,
  })
  check(
    fc.property(data(8000), sizes, (bytes, sizes) => {
      const items = [...inPieces(bytes, sizes)]
      const chunks: Uint8Array[] = []
      let counted = 0
      const chunker = new Chunker(SMALL_PARAMS.leaf, (run, count, lastItemStart) => {
        counted += count
        expect(run.subarray(lastItemStart)).toEqual(items[counted - 1])
        chunks.push(run.slice())
      })
      for (const item of items) chunker.push(item)
      chunker.flush()
      expect(counted).toBe(items.length)
      expect(ends(chunks)).toEqual(naiveCuts(bytes, SMALL_PARAMS.leaf, ends(items)))
    }),
  )
})

test('an item longer than the greatest chunk is a chunk by itself at the most', () => {
  const sizes: number[] = []
  const chunker = new Chunker(SMALL_PARAMS.leaf, (items) => sizes.push(items.length))
  for (const length of [10, 5000, 5000, 1]) chunker.push(new Uint8Array(length))
  chunker.flush()
  expect(sizes).toEqual([5010, 5000, 1])
})

test('bytes that hold no boundary are cut at the greatest size', () => {
  for (const byte of [0, 1, 77, 255]) {
    const bytes = new Uint8Array(200_000).fill(byte)
    expect(foundCuts(BLOB_PARAMS.leaf, bytes, [bytes.length], 0)).toEqual([65536, 131072, 196608, 200_000])
  }
})

test('bytes that hold a boundary everywhere are cut at the least size', () => {
  const period = allOnes()
  expect(naiveHash(period)).toBe(0xffffffff)
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => period[index % 64]!)
  const cuts = foundCuts(BLOB_PARAMS.leaf, bytes, [1000], 0)
  expect(cuts).toHaveLength(Math.ceil(100_000 / 2048))
  expect(cuts.slice(0, -1).every((cut, index) => cut === 2048 * (index + 1))).toBe(true)
})

test('refs that hold no boundary, or one everywhere, are cut at the greatest or the least number', () => {
  const counts = new Set<number>()
  for (let n = 0; n < 600; n++) {
    const ref = stream('sha', `ref ${n}`, 20)
    const cuts = foundCuts(META_BOUNDARY, Buffer.concat(Array<Uint8Array>(4096).fill(ref)), [81920], 0)
    expect([16, 2048]).toContain(cuts[0]! / 20)
    counts.add(cuts[0]! / 20)
  }
  expect([...counts].sort((a, b) => a - b)).toEqual([16, 2048])
})

test.each<[string, Partial<BoundaryRule>]>([
  ['a window that is no multiple of 32 bytes', { windowUnits: 48 }],
  ['a least size shorter than the window', { minUnits: 63 }],
  ['a greatest size below the least', { maxUnits: 2047 }],
])('%s is refused', (_, wrong) => {
  expect(() => new BoundaryFinder({ ...BLOB_PARAMS.leaf, ...wrong })).toThrow(RangeError)
})

/** Cuts of `bytes` as the finder sees them, `before` bytes into a buffer, asked about pieces of `sizes`. */
function foundCuts(
  rule: BoundaryRule,
  bytes: Uint8Array,
  sizes: readonly number[],
  before: number,
): number[] {
  const finder = new BoundaryFinder(rule)
  const buffer = new Uint8Array(before + bytes.length).fill(1)
  buffer.set(bytes, before)
  const cuts: number[] = []
  let start = before
  let turn = 0
  for (let from = before; from < buffer.length; ) {
    const units = Math.ceil(sizes[turn++ % sizes.length]! / rule.unitBytes)
    const to = Math.min(from + units * rule.unitBytes, buffer.length)
    const end = finder.find(buffer, start, from, to)
    from = end < 0 ? to : end
    if (end >= 0) cuts.push((start = end) - before)
  }
  if (start < buffer.length) cuts.push(bytes.length)
  return cuts
}

function ends(parts: readonly Uint8Array[]): number[] {
  let end = 0
  return parts.map((part) => (end += part.length))
}

/**
 * 64 bytes whose hash is all ones, and so is that of every rotation of them: bytes 0 and `other` chosen for the
 * first 32 places so that the bits come out, which is a system of 32 equations over two elements.
 */
function allOnes(): Uint8Array {
  const rotl = (word: number, by: number): number => ((word << by) | (word >>> (32 - by))) >>> 0
  const weight = (word: number): number => [...word.toString(2)].filter((digit) => digit === '1').length
  // Rotations of a word of odd weight are independent.
  const other = BUZHASH_TABLE.findIndex((word) => weight((word ^ BUZHASH_TABLE[0]!) >>> 0) % 2 === 1)
  const period = new Uint8Array(64)
  const flip = (BUZHASH_TABLE[0]! ^ BUZHASH_TABLE[other]!) >>> 0
  // Each row: what choosing `other` at some places does to the hash, and which places, one bit for each.
  const rows = Array.from({ length: 32 }, (_, place) => ({
    word: rotl(flip, 63 - place),
    places: 1 << place,
  }))
  let missing = (naiveHash(period) ^ 0xffffffff) >>> 0
  let chosen = 0
  for (let bit = 0; bit < 32; bit++) {
    const pivot = rows.splice(
      rows.findIndex(({ word }) => (word >>> bit) & 1),
      1,
    )[0]!
    for (const row of rows) {
      if ((row.word >>> bit) & 1) {
        row.word ^= pivot.word
        row.places ^= pivot.places
      }
    }
    if ((missing >>> bit) & 1) {
      missing ^= pivot.word
      chosen ^= pivot.places
    }
  }
  return period.map((_, place) => (place < 32 && (chosen >>> place) & 1 ? other : 0))
}
