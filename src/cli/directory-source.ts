/** Directories on disk as what is to be stored: telling them from files, and telling of what went wrong in them. */

import { stat } from 'node:fs/promises'
import { SourceError } from '../errors.js'
import type { TreeProblem, TreeSummary } from '../tree/local/put-tree.js'
import { pathText } from '../tree/tree-path.js'
import type { CommandContext } from './command-context.js'
import { counted } from './counted.js'
import { Failure, failureAt } from './failure.js'
import { STDIN } from './source.js'

/** Whether `path` is that of a directory. */
export async function isDirectory(path: string): Promise<boolean> {
  if (path === STDIN) return false
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // Whoever reads it will find out why.
    return false
  }
}

/** What `read` makes of the directory at `path`; its errors name it, and what is wrong in it is said. */
export async function readDirectory<T extends Pick<TreeSummary, 'leftOut' | 'problemCount'>>(
  context: CommandContext,
  path: string,
  read: (onProblem: (problem: TreeProblem) => void) => Promise<T>,
): Promise<T> {
  let changed = 0
  const onProblem = (problem: TreeProblem): void => {
    if (problem.isStored) changed++
    const outcome = problem.isStored ? 'it is stored as it was read last' : 'it is left out'
    context.warn(`${placeOf(path, problem)}: ${problem.message}; ${outcome}`)
  }
  try {
    const result = await read(onProblem)
    if (result.problemCount > 0) {
      context.exitCode = 1
      context.warn(totals(path, changed, result.problemCount - changed))
    }
    if (result.leftOut > 0)
      context.note(
        `${path}: ${counted(result.leftOut, 'symlink or special file')} not recorded, as you asked`,
      )
    return result
  } catch (error) {
    if (error instanceof SourceError) throw new Failure(`${path}: ${error.message}`, { cause: error })
    throw failureAt(path, error)
  }
}

function placeOf(top: string, { path }: TreeProblem): string {
  const name = pathText(path)
  if (name === '') return top
  return top.endsWith('/') ? `${top}${name}` : `${top}/${name}`
}

function totals(path: string, changed: number, lost: number): string {
  const words = [
    ...(changed > 0 ? [`${counted(changed, 'file')} changed while read`] : []),
    ...(lost > 0 ? [`${counted(lost, 'entry', 'entries')} left out`] : []),
  ]
  return `${path}: ${words.join(', ')}; all else is stored`
}
