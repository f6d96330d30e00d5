/**
 * Small files of JSON in the store's directory `state`, which say what the log does not: how far a check came, what is
 * known to be lost. Losing one loses no data. SPEC "The directory".
 */

import { join } from 'node:path'
import { type FileSystem, readFully, writeFully } from './file-system.js'
import { hasCode } from './store-format.js'

const MAX_BYTES = 64 * 1024 * 1024

const stateDir = (path: string): string => join(path, 'state')

/** What the file `name` of the store at `path` says; undefined where it is absent, or not whole. */
export async function readState(fs: FileSystem, path: string, name: string): Promise<unknown> {
  try {
    const file = await fs.open(join(stateDir(path), name), 'read')
    try {
      const bytes = new Uint8Array(Math.min(await file.size(), MAX_BYTES))
      return JSON.parse(new TextDecoder().decode(bytes.subarray(0, await readFully(file, bytes, 0))))
    } finally {
      await file.close()
    }
  } catch (error) {
    const isNone = ['ENOENT', 'ENOTDIR', 'EIO'].some((code) => hasCode(error, code))
    if (error instanceof SyntaxError || isNone) return undefined
    throw error
  }
}

/** Replaces the file `name` whole; durable when it resolves. Without a value the file is removed. */
export async function writeState(fs: FileSystem, path: string, name: string, value: unknown): Promise<void> {
  const directory = stateDir(path)
  const file = join(directory, name)
  const draft = `${file}.tmp`
  if (value === undefined) {
    await fs.remove(file).catch(ignoreAbsent)
    return
  }
  await makeStateDir(fs, path)
  await fs.remove(draft).catch(ignoreAbsent)
  const opened = await fs.create(draft)
  try {
    await writeFully(opened, [new TextEncoder().encode(`${JSON.stringify(value)}\n`)], 0)
    await opened.sync()
  } finally {
    await opened.close()
  }
  await fs.rename(draft, file)
  await fs.syncDir(directory)
}

/** Makes the directory where there is none; a file in its place goes. */
async function makeStateDir(fs: FileSystem, path: string): Promise<void> {
  const directory = stateDir(path)
  try {
    await fs.makeDir(directory)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    if (!(await isFile(fs, directory))) return
    await fs.remove(directory)
    await fs.makeDir(directory)
  }
  await fs.syncDir(path)
}

async function isFile(fs: FileSystem, path: string): Promise<boolean> {
  try {
    await fs.readDir(path)
    return false
  } catch (error) {
    return hasCode(error, 'ENOTDIR')
  }
}

function ignoreAbsent(error: unknown): void {
  if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error
}
