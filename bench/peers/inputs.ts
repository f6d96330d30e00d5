/** The files that tasks work on: those of the corpus (bench/corpus.sh), or those named on the command line. */

import { existsSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import type { Task } from './task.js'

const SAMPLE_BYTES = 4 * 1024 * 1024
/** What is left of a sample at most where one says that a file shrinks. */
const SHRUNK = 0.9

/** The lists of files that `task` is about, one after the other. */
export function inputsOf(task: Task, corpus: string, named: readonly string[]): string[][] {
  const inputs =
    named.length === 0
      ? task.inputs.map((names) => names.map((name) => join(corpus, name)))
      : task.takesSeries
        ? [named.map((path) => resolve(path))]
        : named.map((path) => [resolve(path)])
  const missing = inputs.flat().find((path) => !existsSync(path))
  if (missing !== undefined) {
    throw new Error(
      `no ${missing}: bench/corpus.sh makes the corpus, --corpus says where it is, --file takes others`,
    )
  }
  return inputs
}

/** Whether compression makes `file` smaller: a sample of its middle says so; of a directory it is taken for granted. */
export async function shrinks(file: string): Promise<boolean> {
  if ((await stat(file)).isDirectory()) return true
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const position = Math.max(0, Math.floor((size - SAMPLE_BYTES) / 2))
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, position)
    return deflateRawSync(buffer.subarray(0, bytesRead), { level: 1 }).length < bytesRead * SHRUNK
  } finally {
    await handle.close()
  }
}
