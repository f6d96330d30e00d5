/** How long does it take to store several versions one after the other, and how much do they share? */

import { costFigures, storedFigures, storesAlike, type Task, TIME } from './task.js'

export const six: Task = {
  question: 'How long does storing versions of a file one after the other in one repository take?',
  inputs: [['5.4.5', '5.5.4', '5.6.3', '5.7.3', '5.8.3', '5.9.3'].map((version) => `ts-${version}.tar`)],
  takesSeries: true,
  compared: [TIME],
  readsOnly: false,
  canAsk: storesAlike,
  async run(place) {
    const { contender, directory, files, runner } = place
    const cost = await runner.measure(
      files.map((file) => contender.put(directory, file)),
      files,
    )
    return [...costFigures(cost), ...(await storedFigures(place))]
  },
}
