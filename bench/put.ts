/** How fast is a put, up to and with the final fsync; and the same bytes again? */

import { type Bench, openStore, peakMemory, rate, seconds, storedBytes } from './bench.js'

export const put: Bench = {
  question: 'How fast is a put with its final fsync, and the same bytes put again?',
  async run(context) {
    const { input } = context
    const db = await openStore(context)
    const store = async (): Promise<void> => db.pin((await db.putBlob(input.pieces())).ref)
    const cpu = process.cpuUsage()
    const first = await seconds(store)
    const { user, system } = process.cpuUsage(cpu)
    const again = await seconds(store)
    await db.close()
    return [
      { name: 'put', value: rate(input.size, first), unit: 'MB/s' },
      { name: 'put took', value: first, unit: 's' },
      { name: 'processor', value: (user + system) / 1e6, unit: 's' },
      { name: 'put again', value: rate(input.size, again), unit: 'MB/s' },
      { name: 'stored', value: (await storedBytes(context.directory)) / 1e6, unit: 'MB' },
      peakMemory(),
    ]
  },
}
