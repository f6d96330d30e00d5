/**
 * The file that says who has a store open, so that whoever finds it locked can be told. It is information: what
 * keeps two processes apart is store-lock.ts.
 */

import { hostname } from 'node:os'
import { type FileSystem, readFully, writeFully } from './file-system.js'
import { hasCode, ownerFile } from './store-format.js'

interface Owner {
  readonly pid: number
  readonly host: string
  readonly command: string
  readonly since: string
  /** Path of the socket on which it listens to others, once it does. */
  readonly socket?: string | undefined
  /** Whether it is opening the index, which may end it. */
  readonly opening?: true | undefined
}

/** Says that this process has the store at `path`, and where it listens, or that it is opening the index. */
export async function writeOwner(
  fs: FileSystem,
  path: string,
  more: Pick<Owner, 'socket' | 'opening'> = {},
): Promise<void> {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    command: process.argv.slice(1, 3).join(' ').slice(0, 200),
    since: new Date().toISOString(),
    ...more,
  }
  await removeOwner(fs, path)
  const file = await fs.create(ownerFile(path))
  try {
    await writeFully(file, [new TextEncoder().encode(JSON.stringify(owner))], 0)
  } finally {
    await file.close()
  }
}

export async function removeOwner(fs: FileSystem, path: string): Promise<void> {
  await fs.remove(ownerFile(path)).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}

/** Who has the store at `path`, in words. */
export async function describeOwner(fs: FileSystem, path: string): Promise<string> {
  const owner = await readOwner(fs, path)
  if (owner === undefined) return 'another process'
  return `process ${owner.pid} on ${owner.host} (${owner.command}) since ${owner.since}`
}

/** Whether who had the store at `path` ended while it opened the index: by it, perhaps. */
export async function endedOpening(fs: FileSystem, path: string): Promise<boolean> {
  return (await readOwner(fs, path))?.opening === true
}

/** Where the owner of the store at `path` says that it listens. */
export async function ownerSocket(fs: FileSystem, path: string): Promise<string | undefined> {
  const socket: unknown = (await readOwner(fs, path))?.socket
  return typeof socket === 'string' ? socket : undefined
}

async function readOwner(fs: FileSystem, path: string): Promise<Owner | undefined> {
  try {
    const file = await fs.open(ownerFile(path), 'read')
    try {
      const bytes = new Uint8Array(4096)
      return JSON.parse(new TextDecoder().decode(bytes.subarray(0, await readFully(file, bytes, 0)))) as Owner
    } finally {
      await file.close()
    }
  } catch {
    // Absent, or half written: then nobody knows.
    return undefined
  }
}
