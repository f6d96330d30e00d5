/** nomsy hash: the refs that files and directories would have. */

import { writeBlob } from '../../blob/blob.js'
import { DISCARD } from '../../sequence/chunk-sink.js'
import type { PutTreeOptions } from '../../tree/local/put-tree.js'
import type { CommandUsage } from '../command.js'
import type { CommandContext } from '../command-context.js'
import { isDirectory, readDirectory } from '../directory-source.js'
import { printable } from '../printable.js'
import { findSources, type Source } from '../source.js'
import { TREE_NOTES, TREE_OPTIONS, type TreeWords, treeOptionsOf } from '../tree-options.js'

export const usage: CommandUsage = {
  summary: 'print the refs of files and directories without storing them',
  arguments: [['<path...>', 'files and directories to read; - is standard input']],
  options: TREE_OPTIONS,
  notes: `Needs no store. The refs are those that put prints, with the same options.
${TREE_NOTES}`,
  examples: ['nomsy hash disk.img', 'nomsy hash --reproducible dist'],
}

export async function run(context: CommandContext, options: TreeWords, paths: string[]): Promise<void> {
  const directories = new Set<string>()
  for (const path of paths) if (await isDirectory(path)) directories.add(path)
  const treeOptions = await treeOptionsOf(options, directories.size > 0)
  const sources = await findSources(paths.filter((path) => !directories.has(path)))
  for (const path of paths) {
    if (directories.has(path)) await hashDirectory(context, path, treeOptions)
    else await hashSource(context, sources.shift()!)
  }
}

async function hashSource(context: CommandContext, source: Source): Promise<void> {
  const { output, signal } = context
  using progress = context.progress(source.name, source.size)
  const { ref, length } = await source.read(signal, (bytes) =>
    writeBlob(DISCARD, bytes, { signal, onProgress: progress.add }),
  )
  progress.end()
  const { name } = source
  await output.line(context.json ? JSON.stringify({ ref, name, size: length }) : `${ref}  ${printable(name)}`)
  await output.flush()
}

async function hashDirectory(context: CommandContext, path: string, options: PutTreeOptions): Promise<void> {
  using progress = context.progress(path)
  const { signal, output } = context
  const { writeTree } = await import('../../tree/local/put-tree.js')
  const { ref, files, directories, bytes } = await readDirectory(context, path, (onProblem) =>
    writeTree({ target: DISCARD }, path, {
      ...options,
      signal,
      onProgress: (read) => progress.add(read),
      onProblem,
    }),
  )
  progress.end()
  await output.line(
    context.json
      ? JSON.stringify({ ref, name: path, files, directories, size: bytes })
      : `${ref}  ${printable(path)}`,
  )
  await output.flush()
}
