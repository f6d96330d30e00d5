/** How does the cost of a difference grow with the size of what is compared? */

import { join } from 'node:path'
import { open } from '../src/index.js'
import { type Bench, type Figure, peakMemory } from './bench.js'
import { diffOfTen, entries, type TestMap } from './test-map.js'

const SIZES = [1e4, 1e5, 1e6, 1e7]
const TURNS = 9

export const diff: Bench = {
  question: 'What does it cost to find ten changed keys in maps of 10^4 to 10^7 entries?',
  async run({ directory }) {
    const figures: Figure[] = []
    for (const size of SIZES) {
      const path = join(directory, `store-${size}`)
      let db = await open(path)
      const { ref } = await db.map<string, string>(entries(size))
      await db.close()
      db = await open(path)
      const map: TestMap = await db.map<string, string>(ref)
      const times: number[] = []
      for (let seed = 1; seed <= TURNS; seed++) times.push(await diffOfTen(map, size, seed))
      figures.push({ name: `${size} entries, first`, value: times[0]!, unit: 'ms' })
      times.sort((a, b) => a - b)
      figures.push({ name: `${size} entries, median of ${TURNS}`, value: times[TURNS >> 1]!, unit: 'ms' })
      await db.close()
    }
    return [...figures, peakMemory()]
  },
}
