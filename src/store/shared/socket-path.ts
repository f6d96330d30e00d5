/**
 * Where the owner of a store listens: in the store's directory, or, where its path is too long for a socket or the file
 * system has none, in a directory of the user's own. Both are closed to other users. SPEC "Sharing".
 */

import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { nodeFileSystem } from '../segment/node-file-system.js'
import { ownerSocket } from '../segment/owner.js'
import { hasCode } from '../segment/store-format.js'

/** The socket within the store, as its owner tells it. */
const SOCKET_IN_STORE = 'peers/socket'

/** Bytes of a socket's path that every system takes. */
const MAX_PATH_BYTES = 103

/** A place to listen at: the path, and how it is told to others. */
export interface SocketPlace {
  readonly path: string
  readonly told: string
}

/** The places for the store in the directory `store`, the best first. */
export async function socketPlaces(store: string): Promise<SocketPlace[]> {
  const real = await realpath(store)
  if (process.platform === 'win32') return [{ path: pipeOf(real), told: pipeOf(real) }]
  const within = { path: join(real, SOCKET_IN_STORE), told: SOCKET_IN_STORE }
  const elsewhere = join(userDirectory(), nameOf(real))
  return [within, { path: elsewhere, told: elsewhere }].filter(
    ({ path }) => Buffer.byteLength(path) <= MAX_PATH_BYTES,
  )
}

/** The path at which the owner of `store` says that it listens; undefined where it says nothing that can be right. */
export async function toldSocket(store: string): Promise<string | undefined> {
  const told = await ownerSocket(nodeFileSystem, store)
  if (told === undefined) return undefined
  const real = await realpath(store)
  if (process.platform === 'win32') return told === pipeOf(real) ? told : undefined
  const path = told === SOCKET_IN_STORE ? join(real, told) : told
  // The owner file of a store that was copied tells of the other one's socket.
  const isOfStore = told === SOCKET_IN_STORE || (isAbsolute(told) && basename(told) === nameOf(real))
  return isOfStore && (await isPrivate(dirname(path))) ? path : undefined
}

/** Makes the directory for a socket at `path`, which nobody but the user can enter. */
export async function makePrivateDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
  const { uid, mode } = await lstat(path)
  if (uid === process.getuid?.() && (mode & 0o77) !== 0) await chmod(path, 0o700)
  if (!(await isPrivate(path))) throw new Error(`${path} is not a directory of this user alone`)
}

async function isPrivate(path: string): Promise<boolean> {
  const stat = await lstat(path).catch(() => undefined)
  const user = process.getuid?.()
  return stat?.isDirectory() === true && (stat.mode & 0o77) === 0 && (user === 0 || user === stat.uid)
}

/** Where programs of this user keep what lives as long as they run. */
function userDirectory(): string {
  const { XDG_RUNTIME_DIR } = process.env
  if (XDG_RUNTIME_DIR !== undefined && isAbsolute(XDG_RUNTIME_DIR)) return join(XDG_RUNTIME_DIR, 'nomsy')
  return join(tmpdir(), `nomsy-${process.getuid?.()}`)
}

function pipeOf(real: string): string {
  return `\\\\.\\pipe\\nomsy-${nameOf(real)}`
}

/** A name for the store at `real` that no store elsewhere has, copies included. */
function nameOf(real: string): string {
  return createHash('sha256').update(real).digest('hex').slice(0, 32)
}
