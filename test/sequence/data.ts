/** Random bytes for trees: what makes chunks of every size, and the same chunks again and again. */

import fc from 'fast-check'
import { stream } from '../vectors/stream.js'

/** Up to `maxBytes` bytes: noise, long runs of one byte, cycles, text, and pieces of these. */
export function data(maxBytes: number): fc.Arbitrary<Uint8Array> {
  const length = fc.oneof(
    fc.integer({ min: 0, max: Math.min(maxBytes, 300) }),
    fc.integer({ min: 0, max: Math.ceil(maxBytes / 16) }),
    fc.integer({ min: 0, max: Math.ceil(maxBytes) }),
  )
  const kind = fc.constantFrom('sha', 'sha', 'sha', 'zero', 'cycle', 'text')
  const one = fc
    .tuple(kind, fc.integer({ min: 1, max: 200 }), length)
    .map(([kind, seed, length]) => Uint8Array.from(stream(kind, String(seed), length)))
  return fc.oneof(
    { weight: 3, arbitrary: one },
    { weight: 1, arbitrary: fc.array(one, { minLength: 2, maxLength: 4 }).map((parts) => join(parts)) },
  )
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

/** `bytes` in pieces whose sizes are `sizes`, over and over. */
export function* inPieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(at + sizes[turn % sizes.length]!, bytes.length)
    yield bytes.subarray(at, end)
    at = end
  }
}
