/** How long does it take to store a file in an empty repository, and how many bytes does that come to? */

import { costFigures, storedFigures, storesAlike, type Task, TIME } from './task.js'

export const put: Task = {
  question: 'How long does storing a file in an empty repository take?',
  inputs: [['linux-6.1.tar'], ['random-1g']],
  compared: [TIME],
  readsOnly: false,
  canAsk: storesAlike,
  async run(place) {
    const { contender, directory, files, runner } = place
    const [file] = files as [string]
    const cost = await runner.measure([contender.put(directory, file)], files)
    return [...costFigures(cost), ...(await storedFigures(place))]
  },
}
