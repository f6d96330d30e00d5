/** Random reads of 4 KiB, timed one by one: what several benches do, to whatever can be read. */

import type { Blob } from '../src/index.js'
import { type Figure, quantile, randomNumbers } from './bench.js'

export const READ_BYTES = 4096

/** Reads READ_BYTES at `position`. */
export type ReadAt = (position: number) => Promise<unknown>

/**
 * Does `reads` reads at random places of something of `size` bytes, `inFlight` at a time, the same places for the
 * same numbers. `reader` is called once for each that is in flight.
 */
export async function readMany(
  reader: () => ReadAt,
  size: number,
  inFlight: number,
  reads: number,
): Promise<Figure[]> {
  const random = randomNumbers(inFlight)
  const latencies = new Float64Array(reads)
  let next = 0
  const readOn = async (): Promise<void> => {
    const readAt = reader()
    while (next < reads) {
      const slot = next++
      const position = Math.floor(random() * (size - READ_BYTES))
      const start = performance.now()
      await readAt(position)
      latencies[slot] = performance.now() - start
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, readOn))
  const elapsed = (performance.now() - start) / 1000
  latencies.sort()
  const label = inFlight === 1 ? 'one at a time' : `${inFlight} in flight`
  return [
    { name: `reads ${label}`, value: reads / elapsed, unit: '/s' },
    { name: `p50 ${label}`, value: quantile(latencies, 0.5), unit: 'ms' },
    { name: `p99 ${label}`, value: quantile(latencies, 0.99), unit: 'ms' },
  ]
}

/** A reader of nomsy's: `blob.read` into a buffer of its own. */
export function blobReader(blob: Blob): () => ReadAt {
  return () => {
    const buffer = new Uint8Array(READ_BYTES)
    return (position) => blob.read(buffer, { position })
  }
}
