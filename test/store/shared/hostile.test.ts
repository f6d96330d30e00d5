/** What comes over a store's socket is hostile: it harms neither the other side nor those beside it. */

import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Value } from '../../../src/encoding/value.js'
import { NomsyError } from '../../../src/errors.js'
import { RefList } from '../../../src/hash/ref-list.js'
import { type ChunkStore, chunkOf } from '../../../src/store/chunk-store.js'
import { MemoryStore } from '../../../src/store/memory-store.js'
import {
  type Channel,
  FrameReader,
  frameOf,
  GREETING,
  MAX_FRAME_BYTES,
  OPEN,
} from '../../../src/store/shared/protocol.js'
import { StoreClient } from '../../../src/store/shared/store-client.js'
import { StoreConnection } from '../../../src/store/shared/store-connection.js'
import { Random } from '../../crash/random.js'
import { seed } from '../../seed.js'
import { channelPair, openPair } from './served.js'

/** Mutated frames for each side. */
const FRAMES = 10_000
const FRAMES_AT_ONCE = 4

const MIB = 1024 * 1024

const chunks = Array.from({ length: 20 }, (_, index) => chunkOf(new TextEncoder().encode(`chunk ${index}`)))
const refs = RefList.of(chunks.map(({ ref }) => ref)).bytes
const [first, second] = chunks.map(({ ref }) => ref)

const REQUESTS: readonly Value[][] = [
  [1, 'get', refs],
  [2, 'has', refs],
  [3, 'put', chunks.map(({ bytes }) => bytes)],
  [4, 'flush'],
  [5, 'head', 'main'],
  [6, 'move', 'main', null, first!],
  [7, 'move', 'main', first!, second!],
  [8, 'refs', ''],
  [9, 'heads', 'm'],
  [10, 'check', [0.5, 7], true],
  [11, 'next', 8],
  [12, 'leave', 8],
]

/** Values where other ones belong. */
const ODD: readonly Value[] = [
  null,
  true,
  -1,
  0.5,
  8,
  2 ** 53 - 1,
  '',
  'no',
  'refs',
  'next',
  refs,
  new Uint8Array(19),
  [],
  [null],
  [refs],
  {},
  first!,
]

test(`mutated requests end their connection at worst [NOMSY_SEED=${seed}]`, async () => {
  const random = new Random(seed)
  const store = new MemoryStore()
  const client = clientOf(store)
  let endedCount = 0
  let answerBytes = 0
  for (let count = 0; count < FRAMES; count += FRAMES_AT_ONCE) {
    const [near, far] = channelPair()
    connection(store, far)
    near.on('error', () => {}).on('data', (bytes: Buffer) => (answerBytes += bytes.length))
    for (let frame = 0; frame < FRAMES_AT_ONCE && !near.destroyed; frame++) {
      const request = [...REQUESTS[random.below(REQUESTS.length)]!]
      const isOdd = random.below(2) === 0
      if (isOdd) request[random.below(request.length)] = ODD[random.below(ODD.length)]!
      near.write(isOdd ? bytesOf(request) : mutated(random, bytesOf(request)))
      if (frame === FRAMES_AT_ONCE >> 1) await new Promise(setImmediate)
    }
    await new Promise(setImmediate)
    if (near.destroyed) endedCount++
    near.destroy()
  }
  console.log(`mutated requests: ${FRAMES}, ${endedCount} connections ended, ${answerBytes} bytes of answers`)
  expect(endedCount).toBeGreaterThan(FRAMES / 100)
  expect(answerBytes).toBeGreaterThan(FRAMES / 100)
  // Those beside it see nothing of it, and nothing is there under a ref that is not its own.
  await (await client).put(chunks)
  for await (const ref of store.refs()) expect(chunkOf((await store.get(ref))!).ref.equals(ref)).toBe(true)
})

test(`of mutated answers nothing is believed that is not what its ref says [NOMSY_SEED=${seed}]`, async () => {
  const random = new Random(seed)
  const codes = new Map<string, number>()
  for (let count = 0; count < FRAMES; count++) {
    const kind = random.below(4)
    const page: Value = chunks.map(({ bytes }) => bytes)
    const results: Value[] = [page, chunks.map(() => true), [first!, second!], [['main', first!]]]
    const error: Value = [1, false, ['NOMSY_HEAD_CONFLICT', 'words', 'main', null, first!.toString()]]
    const answer = mutated(random, bytesOf(random.below(10) === 0 ? error : [1, true, results[kind]!]))
    const [near, far] = channelPair()
    for (const message of [GREETING, [...OPEN, 0]]) far.write(bytesOf(message))
    far.on('error', () => {}).on('data', () => far.end(answer))
    const client = await StoreClient.over(near, 'here', 10_000)
    const outcome = await ask(client, kind).catch((error: unknown) => error)
    if (outcome instanceof NomsyError) codes.set(outcome.code, (codes.get(outcome.code) ?? 0) + 1)
    else if (outcome instanceof Error) throw outcome
  }
  console.log(`mutated answers: ${FRAMES}, ${JSON.stringify(Object.fromEntries(codes))}`)
  expect(codes.get('NOMSY_DAMAGED_CHUNK')).toBeGreaterThan(10)

  async function ask(client: StoreClient, kind: number): Promise<void> {
    if (kind === 0) {
      for (const [index, bytes] of (await client.getMany(chunks.map(({ ref }) => ref))).entries())
        if (bytes !== undefined) expect(bytes).toEqual(chunks[index]!.bytes)
    } else if (kind === 1) await client.hasMany(chunks.map(({ ref }) => ref))
    else if (kind === 2) for await (const ref of client.refs()) expect(ref.bytes).toHaveLength(20)
    else for await (const { name } of client.heads.list()) expect(name).toBeTypeOf('string')
  }
})

test('a length beyond the limit is refused before memory is made for it', () => {
  for (const byteCount of [0, MAX_FRAME_BYTES + 1, 2 ** 31, 2 ** 32 - 1]) {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, byteCount)
    expect(() => new FrameReader().push(length)).toThrow('of the same version')
  }
})

test('messages come together however they are cut', () => {
  const random = new Random(seed)
  const bytes = Buffer.concat(REQUESTS.map(bytesOf))
  for (let turn = 0; turn < 40; turn++) {
    const reader = new FrameReader()
    const values: Value[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(turn < 10 ? 3 : 90)
      values.push(...reader.push(bytes.subarray(at, at + length)).map(({ value }) => value))
      at += length
    }
    expect(Buffer.compare(Buffer.concat(values.map((value) => bytesOf(value as Value[]))), bytes)).toBe(0)
  }
})

test('a client that fetches no answers is given only so many, and holds up nobody', async () => {
  const large = Array.from({ length: 24 }, (_, index) => chunkOf(new Uint8Array(MIB).fill(index)))
  const store = new MemoryStore()
  await store.put(large)
  let accepted: Socket | undefined
  const pair = await openPair((socket) => {
    accepted ??= socket
    connection(store, socket)
  })
  const lazy = await pair.connect()
  lazy.pause()
  const request = RefList.of(large.map(({ ref }) => ref)).bytes
  for (let id = 1; id <= 2000; id++) lazy.write(bytesOf([id, 'get', request]))
  const client = await StoreClient.over(await pair.connect(), 'here', 10_000)
  for (let turn = 0; turn < 4; turn++) {
    expect((await client.getMany(large.map(({ ref }) => ref))).every((bytes) => bytes?.length === MIB)).toBe(
      true,
    )
    expect(accepted!.writableLength).toBeLessThan(6 * MIB)
  }
  // It is not read from any more either.
  expect(accepted!.bytesRead).toBeLessThan(2 * MIB)
  await pair.end()
})

function clientOf(store: ChunkStore): Promise<StoreClient> {
  const [near, far] = channelPair()
  connection(store, far)
  return StoreClient.over(near, 'here', 10_000)
}

function connection(store: ChunkStore, socket: Channel): StoreConnection {
  return new StoreConnection(
    socket,
    Promise.resolve({ store, makeDurable: async () => {}, childrenOf: undefined, collected: () => 0 }),
  )
}

function bytesOf(message: readonly Value[]): Uint8Array {
  return Buffer.concat(frameOf(message))
}

/** A frame with some of its bytes changed, taken out, put in or cut off; mostly of the length that it says. */
function mutated(random: Random, frame: Uint8Array): Uint8Array {
  const isFramed = random.below(8) > 0
  let bytes = Buffer.from(isFramed ? frame.subarray(4) : frame)
  for (let turn = random.below(3); turn >= 0; turn--) {
    const at = random.below(bytes.length)
    const kind = random.below(8)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    if (kind === 0) bytes = Buffer.concat([before, after.subarray(0, 1)])
    else if (kind === 1) bytes = Buffer.concat([before, after.subarray(1), Buffer.of(0)])
    else if (kind === 2) bytes = Buffer.concat([before, Buffer.of(random.below(256)), after])
    else bytes[at] = bytes[at]! ^ (1 << random.below(8))
  }
  if (!isFramed) return bytes
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
