/** Does a put stay linear, a read as fast and memory as small, as what is stored grows? */

import { type Bench, openStore, peakMemory, storedBytes } from './bench.js'
import { type Line, plot } from './plot.js'
import { blobReader, readMany } from './random-reads.js'
import type { Summary } from './summary.js'

const READS = 20_000

const PUT_EACH = 'put took, each GiB'

export const growth: Bench = {
  question: `What do a put, ${READS} random reads of 4 KiB after it, and the memory for both come to at this size?`,
  async run(context) {
    const { input, directory } = context
    const db = await openStore(context)
    const start = performance.now()
    const blob = await db.putBlob(input.pieces())
    await db.pin(blob.ref)
    const elapsed = (performance.now() - start) / 1000
    const reader = blobReader(blob)
    await readMany(reader, blob.size, 1, READS / 10)
    const reads = await readMany(reader, blob.size, 1, READS)
    await db.close()
    return [
      { name: 'put took', value: elapsed, unit: 's' },
      { name: PUT_EACH, value: elapsed / (input.size / 2 ** 30), unit: 's' },
      ...reads,
      { name: 'stored', value: (await storedBytes(directory)) / 1e6, unit: 'MB' },
      peakMemory(),
    ]
  },
}

/** The growth of one figure or several, as SVG: what came out at each size, in GiB. */
export function plotGrowth(results: readonly { gib: number; figures: readonly Summary[] }[]): string {
  const line = (figure: string, label = ''): Line => ({
    label,
    points: results.map(({ gib, figures }) => ({
      x: gib,
      ...figures.find(({ name }) => name === figure)!,
    })),
  })
  return plot('GiB stored', [
    { title: 'Put: seconds for each GiB', lines: [line(PUT_EACH)] },
    {
      title: 'Random read of 4 KiB, ms',
      lines: [line('p50 one at a time', 'p50'), line('p99 one at a time', 'p99')],
    },
    { title: 'Peak memory, MiB', lines: [line('peak memory')] },
  ])
}
