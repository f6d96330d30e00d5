/** How fast are random reads of 4 KiB, one at a time and many in flight, every byte verified? */

import { type Bench, openStore, peakMemory } from './bench.js'
import { blobReader, readMany } from './random-reads.js'

const READS = 20_000
const IN_FLIGHT = 16

export const randomRead: Bench = {
  question: `How fast are ${READS} random reads of 4 KiB, one at a time and ${IN_FLIGHT} in flight?`,
  async run(context) {
    const db = await openStore(context)
    const { ref } = await db.putBlob(context.input.pieces())
    await db.flush()
    const blob = await db.blob(ref)
    const reader = blobReader(blob)
    await readMany(reader, blob.size, 1, READS / 10)
    const figures = [
      ...(await readMany(reader, blob.size, 1, READS)),
      ...(await readMany(reader, blob.size, IN_FLIGHT, READS)),
    ]
    await db.close()
    return [...figures, peakMemory()]
  },
}
