import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { StoreLockedError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import { type Chunk, type ChunkStore, chunkOf } from '../../src/store/chunk-store.js'
import { LevelStore } from '../../src/store/level-store.js'
import { describeChunkStore } from '../contract/chunk-store-contract.js'
import { type Build, build } from '../crash/built.js'

type Bytes = Uint8Array
const ENTRIES = { keyEncoding: 'view', valueEncoding: 'view' } as const

const temporary: string[] = []

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-level-'))
  temporary.push(directory)
  return directory
}

/** A place for a store that is not there yet. */
async function newLocation(): Promise<string> {
  return join(await temporaryDirectory(), 'store')
}

async function cleanup(): Promise<void> {
  vi.restoreAllMocks()
  for (const directory of temporary.splice(0)) await rm(directory, { recursive: true, force: true })
}

let built: Build

beforeAll(async () => {
  built = await build()
})

afterAll(() => built.remove())

afterEach(cleanup)

describeChunkStore('LevelStore on disk', {
  open: async () => LevelStore.open(await newLocation()),
  reopen,
  corrupt: async (store, ref) => {
    await store.close()
    const database = new Level<Bytes, Bytes>(store.location, ENTRIES)
    await flipBit(database, chunkKey(ref))
    await database.close()
    return LevelStore.open(store.location)
  },
  cleanup,
})

const databases = new WeakMap<ChunkStore, MemoryLevel<Bytes, Bytes>>()

describeChunkStore('LevelStore on memory-level', {
  open: () => openOn(new MemoryLevel<Bytes, Bytes>(ENTRIES)),
  reopen: async (store) => {
    await store.close()
    return openOn(databases.get(store)!)
  },
  corrupt: async (store, ref) => {
    await flipBit(databases.get(store)!, chunkKey(ref))
    return store
  },
})

async function openOn(database: MemoryLevel<Bytes, Bytes>, create = true): Promise<LevelStore> {
  const store = await LevelStore.open('memory-level', { create, database })
  databases.set(store, database)
  return store
}

async function reopen(store: ChunkStore): Promise<LevelStore> {
  await store.close()
  return LevelStore.open(store.location, { create: false })
}

describe('what is written', () => {
  test('is synced in every batch, and a head shares its batch with the chunks put last', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const batches = vi.spyOn(database, 'batch')
    const store = await openOn(database)
    const large = Array.from({ length: 12 }, (_, index) => chunkOf(new Uint8Array(1_000_000).fill(index)))
    const small = chunkOf(Uint8Array.of(1))
    await store.put(large)
    await store.put([small])
    await store.heads.compareAndSet('main', undefined, small.ref)
    const calls = batches.mock.calls as unknown as [{ key: Bytes }[], { sync?: boolean }][]
    expect(calls.length).toBeGreaterThan(3)
    expect(calls.every(([, options]) => options.sync)).toBe(true)
    const last = calls.at(-1)![0].map((operation) => String.fromCharCode(operation.key[0]!))
    expect(last.join('')).toMatch(/^c+h$/)
    const later = chunkOf(Uint8Array.of(2))
    await store.put([later])
    await store.heads.compareAndSet('main', small.ref, undefined)
    expect(calls.at(-1)![0].map((operation) => operation.key[0])).toEqual([0x63, 0x68])
    await expectSound(store)
    await store.close()
  })

  test('is held back by puts that wait: no more than two batches and a put are pending', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
    vi.spyOn(database, 'batch').mockImplementation((async (...args: unknown[]) => {
      await gate
      return batch(...args)
    }) as never)
    let resolved = 0
    const writing = (async () => {
      for (let index = 0; index < 40; index++) {
        await store.put([chunkOf(new Uint8Array(1024 * 1024).fill(index))])
        resolved++
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(resolved).toBe(7)
    release()
    await writing
    await store.flush()
    expect(await count(store.refs())).toBe(40)
    await expectSound(store)
    await store.close()
  })
})

describe('a write that fails', () => {
  const failure = new Error('no space left on device')
  const [first, second, third] = ['first', 'second', 'third'].map((text) => textChunk(text)) as [
    Chunk,
    Chunk,
    Chunk,
  ]

  /** A store with `first` durable under the head 'main', `second` pending, and a failed flush behind it. */
  async function failedStore() {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    await store.put([first])
    await store.heads.compareAndSet('main', undefined, first.ref)
    await store.put([second])
    const batch = vi.spyOn(database, 'batch').mockRejectedValueOnce(failure)
    await expect(store.flush()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED', cause: failure })
    return { database, store, batch }
  }

  test('is never tried again, and every later write is refused', async () => {
    const { store, batch } = await failedStore()
    for (const write of [
      () => store.put([third]),
      () => store.put([]),
      () => store.flush(),
      () => store.heads.compareAndSet('main', first.ref, undefined),
      () => store.heads.compareAndSet('other', undefined, first.ref),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED', cause: failure })
    }
    expect(batch).toHaveBeenCalledTimes(1)
    await expect(store.close()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED' })
  })

  test('leaves reads working, of what is stored and of what was pending', async () => {
    const { store } = await failedStore()
    expect(await store.getMany([first.ref, second.ref, third.ref])).toEqual([
      first.bytes,
      second.bytes,
      undefined,
    ])
    expect(await store.hasMany([first.ref, second.ref, third.ref])).toEqual([true, true, false])
    expect(await count(store.refs())).toBe(2)
    expect(String(await store.heads.get('main'))).toBe(first.ref.toString())
    await expectSound(store)
    await store.close().catch(() => {})
  })

  test('makes close reject once, and it lets go all the same', async () => {
    const { store, database } = await failedStore()
    await expect(store.close()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED' })
    await store.close()
    const again = await openOn(database)
    expect(await again.hasMany([first.ref, second.ref])).toEqual([true, false])
    await again.put([second])
    await again.flush()
    await expectSound(again)
    await again.close()
  })

  test('in a head update leaves nothing half done', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    await store.put([first])
    vi.spyOn(database, 'batch').mockRejectedValueOnce(failure)
    const update = store.heads.compareAndSet('main', undefined, first.ref)
    await expect(update).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED', cause: failure })
    expect(await store.heads.get('main')).toBeUndefined()
    await expect(store.close()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED' })
  })

  test('behind the back of a put is told by the next write', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    vi.spyOn(database, 'batch').mockRejectedValueOnce(failure)
    await store.put(Array.from({ length: 5 }, (_, index) => chunkOf(new Uint8Array(1e6).fill(index))))
    await new Promise((resolve) => setTimeout(resolve, 10))
    await expect(store.put([first])).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED', cause: failure })
    await expect(store.close()).rejects.toMatchObject({ code: 'NOMSY_STORE_FAILED' })
  })
})

describe('opening', () => {
  test('a place without a store is refused unless it may be created, and nothing is left there', async () => {
    const location = await newLocation()
    const absent = LevelStore.open(location, { create: false })
    await expect(absent).rejects.toMatchObject({ code: 'NOMSY_NO_STORE' })
    expect(existsSync(location)).toBe(false)
    await mkdir(location)
    const empty = LevelStore.open(location, { create: false })
    await expect(empty).rejects.toMatchObject({ code: 'NOMSY_NO_STORE' })
    expect(await readdir(location)).toEqual([])
    await (await LevelStore.open(location)).close()
    await (await LevelStore.open(location, { create: false })).close()
    await expect(openOn(new MemoryLevel<Bytes, Bytes>(ENTRIES), false)).rejects.toMatchObject({
      code: 'NOMSY_NO_STORE',
    })
  })

  test('creates the directories above the store', async () => {
    const store = await LevelStore.open(join(await newLocation(), 'a', 'b'))
    await expectSound(store)
    await store.close()
  })

  test.each([true, false])('a foreign database is refused and kept (create: %s)', async (create) => {
    const location = await newLocation()
    const foreign = new Level(location)
    await foreign.put('key', 'value')
    await foreign.close()
    await expect(LevelStore.open(location, { create })).rejects.toMatchObject({ code: 'NOMSY_FOREIGN_STORE' })
    expect(await foreign.open().then(() => foreign.get('key'))).toBe('value')
    await foreign.close()
  })

  test('a directory of other files, and a file, are refused and kept', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'letter'), 'dear')
    for (const location of [directory, join(directory, 'letter')]) {
      await expect(LevelStore.open(location)).rejects.toMatchObject({ code: 'NOMSY_FOREIGN_STORE' })
    }
    expect(await readdir(directory)).toEqual(['letter'])
  })

  test.each([
    ['nomsy level store 2', 'NOMSY_NEWER_STORE'],
    ['nomsy level store 10', 'NOMSY_NEWER_STORE'],
    ['nomsy level store 0', 'NOMSY_FOREIGN_STORE'],
    ['nomsy level store 1x', 'NOMSY_FOREIGN_STORE'],
    ['another store 1', 'NOMSY_FOREIGN_STORE'],
    ['', 'NOMSY_FOREIGN_STORE'],
  ])('a format record "%s" is refused with %s', async (record, code) => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    await database.put(utf8('format'), utf8(record))
    await expect(openOn(database)).rejects.toMatchObject({ code })
  })

  test('remains without CURRENT are refused and kept, and are the store again once it is back', async () => {
    const location = await newLocation()
    const chunk = textChunk('kept')
    const store = await LevelStore.open(location)
    await store.put([chunk])
    await store.close()
    const away = join(await temporaryDirectory(), 'CURRENT')
    await rename(join(location, 'CURRENT'), away)
    const files = await readdir(location)
    for (const create of [true, false]) {
      await expect(LevelStore.open(location, { create })).rejects.toMatchObject({
        code: 'NOMSY_DAMAGED_STORE',
      })
    }
    expect(await readdir(location)).toEqual(files)
    await rename(away, join(location, 'CURRENT'))
    const again = await LevelStore.open(location)
    expect(await again.has(chunk.ref)).toBe(true)
    await expectSound(again)
    await again.close()
  })

  test('a creation that was cut short is taken up', async () => {
    const location = await newLocation()
    await mkdir(location)
    for (const file of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp']) {
      await writeFile(join(location, file), '')
    }
    const store = await LevelStore.open(location)
    await expectSound(store)
    await store.close()
  })

  test('a store open in this process is locked, and stays so for other processes', async () => {
    const store = await LevelStore.open(await newLocation())
    await expect(LevelStore.open(store.location)).rejects.toThrow(StoreLockedError)
    expect(openElsewhere(store.location)).toBe('LEVEL_LOCKED')
    await store.close()
    expect(openElsewhere(store.location)).toBe('open')
    await (await LevelStore.open(store.location)).close()
  })

  test('a store open in another process is locked until that ends', async () => {
    const location = await newLocation()
    const holder = new Writer(built.path, location)
    await holder.firstMove
    await expect(LevelStore.open(location)).rejects.toMatchObject({ code: 'NOMSY_LOCKED' })
    await holder.kill()
    await (await LevelStore.open(location)).close()
  })
})

describe('damage', () => {
  test('of a head is found, and the head not given out', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    const chunk = textChunk('head')
    await store.put([chunk])
    await store.heads.compareAndSet('main', undefined, chunk.ref)
    await store.heads.compareAndSet('other', undefined, chunk.ref)
    await flipBit(database, utf8('hmain'))
    await expect(store.heads.get('main')).rejects.toMatchObject({ code: 'NOMSY_DAMAGED_STORE' })
    await expect(count(store.heads.list())).rejects.toMatchObject({ code: 'NOMSY_DAMAGED_STORE' })
    expect(String(await store.heads.get('other'))).toBe(chunk.ref.toString())
    const found = []
    for await (const finding of store.check()) found.push(finding.message)
    expect(found).toEqual(["memory-level: head 'main' is damaged"])
    await store.close()
  })

  test('that LevelDB itself notices is a damaged chunk, and is healed', async () => {
    const database = new MemoryLevel<Bytes, Bytes>(ENTRIES)
    const store = await openOn(database)
    const put = ['a', 'b', 'c'].map(textChunk)
    await store.put(put)
    await store.flush()
    const corruption = Object.assign(new Error('Corruption: block checksum mismatch'), {
      code: 'LEVEL_CORRUPTION',
    })
    const get = database.get.bind(database) as (key: Bytes, options: object) => Promise<Bytes | undefined>
    let damaged = true
    vi.spyOn(database, 'getMany').mockRejectedValue(corruption)
    vi.spyOn(database, 'get').mockImplementation((async (key: Bytes, options: object) => {
      if (damaged && put[1]!.ref.equals(Ref.fromBytes(key.subarray(1)))) throw corruption
      return get(key, options)
    }) as never)
    for (const read of [() => store.get(put[1]!.ref), () => store.getMany(put.map((chunk) => chunk.ref))]) {
      await expect(read()).rejects.toMatchObject({
        code: 'NOMSY_DAMAGED_CHUNK',
        ref: put[1]!.ref.toString(),
        cause: corruption,
      })
    }
    await store.put(put)
    expect(await store.get(put[1]!.ref)).toEqual(put[1]!.bytes)
    const written = vi.spyOn(database, 'batch')
    await store.flush()
    expect((written.mock.calls[0] as unknown as [unknown[]])[0]).toHaveLength(1)
    damaged = false
    vi.restoreAllMocks()
    await expectSound(store)
    await store.close()
  })
})

test('iterating a store that is closed meanwhile rejects with NOMSY_CLOSED', async () => {
  const store = await LevelStore.open(await newLocation())
  await store.put(Array.from({ length: 3000 }, (_, index) => textChunk(`${index}`)))
  await store.flush()
  const refs = store.refs()
  await refs.next()
  await store.close()
  await expect(count(refs)).rejects.toMatchObject({ code: 'NOMSY_CLOSED' })
})

test('a writer killed at any time leaves a store that opens, sound, with every head it acknowledged', async () => {
  const location = await newLocation()
  for (let kill = 0; kill < 6; kill++) {
    const writer = new Writer(built.path, location)
    await writer.firstMove
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150))
    await writer.kill()
    const store = await LevelStore.open(location, { create: false })
    const head = (await store.heads.get('main'))?.toString()
    expect([writer.done.at(-1), writer.tried.at(-1)!.head]).toContain(head)
    const durable = writer.tried.slice(0, writer.tried.findIndex((step) => step.head === head) + 1)
    expect(durable.length).toBeGreaterThanOrEqual(writer.done.length)
    const refs = durable.flatMap((step) => step.refs.map((text) => Ref.parse(text)!))
    expect((await store.getMany(refs)).every((bytes) => bytes !== undefined)).toBe(true)
    await expectSound(store)
    await store.close()
  }
})

/** A process that moves the head 'main' of a store on and on. */
class Writer {
  /** Heads whose move was begun, with the chunks put for them; heads whose move is acknowledged. */
  readonly tried: { readonly head: string; readonly refs: string[] }[] = []
  readonly done: string[] = []
  /** Resolves when one move is acknowledged. */
  readonly firstMove: Promise<void>
  readonly #process
  readonly #ended: Promise<unknown>

  constructor(sources: string, location: string) {
    const program = fileURLToPath(new URL('level-store-child.mjs', import.meta.url))
    this.#process = spawn(process.execPath, [program, sources, location], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface(this.#process.stdout)
    this.#ended = Promise.all([once(this.#process, 'close'), once(lines, 'close')])
    this.firstMove = new Promise((resolve, reject) => {
      this.#process.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)))
      lines.on('line', (line) => {
        const [word, head, refs] = line.split(' ')
        if (word === 'try' && refs?.length === 10 * 33 - 1)
          this.tried.push({ head: head!, refs: refs.split(',') })
        if (word !== 'done' || head?.length !== 32) return
        this.done.push(head)
        resolve()
      })
    })
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }
}

/** 'open' where another process can open the database at `location`, else the code of LevelDB's error. */
function openElsewhere(location: string): string {
  const program = `
    import { Level } from 'level'
    const database = new Level(process.argv[1])
    await database.open().then(() => console.log('open'), (error) => console.log(error.cause.code))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', program, location], {
    encoding: 'utf8',
  }).trim()
}

/** Flips one bit in the middle of the value of `key`. */
async function flipBit(database: Level<Bytes, Bytes> | MemoryLevel<Bytes, Bytes>, key: Bytes): Promise<void> {
  const value = Uint8Array.from((await database.get(key))!)
  value[value.length >> 1]! ^= 4
  await database.put(key, value)
}

function chunkKey(ref: Ref): Bytes {
  return Uint8Array.of(0x63, ...ref.bytes)
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text)
}

function textChunk(text: string): Chunk {
  return chunkOf(utf8(text))
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let sum = 0
  for await (const _ of items) sum++
  return sum
}

async function expectSound(store: ChunkStore): Promise<void> {
  for await (const finding of store.check()) expect.fail(finding.message)
}
