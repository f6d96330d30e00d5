/** How fast is reading everything back, every byte verified? */

import { type Bench, openStore, peakMemory, rate, seconds } from './bench.js'

export const read: Bench = {
  question: 'How fast is reading everything back from a newly opened store, verified?',
  async run(context) {
    const { input } = context
    const writer = await openStore(context)
    const { ref } = await writer.putBlob(input.pieces())
    await writer.close()
    const db = await openStore(context)
    const blob = await db.blob(ref)
    let bytes = 0
    const elapsed = await seconds(async () => {
      for await (const piece of blob) bytes += piece.length
    })
    await db.close()
    if (bytes !== input.size) throw new Error(`${bytes} bytes came back of ${input.size}`)
    return [
      { name: 'read all', value: rate(bytes, elapsed), unit: 'MB/s' },
      { name: 'read took', value: elapsed, unit: 's' },
      peakMemory(),
    ]
  },
}
