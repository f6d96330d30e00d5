/** Stores served over a socket, within one process. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { childrenIn } from '../../../src/database/gc.js'
import type { ChunkStore } from '../../../src/store/chunk-store.js'
import type { Channel } from '../../../src/store/shared/protocol.js'
import { StoreClient } from '../../../src/store/shared/store-client.js'
import { type ServedStore, StoreConnection } from '../../../src/store/shared/store-connection.js'

export interface Served {
  readonly client: StoreClient
  /** Ends the connection and the server. */
  readonly end: () => Promise<void>
}

/** A client of `store`. */
export async function serve(store: ChunkStore): Promise<Served> {
  const { connect, end } = await openPair((accepted) => {
    const served: ServedStore = {
      store,
      makeDurable: async () => {},
      childrenOf: childrenIn,
      collected: () => 0,
    }
    new StoreConnection(accepted, Promise.resolve(served))
  })
  return { client: await StoreClient.over(await connect(), store.location, 10_000), end }
}

export interface Pair {
  /** A new connection, the other end of which is handed to whoever accepts. */
  readonly connect: () => Promise<Socket>
  /** Ends all connections and the server. */
  readonly end: () => Promise<void>
}

export async function openPair(accept: (socket: Socket) => void): Promise<Pair> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-socket-'))
  const path = join(directory, 'socket')
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => accept(keep(socket)))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    connect: async () => {
      const socket = keep(connect(path))
      await once(socket, 'connect')
      return socket
    },
    end: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Two ends of a channel in memory: what is written to one is read from the other. */
export function channelPair(): readonly [Channel, Channel] {
  const one = new MemoryChannel()
  const other = new MemoryChannel()
  one.other = other
  other.other = one
  return [one, other]
}

class MemoryChannel extends Duplex implements Channel {
  other: MemoryChannel | undefined

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.other?.push(bytes)
    done()
  }

  override _final(done: () => void): void {
    this.other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.other?.destroyed === false) this.other.destroy()
    done(error)
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
