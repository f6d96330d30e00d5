/**
 * What do directories cost: storing one, again, and with a few files changed; bringing it back, and looking at it? All
 * but the first put work on a copy of the directory, in a repository of each contender that has two versions of it.
 */

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Contender, TreeCommands } from './contender.js'
import { repositoryIn } from './contender.js'
import type { Command } from './runner.js'
import { costFigures, type Place, storedFigures, type Task, TIME } from './task.js'

const INPUTS = [['linux-tree']]

/** Files that change between two versions. */
const CHANGED_FILES = 10

/** A contender's repository that all tasks share. */
interface Kept {
  readonly directory: string
  /** The copy. */
  readonly tree: string
  /** Versions that are in it. */
  version: number
}

const kept = new Map<string, Promise<Kept>>()
const copies = new Map<string, Promise<string>>()
let changes = 0

const treePut: Task = {
  question: 'How long does storing a directory in an empty repository take?',
  inputs: INPUTS,
  compared: [TIME],
  readsOnly: false,
  canAsk: ({ tree }) => tree !== undefined,
  async run(place) {
    const { contender, directory, files, runner } = place
    const [tree] = files as [string]
    const cost = await runner.measure([contender.tree!.put(directory, tree, 1)], [tree])
    return [...costFigures(cost), ...(await storedFigures(place))]
  },
}

const treeChanged: Task = {
  ...lookingTask(`How long does it take with ${CHANGED_FILES} files changed?`, 'put', putAgain),
  async run(place) {
    const own = await keptFor(place)
    await changeFiles(own.tree)
    return measured(place, own, putAgain(place.contender.tree!, own))
  },
}

/** The tasks, in the order in which they make sense. */
export const TREE_TASKS: readonly Task[] = [
  treePut,
  lookingTask('How long does storing it again take, nothing having changed?', 'put', putAgain),
  treeChanged,
  lookingTask('How long does bringing it back to the disk take?', 'get', ({ get }, own) => {
    const output = join(own.directory, `output-${own.version++}`)
    return [{ program: 'mkdir', args: [output] }, get!(own.directory, own.tree, 2, output)]
  }),
  lookingTask('How long does listing all names in it take?', 'list', ({ list }, own) => [
    list!(own.directory, own.tree, 2),
  ]),
  lookingTask('How long does listing it as mtree take?', 'mtree', ({ mtree }, own) => [
    mtree!(own.directory, own.tree, 2),
  ]),
  lookingTask('How long does hashing a directory on disk take?', 'hash', ({ hash }, own) => [
    hash!(own.tree),
  ]),
  lookingTask('How long does giving one file of it take?', 'cat', ({ cat }, own) => [
    cat!(own.directory, own.tree, 2, join('linux-source-6.1', 'MAINTAINERS')),
  ]),
  lookingTask('How long does telling two versions of it apart take?', 'diff', ({ diff }, own) => [
    diff!(own.directory, own.tree),
  ]),
]

/** A task that is asked of those who have the command `name`, of the shared repositories. */
function lookingTask(
  question: string,
  name: keyof TreeCommands,
  commands: (tree: TreeCommands, own: Kept) => Command[],
): Task {
  return {
    question,
    inputs: INPUTS,
    compared: [TIME],
    readsOnly: true,
    canAsk: ({ tree }) => tree?.[name] !== undefined,
    async prepare(place) {
      await keptFor(place)
    },
    async run(place) {
      const own = await keptFor(place)
      return measured(place, own, commands(place.contender.tree!, own))
    },
  }
}

/** What the last of `commands` costs. */
async function measured({ runner }: Place, own: Kept, commands: readonly Command[]): ReturnType<Task['run']> {
  for (const command of commands.slice(0, -1)) await runner.run(command)
  return costFigures(await runner.measure(commands.slice(-1), [own.tree, repositoryIn(own.directory)]))
}

function putAgain(tree: TreeCommands, own: Kept): Command[] {
  return [tree.put(own.directory, own.tree, ++own.version)]
}

/** The contender's repository, with two versions of the copy in it. */
function keptFor(place: Place): Promise<Kept> {
  const { contender } = place
  const found = kept.get(contender.name) ?? newKept(place, contender)
  kept.set(contender.name, found)
  return found
}

async function newKept(place: Place, contender: Contender): Promise<Kept> {
  const { runner, shared } = place
  const directory = join(dirname(shared), 'trees', contender.name)
  await mkdir(repositoryIn(directory), { recursive: true })
  if (contender.init !== undefined) await runner.run(contender.init(directory))
  const tree = await copyFor(place)
  const own = { directory, tree, version: 0 }
  for (let version = 1; version <= 2; version++) {
    for (const command of putAgain(contender.tree!, own)) await runner.run(command)
    if (version === 1) await changeFiles(tree)
  }
  return own
}

function copyFor({ files, runner, shared }: Place): Promise<string> {
  const [tree] = files as [string]
  const found = copies.get(tree) ?? newCopy()
  copies.set(tree, found)
  return found

  async function newCopy(): Promise<string> {
    const copy = join(dirname(shared), 'trees', 'copy')
    await mkdir(dirname(copy), { recursive: true })
    await runner.run({ program: 'cp', args: ['-a', tree, copy] })
    return copy
  }
}

/** Writes to files spread over the tree, other bytes each time. */
async function changeFiles(tree: string): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  files.sort()
  const step = Math.floor(files.length / CHANGED_FILES)
  changes++
  for (let index = 0; index < CHANGED_FILES; index++)
    await writeFile(files[index * step]!, `change ${changes}\n`.repeat(1000))
}
