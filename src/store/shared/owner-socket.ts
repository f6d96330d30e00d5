/**
 * The socket on which the owner of a store listens to other processes. It never keeps the program running, and where
 * there cannot be one the store is simply not shared.
 */

import { chmodSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { nodeFileSystem } from '../segment/node-file-system.js'
import { writeOwner } from '../segment/owner.js'
import { makePrivateDirectory, socketPlaces } from './socket-path.js'
import { type ServedStore, StoreConnection } from './store-connection.js'

/** Processes that are served at once; others wait. */
const MAX_CONNECTIONS = 256

export class OwnerSocket {
  readonly #served: Promise<ServedStore>
  readonly #connections = new Set<StoreConnection>()
  #server: Server | undefined

  private constructor(served: Promise<ServedStore>) {
    this.#served = served
  }

  /** Listens for the store in the directory `path`, which this process owns. */
  static async listen(path: string, served: Promise<ServedStore>): Promise<OwnerSocket> {
    const listener = new OwnerSocket(served)
    for (const place of await socketPlaces(path)) {
      const server = await listener.#listenAt(place.path).catch(() => undefined)
      if (server === undefined) continue
      listener.#server = server
      await writeOwner(nodeFileSystem, path, { socket: place.told })
      break
    }
    return listener
  }

  /** Takes no further connections, and removes the socket. To be called while this process still owns the store. */
  stop(): void {
    this.#server?.close()
  }

  /** Ends the connections, each once what was asked for has been answered. */
  end(): void {
    for (const connection of this.#connections) connection.end()
  }

  async #listenAt(path: string): Promise<Server> {
    await makePrivateDirectory(dirname(path))
    // Of an owner that was killed.
    if (process.platform !== 'win32') await unlink(path).catch(() => {})
    const server = createServer((socket) => this.#serve(socket))
    server.maxConnections = MAX_CONNECTIONS
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    server.on('error', () => {})
    server.unref()
    if (process.platform !== 'win32') chmodSync(path, 0o600)
    return server
  }

  #serve(socket: Socket): void {
    socket.unref()
    const connection = new StoreConnection(socket, this.#served)
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
  }
}
