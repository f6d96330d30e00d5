/** How processes come by a store that others have open, and what is left over by those that were killed. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Database } from '../../../src/database/database.js'
import { encode } from '../../../src/encoding/encode.js'
import { StoreLockedError } from '../../../src/errors.js'
import { type Chunk, type ChunkStore, chunkOf } from '../../../src/store/chunk-store.js'
import { SegmentStore } from '../../../src/store/segment/segment-store.js'
import { SharedStore } from '../../../src/store/shared/shared-store.js'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nomsy-opening-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const chunk = (text: string): Chunk => chunkOf(encode(new TextEncoder().encode(text)))
const one = chunk('one')
const two = chunk('two')

async function expectSound(store: ChunkStore): Promise<void> {
  for await (const { message } of new Database(store).check()) expect.unreachable(message)
}

/** Resolves once the owner of the store at `path` listens. */
async function listening(path: string): Promise<string> {
  for (;;) {
    const socket = toldSocket(path)
    if (socket !== undefined) return socket
    await sleep(5)
  }
}

/** Undefined too where the file is just being replaced. */
function toldSocket(path: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(path, 'owner'), 'utf8')) as { socket?: string }).socket
  } catch {
    return undefined
  }
}

test('what one has put another reads at once, and moves heads to; the socket is for this user only', async () => {
  const path = join(directory, 'two')
  const owner = await SharedStore.open(path)
  const client = await SharedStore.open(path, { create: false })
  await owner.put([one])
  await client.put([two])
  expect(await client.get(one.ref)).toEqual(one.bytes)
  expect(await owner.get(two.ref)).toEqual(two.bytes)
  await client.heads.compareAndSet('main', undefined, one.ref)
  await owner.heads.compareAndSet('main', one.ref, two.ref)
  await expect(client.heads.compareAndSet('main', one.ref, two.ref)).rejects.toMatchObject({
    code: 'NOMSY_HEAD_CONFLICT',
    actual: two.ref.toString(),
    isUncertain: false,
  })
  expect(await listening(path)).toBe('peers/socket')
  expect(statSync(join(path, 'peers')).mode & 0o777).toBe(0o700)
  expect(statSync(join(path, 'peers/socket')).mode & 0o777).toBe(0o600)
  await owner.close()
  expect(existsSync(join(path, 'peers/socket'))).toBe(false)
  expect((await client.heads.get('main'))?.equals(two.ref)).toBe(true)
  await expectSound(client)
  await client.close()
})

test('what a client was told is there survives whoever put it', async () => {
  const path = join(directory, 'relied')
  const program = `
    const { SharedStore } = await import('${new URL('../../../dist/store/shared/shared-store.js', import.meta.url)}')
    const { chunkOf } = await import('${new URL('../../../dist/store/chunk-store.js', import.meta.url)}')
    const store = await SharedStore.open(${JSON.stringify(path)})
    await store.put([chunkOf(new Uint8Array(${JSON.stringify([...one.bytes])}))])
    console.log('put')
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(owner.stdout, 'data')
  const client = await SharedStore.open(path)
  expect(await client.has(one.ref)).toBe(true)
  const closed = once(owner, 'close')
  owner.kill('SIGKILL')
  await closed
  expect(await client.has(one.ref)).toBe(true)
  await client.heads.compareAndSet('main', undefined, one.ref)
  await expectSound(client)
  await client.close()
})

test('a reader goes through the owner, and writes nothing', async () => {
  const path = join(directory, 'reader')
  const owner = await SharedStore.open(path)
  await owner.put([one])
  await listening(path)
  const reader = await SharedStore.open(path, { readOnly: true })
  await owner.put([two])
  expect(await reader.get(two.ref)).toEqual(two.bytes)
  for (const write of [() => reader.put([one]), () => reader.heads.compareAndSet('main', undefined, one.ref)])
    await expect(write()).rejects.toMatchObject({ code: 'NOMSY_READ_ONLY' })
  await owner.close()
  // By itself, from what is there.
  expect(await reader.get(two.ref)).toEqual(two.bytes)
  await expect(reader.put([one])).rejects.toMatchObject({ code: 'NOMSY_READ_ONLY' })
  await expectSound(reader)
  await reader.close()
})

test('who holds the lock and does not answer is named', async () => {
  const path = join(directory, 'silent')
  const holder = await SegmentStore.open(path)
  const error = await SharedStore.open(path, { answerMs: 100 }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(StoreLockedError)
  expect((error as StoreLockedError).message).toContain(`process ${process.pid} `)
  expect((error as StoreLockedError).message).toContain('which does not answer')
  const later = SharedStore.open(path)
  await sleep(50)
  await holder.close()
  const store = await later
  await expectSound(store)
  await store.close()
})

test('an owner that is stopped is waited for only so long', async () => {
  const path = join(directory, 'stopped')
  const program = `
    const { SharedStore } = await import('${new URL('../../../dist/store/shared/shared-store.js', import.meta.url)}')
    await SharedStore.open(${JSON.stringify(path)})
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  await listening(path)
  owner.kill('SIGSTOP')
  await expect(SharedStore.open(path, { answerMs: 100 })).rejects.toMatchObject({ code: 'NOMSY_LOCKED' })
  owner.kill('SIGCONT')
  const client = await SharedStore.open(path)
  await client.put([one])
  const closed = once(owner, 'close')
  owner.kill('SIGKILL')
  await closed
  await client.heads.compareAndSet('main', undefined, one.ref)
  await expectSound(client)
  await client.close()
})

test('what a killed owner left harms nobody', async () => {
  const path = join(directory, 'stale')
  await (await SharedStore.open(path)).close()
  for (const leave of [
    () =>
      writeFileSync(
        join(path, 'owner'),
        '{"pid":1,"host":"h","command":"c","since":"s","socket":"peers/socket"}',
      ),
    () => writeFileSync(join(path, 'owner'), '{"pid":'),
    () => writeFileSync(join(path, 'owner'), 'null'),
    () => writeFileSync(join(path, 'peers/socket'), 'no socket'),
    () => writeFileSync(join(path, 'owner'), '{"socket":"/tmp/elsewhere"}'),
  ]) {
    mkdirSync(join(path, 'peers'), { recursive: true })
    leave()
    await (await SharedStore.open(path, { readOnly: true })).close()
    leave()
    const owner = await SharedStore.open(path)
    const client = await SharedStore.open(path)
    await client.put([one])
    await client.flush()
    await expectSound(owner)
    await owner.close()
    await client.close()
  }
})

test('a copy of a store that is open is a store of its own', async () => {
  const path = join(directory, 'original')
  const owner = await SharedStore.open(path)
  await owner.put([one])
  await owner.flush()
  await listening(path)
  cpSync(path, join(directory, 'copy'), { recursive: true, filter: (name) => !name.endsWith('socket') })
  const reader = await SharedStore.open(join(directory, 'copy'), { readOnly: true })
  const copy = await SharedStore.open(join(directory, 'copy'))
  await copy.put([two])
  expect(await owner.has(two.ref)).toBe(false)
  await expectSound(copy)
  await Promise.all([owner.close(), copy.close(), reader.close()])
})

test.runIf(process.platform !== 'win32')(
  'a store whose path is too long for a socket is shared too',
  async () => {
    const path = join(directory, 'x'.repeat(90), 'y'.repeat(90))
    mkdirSync(path, { recursive: true })
    const owner = await SharedStore.open(path)
    const client = await SharedStore.open(path)
    await client.put([one])
    await client.heads.compareAndSet('main', undefined, one.ref)
    expect((await owner.heads.get('main'))?.equals(one.ref)).toBe(true)
    const socket = await listening(path)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    await owner.close()
    expect(existsSync(socket)).toBe(false)
    await expectSound(client)
    await client.close()
  },
)

test('a client that puts more than it may keep goes on', async () => {
  const path = join(directory, 'much')
  const owner = await SharedStore.open(path, { compression: 'none' })
  const client = await SharedStore.open(path)
  const chunks = Array.from({ length: 80 }, (_, index) => chunkOf(new Uint8Array(1024 * 1024).fill(index)))
  for (const each of chunks) await client.put([each])
  await owner.close()
  expect(await client.hasMany(chunks.map(({ ref }) => ref))).toEqual(chunks.map(() => true))
  await client.flush()
  await expectSound(client)
  await client.close()
})
