/** How long does it take to read all of a stored file? */

import { repositoryIn } from './contender.js'
import { fileDigest } from './runner.js'
import { costFigures, storesAlike, type Task, TIME } from './task.js'

export const read: Task = {
  question: 'How long does reading all of a file take? (What comes back is compared with it once, before.)',
  inputs: [['linux-6.1.tar'], ['random-1g']],
  compared: [TIME],
  readsOnly: true,
  canAsk: storesAlike,
  async prepare({ contender, directory, files, runner }) {
    const [file] = files as [string]
    await runner.run(contender.put(directory, file))
    const digest = await runner.digest(contender.read(directory, file))
    if (digest !== (await fileDigest(file))) throw new Error('other bytes came back than were stored')
  },
  async run({ contender, directory, files, runner }) {
    const [file] = files as [string]
    return costFigures(await runner.measure([contender.read(directory, file)], [repositoryIn(directory)]))
  },
}
