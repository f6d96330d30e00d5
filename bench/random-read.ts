/** How fast are random reads of 4 KiB, one at a time and many in flight, every byte verified? */

import type { Blob } from '../src/index.js'
import { type Bench, type Figure, openStore, peakMemory, quantile, randomNumbers } from './bench.js'

const READ_BYTES = 4096
const READS = 20_000
const IN_FLIGHT = 16

export const randomRead: Bench = {
  question: `How fast are ${READS} random reads of 4 KiB, one at a time and ${IN_FLIGHT} in flight?`,
  async run(context) {
    const db = await openStore(context)
    const { ref } = await db.putBlob(context.input.pieces())
    await db.flush()
    const blob = await db.blob(ref)
    await readMany(blob, 1, READS / 10)
    const figures = [...(await readMany(blob, 1, READS)), ...(await readMany(blob, IN_FLIGHT, READS))]
    await db.close()
    return [...figures, peakMemory()]
  },
}

async function readMany(blob: Blob, inFlight: number, reads: number): Promise<Figure[]> {
  const random = randomNumbers(inFlight)
  const latencies = new Float64Array(reads)
  let next = 0
  const reader = async (): Promise<void> => {
    const buffer = new Uint8Array(READ_BYTES)
    while (next < reads) {
      const slot = next++
      const position = Math.floor(random() * (blob.size - READ_BYTES))
      const start = performance.now()
      await blob.read(buffer, { position })
      latencies[slot] = performance.now() - start
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, reader))
  const elapsed = (performance.now() - start) / 1000
  latencies.sort()
  const label = inFlight === 1 ? 'one at a time' : `${inFlight} in flight`
  return [
    { name: `reads ${label}`, value: reads / elapsed, unit: '/s' },
    { name: `p50 ${label}`, value: quantile(latencies, 0.5), unit: 'ms' },
    { name: `p99 ${label}`, value: quantile(latencies, 0.99), unit: 'ms' },
  ]
}
