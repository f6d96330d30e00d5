/** What does a change in the middle of a large blob cost? */

import { type Bench, openStore, peakMemory, quantile, randomNumbers, seconds } from './bench.js'

const SPLICES = 100

export const splice: Bench = {
  question: `What does inserting a byte cost (median of ${SPLICES} at random places, then one with its fsync)?`,
  async run(context) {
    const db = await openStore(context)
    let blob = await db.putBlob(context.input.pieces())
    await db.flush()
    const random = randomNumbers(1)
    const times: number[] = []
    for (let turn = 0; turn < SPLICES; turn++) {
      const at = Math.floor(random() * blob.size)
      times.push(
        await seconds(async () => {
          blob = await blob.splice(at, 0, Uint8Array.of(turn))
        }),
      )
    }
    const flushed = await seconds(async () => {
      blob = await blob.splice(blob.size >> 1, 0, Uint8Array.of(1))
      await db.flush()
    })
    await db.close()
    times.sort((a, b) => a - b)
    return [
      { name: 'splice', value: quantile(times, 0.5) * 1000, unit: 'ms' },
      { name: 'splice and flush', value: flushed * 1000, unit: 'ms' },
      peakMemory(),
    ]
  },
}
