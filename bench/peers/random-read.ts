/** How fast are random reads of 4 KiB by libraries, within one process? */

import { fileURLToPath } from 'node:url'
import type { Figure } from '../bench.js'
import { repositoryIn } from './contender.js'
import type { Task } from './task.js'

const COMMAND = fileURLToPath(new URL('random-reads-command.js', import.meta.url))

export const randomRead: Task = {
  question: 'How fast are random reads of 4 KiB by libraries, in a process with the repository open?',
  inputs: [['linux-6.1.tar']],
  compared: ['p50 one at a time', 'p99 one at a time', 'p50 16 in flight'],
  readsOnly: true,
  canAsk: ({ library, change }) => library !== undefined && change === undefined,
  async prepare({ contender, directory, files, runner }) {
    await runner.run(contender.put(directory, files[0]!))
  },
  async run({ contender, directory, files, runner }) {
    const args = [COMMAND, contender.library!, repositoryIn(directory), files[0]!]
    return JSON.parse(await runner.text({ program: process.execPath, args })) as Figure[]
  },
}
