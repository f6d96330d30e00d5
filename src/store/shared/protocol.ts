/**
 * What processes that share a store say to each other over a socket. SPEC "Sharing".
 *
 * A message is a frame: its length in four bytes, then one canonical value. The owner greets, and says that the store is open; then clients ask,
 * `[id, method, ...]`, any number of times before the first answer, and the owner answers in whatever order,
 * `[id, true, result]` or `[id, false, error]`. Whatever comes from a socket is hostile until it has been parsed here.
 */

import type { Duplex } from 'node:stream'
import { decode } from '../../encoding/decode.js'
import { Writer } from '../../encoding/encode.js'
import type { Value } from '../../encoding/value.js'
import { ProtocolError } from '../../errors.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import { MAX_CHUNK_BYTES, type Sample } from '../chunk-store.js'

/** What messages go over: a socket, or anything like one. */
export type Channel = Duplex & { ref(): unknown; unref(): unknown }

/** What an owner says first, and what it says once it has recovered the store, which may take its time. */
export const GREETING: readonly Value[] = ['nomsy', 2]
export const OPEN: readonly Value[] = ['open']

/** Longest message in bytes: that of the largest chunk. */
export const MAX_FRAME_BYTES = MAX_CHUNK_BYTES + 64 * 1024

/** Most refs, chunks or items in one message, and bytes of chunks above which a message takes no further one. */
export const MAX_ITEMS = 1024
export const BATCH_BYTES = 1024 * 1024

/** In place of a request's number in what an owner says unasked. */
export const NEWS = 0

const LENGTH_BYTES = 4

export const LISTS = ['refs', 'sizes', 'heads'] as const

/** What can be listed, a page at a time; checks and collections come by the page too. */
export type ListKind = (typeof LISTS)[number]

export type Request = { readonly id: number } & (
  | { readonly method: 'get' | 'has'; readonly refs: readonly Ref[] }
  | { readonly method: 'put'; readonly chunks: readonly Uint8Array[] }
  | { readonly method: 'flush' | 'usage' }
  | { readonly method: 'head'; readonly name: string }
  | {
      readonly method: 'move'
      readonly name: string
      readonly expected: Ref | undefined
      readonly next: Ref | undefined
    }
  /** Begins a list, which is known by the request's id, and asks for its first page. */
  | { readonly method: ListKind; readonly prefix: string }
  | { readonly method: 'check'; readonly sample: Sample | undefined; readonly resume: boolean }
  | { readonly method: 'collect'; readonly dryRun: boolean }
  /** Asks for a list's next page, or gives it up. */
  | { readonly method: 'next' | 'leave'; readonly list: number }
  /** Answers the news that a collection has begun: all that the client relies on has been asked for. */
  | { readonly method: 'settled'; readonly collection: number }
)

/** A message as it goes over the wire; `capacity` is what it is likely to need. */
export function frameOf(message: readonly Value[], capacity?: number): readonly Uint8Array[] {
  const writer = new Writer(capacity)
  writer.value([...message])
  const bytes = writer.bytes()
  if (bytes.length > MAX_FRAME_BYTES)
    throw new RangeError(`a message of ${bytes.length} bytes is too long, above ${MAX_FRAME_BYTES}`)
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return [length, bytes]
}

/** Writes a frame, together with those that follow before the system is next asked for anything. */
export function send(socket: Channel, frame: readonly Uint8Array[]): void {
  if (socket.destroyed || socket.writableEnded) return
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  for (const bytes of frame) socket.write(bytes)
}

/** A message that has come, and how long it was. */
export interface Message {
  readonly value: Value
  readonly byteCount: number
}

/** Puts messages together from bytes as they come. A length beyond the limit is refused before it is believed. */
export class FrameReader {
  readonly #length = new Uint8Array(LENGTH_BYTES)
  #lengthBytes = 0
  #frame: Uint8Array | undefined
  #frameBytes = 0

  /** The messages that end in `bytes`. Throws a {@link ProtocolError}. */
  push(bytes: Uint8Array): Message[] {
    const messages: Message[] = []
    for (let at = 0; at < bytes.length; ) {
      if (this.#frame === undefined) {
        this.#length[this.#lengthBytes++] = bytes[at++]!
        if (this.#lengthBytes === LENGTH_BYTES) this.#beginFrame()
        continue
      }
      const part = bytes.subarray(at, at + this.#frame.length - this.#frameBytes)
      this.#frame.set(part, this.#frameBytes)
      this.#frameBytes += part.length
      at += part.length
      if (this.#frameBytes < this.#frame.length) break
      messages.push({ value: decoded(this.#frame), byteCount: this.#frame.length })
      this.#frame = undefined
    }
    return messages
  }

  #beginFrame(): void {
    const byteCount = new DataView(this.#length.buffer).getUint32(0)
    if (byteCount === 0 || byteCount > MAX_FRAME_BYTES)
      throw new ProtocolError(`a message of ${byteCount} bytes`)
    this.#frame = new Uint8Array(byteCount)
    this.#frameBytes = 0
    this.#lengthBytes = 0
  }
}

function decoded(frame: Uint8Array): Value {
  try {
    return decode(frame)
  } catch (cause) {
    throw new ProtocolError('a message that is no canonical value', { cause })
  }
}

/** What a client asks. */
export function parseRequest(message: Value): Request {
  const [id, method, ...args] = listOf(message)
  if (!isId(id)) throw new ProtocolError('a request without a number')
  const [first, second, third] = args
  const takes = (count: number): void => {
    if (args.length !== count) throw new ProtocolError(`${String(method)} with ${args.length} arguments`)
  }
  switch (method) {
    case 'get':
    case 'has':
      takes(1)
      return { id, method, refs: refsOf(first) }
    case 'put':
      takes(1)
      return { id, method, chunks: listOf(first).map(chunkBytesOf) }
    case 'flush':
    case 'usage':
      takes(0)
      return { id, method }
    case 'head':
      takes(1)
      return { id, method, name: textOf(first) }
    case 'move':
      takes(3)
      return { id, method, name: textOf(first), expected: refOf(second), next: refOf(third) }
    case 'refs':
    case 'sizes':
    case 'heads':
      takes(1)
      return { id, method, prefix: textOf(first) }
    case 'check':
      takes(2)
      return { id, method, sample: first === null ? undefined : sampleOf(first), resume: yesOrNoOf(second) }
    case 'collect':
      takes(1)
      return { id, method, dryRun: yesOrNoOf(first) }
    case 'settled':
      takes(1)
      return { id, method, collection: countOf(first) }
    case 'next':
    case 'leave':
      takes(1)
      if (!isId(first)) throw new ProtocolError(`${method} of what is no list`)
      return { id, method, list: first }
    default:
      throw new ProtocolError('a request that there is not')
  }
}

/** Whether `value` numbers a request. */
export function isId(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function listOf(value: Value | undefined, maxItems = MAX_ITEMS): Value[] {
  if (!Array.isArray(value) || value.length > maxItems)
    throw new ProtocolError('something in place of a list')
  return value
}

export function textOf(value: Value | undefined): string {
  if (typeof value !== 'string') throw new ProtocolError('something in place of a text')
  return value
}

export function countOf(value: Value | undefined): number {
  if (!isId(value)) throw new ProtocolError('something in place of a number')
  return value
}

/** A whole number, which may be below 0. */
export function integerOf(value: Value | undefined): number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError('something in place of a whole number')
  return value as number
}

function yesOrNoOf(value: Value | undefined): boolean {
  if (typeof value !== 'boolean') throw new ProtocolError('something in place of a yes or no')
  return value
}

/** `[share, seed]`. */
function sampleOf(value: Value | undefined): Sample {
  const [share, seed, ...others] = listOf(value)
  if (typeof share !== 'number' || !(share > 0 && share <= 1) || others.length > 0)
    throw new ProtocolError('something in place of a sample')
  return { share, seed: integerOf(seed) }
}

export function bytesOf(value: Value | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ProtocolError('something in place of bytes')
  return value
}

/** A ref; undefined for null. */
export function refOf(value: Value | undefined): Ref | undefined {
  if (value === null) return undefined
  if (!(value instanceof Ref)) throw new ProtocolError('something in place of a ref')
  // A view would keep the whole message.
  return Ref.fromBytes(value.bytes.slice())
}

/** Refs as one byte string. */
export function refsOf(value: Value | undefined, maxItems = MAX_ITEMS): Ref[] {
  const bytes = bytesOf(value)
  if (bytes.length % REF_BYTES !== 0 || bytes.length > maxItems * REF_BYTES)
    throw new ProtocolError('something in place of refs')
  return Array.from({ length: bytes.length / REF_BYTES }, (_, index) =>
    Ref.fromBytes(bytes.slice(index * REF_BYTES, (index + 1) * REF_BYTES)),
  )
}

function chunkBytesOf(value: Value): Uint8Array {
  const bytes = bytesOf(value)
  if (bytes.length > MAX_CHUNK_BYTES) throw new ProtocolError(`a chunk of ${bytes.length} bytes`)
  return bytes
}
