/**
 * A disk in memory, served by the NBD protocol to one client, that keeps a journal of what was written to it and when
 * it was told to make that durable: from it {@link diskAfterCut} makes what a loss of power at any moment may leave.
 * The protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple replies.
 */

import { createServer, type Server, type Socket } from 'node:net'

/** What the client asked for, in order. A flush makes durable all writes before it. */
export type JournalEntry =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'flush' }

/** Says whether a request fails, with EIO. */
export interface DiskFaults {
  readonly failsWrite?: (offset: number, bytes: Uint8Array) => boolean
  readonly failsRead?: (offset: number, length: number) => boolean
}

const OPTION_MAGIC = 0x49484156454f5054n
const OPTION_REPLY_MAGIC = 0x3e889045565a9n
const REQUEST_MAGIC = 0x25609513
const REPLY_MAGIC = 0x67446698

const OPTION_ABORT = 2
const OPTION_GO = 7
const REPLY_ACK = 1
const REPLY_INFO = 3
const REPLY_UNSUPPORTED = 0x80000001

/** Flags are there, flush and FUA are served. */
const TRANSMISSION_FLAGS = 1 | 4 | 8
const COMMAND_FUA = 1

const READ = 0
const WRITE = 1
const DISCONNECT = 2
const FLUSH = 3
const EIO = 5
const EINVAL = 22

export class NbdServer {
  readonly journal: JournalEntry[] = []
  /** What the disk holds now. */
  readonly bytes: Buffer
  faults: DiskFaults = {}
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      this.#serve(socket).catch(() => socket.destroy())
    })
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(path, resolve)
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  async #serve(socket: Socket): Promise<void> {
    const input = new Input(socket)
    socket.write(Buffer.from('NBDMAGICIHAVEOPT\0\x03', 'latin1'))
    await input.take(4)
    while (!(await this.#negotiate(input, socket)));
    while (await this.#answer(input, socket));
    socket.end()
  }

  /** Answers one option; true once the client has what it needs. */
  async #negotiate(input: Input, socket: Socket): Promise<boolean> {
    const header = await input.take(16)
    if (header.readBigUInt64BE(0) !== OPTION_MAGIC) throw new Error('no option')
    const option = header.readUInt32BE(8)
    await input.take(header.readUInt32BE(12))
    const reply = (type: number, data: Buffer): void => {
      const head = Buffer.alloc(20)
      head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0)
      head.writeUInt32BE(option, 8)
      head.writeUInt32BE(type, 12)
      head.writeUInt32BE(data.length, 16)
      socket.write(Buffer.concat([head, data]))
    }
    if (option === OPTION_ABORT) throw new Error('the client gave up')
    if (option !== OPTION_GO) {
      reply(REPLY_UNSUPPORTED, Buffer.alloc(0))
      return false
    }
    const info = Buffer.alloc(12)
    info.writeBigUInt64BE(BigInt(this.bytes.length), 2)
    info.writeUInt16BE(TRANSMISSION_FLAGS, 10)
    reply(REPLY_INFO, info)
    reply(REPLY_ACK, Buffer.alloc(0))
    return true
  }

  /** Answers one request; false once the client has gone. */
  async #answer(input: Input, socket: Socket): Promise<boolean> {
    const header = await input.take(28)
    if (header.readUInt32BE(0) !== REQUEST_MAGIC) throw new Error('no request')
    const flags = header.readUInt16BE(4)
    const command = header.readUInt16BE(6)
    const offset = Number(header.readBigUInt64BE(16))
    const length = header.readUInt32BE(24)
    const payload = command === WRITE ? Buffer.from(await input.take(length)) : Buffer.alloc(0)
    if (command === DISCONNECT) return false
    const error = this.#do(command, flags, offset, length, payload)
    const reply = Buffer.alloc(16)
    reply.writeUInt32BE(REPLY_MAGIC, 0)
    reply.writeUInt32BE(error, 4)
    header.copy(reply, 8, 8, 16)
    socket.write(reply)
    if (command === READ && error === 0)
      socket.write(Buffer.from(this.bytes.subarray(offset, offset + length)))
    return true
  }

  /** Does what is asked; the error's number, 0 where there is none. */
  #do(command: number, flags: number, offset: number, length: number, payload: Buffer): number {
    switch (command) {
      case READ:
        return this.faults.failsRead?.(offset, length) ? EIO : 0
      case WRITE:
        if (this.faults.failsWrite?.(offset, payload)) return EIO
        payload.copy(this.bytes, offset)
        this.journal.push({ kind: 'write', offset, bytes: payload })
        if (flags & COMMAND_FUA) this.journal.push({ kind: 'flush' })
        return 0
      case FLUSH:
        this.journal.push({ kind: 'flush' })
        return 0
      default:
        return EINVAL
    }
  }
}

/** Bytes as they come, handed out in the lengths that are asked for. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Buffer> {
    const parts = [this.#rest]
    let have = this.#rest.length
    while (have < length) {
      const { value, done } = await this.#chunks.next()
      if (done) throw new Error('the client has gone')
      parts.push(value)
      have += value.length
    }
    const all = Buffer.concat(parts)
    this.#rest = all.subarray(length)
    return all.subarray(0, length)
  }
}
