/** Stores served over a socket, within one process. */

import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChunkStore } from '../../../src/store/chunk-store.js'
import { StoreClient } from '../../../src/store/shared/store-client.js'
import { type ServedStore, StoreConnection } from '../../../src/store/shared/store-connection.js'

export interface Served {
  readonly client: StoreClient
  /** Ends the connection and the server. */
  readonly end: () => Promise<void>
}

/** A client of `store`. */
export async function serve(store: ChunkStore): Promise<Served> {
  const { socket, end } = await pair((accepted) => {
    const served: ServedStore = { store, makeDurable: async () => {} }
    new StoreConnection(accepted, Promise.resolve(served))
  })
  return { client: await StoreClient.over(socket, store.location, 10_000), end }
}

/** A connected socket, the other end of which is handed to `accept`. */
export async function pair(
  accept: (socket: Socket) => void,
): Promise<{ readonly socket: Socket; readonly end: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-socket-'))
  const path = join(directory, 'socket')
  const server = createServer(accept)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const socket = connect(path)
  return {
    socket,
    end: async () => {
      socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true, force: true })
    },
  }
}
