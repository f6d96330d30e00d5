/**
 * The index in a LevelDB. Nothing in it need be synced, since all of it can be found again in the log.
 *
 * Keys: "c" and a ref's bytes, to the chunk's place and a CRC-32; "h" and a head's name, to the ref's bytes and a CRC-32;
 * "p", to the store's id, how far into the log the index reaches, and a CRC-32; "f", there since the first batch;
 * "l" and a rising number, which each batch puts in place of the last one's. LevelDB may lose one batch of several
 * to a flipped bit, or its tables along with CURRENT, and say nothing; then there are two of "l" or there is no "f".
 */

import { rm } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { Level } from 'level'
import { StoreError } from '../../errors.js'
import { REF_BYTES, Ref } from '../../hash/ref.js'
import type { Head } from '../chunk-store.js'
import { prefixRange } from '../prefix-range.js'
import type { ChunkIndex, IndexBatch } from './chunk-index.js'
import { damagedTable } from './level-tables.js'
import { type ChunkPlace, type LogPosition, PLACE_BYTES, readPlace, writePlace } from './place.js'
import { STORE_ID_BYTES } from './record.js'

const CHUNK_PREFIX = 0x63
const HEAD_PREFIX = 0x68
const POSITION_KEY = Uint8Array.of(0x70)
const FIRST_KEY = Uint8Array.of(0x66)
const LINK_PREFIX = 0x6c
const LINKS = { gte: Uint8Array.of(LINK_PREFIX), lt: Uint8Array.of(LINK_PREFIX + 1), limit: 2 }

/** LevelDB replays this much at most when it opens, at about 5 ms for each MiB. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024

/** LevelDB's cache of its tables' blocks: of some 250,000 chunks, which are 2 GiB of a blob. */
const CACHE_BYTES = 16 * 1024 * 1024

/** Above this a look-up is worth a thread of its own; below, a synchronous one is several times as fast. */
const SYNC_LOOKUPS = 64

type Database = Level<Uint8Array, Uint8Array>

export class LevelIndex implements ChunkIndex {
  readonly #database: Database
  readonly #path: string
  /** Number of the last batch; undefined where there is none. */
  #link: number | undefined
  #isDamaged = false

  private constructor(database: Database, path: string) {
    this.#database = database
    this.#path = path
  }

  /**
   * Opens or makes the index in the directory `path`, of a locked store; one that is damaged is made anew. `isSuspect`:
   * whoever had it open before did not close it, and may have been ended by LevelDB. Then its tables are looked at first.
   */
  static async open(path: string, { isSuspect = false } = {}): Promise<LevelIndex> {
    if (isSuspect && (await damagedTable(path)) !== undefined) await rm(path, { recursive: true })
    return new LevelIndex(await openDatabase(path), path)
  }

  get isDamaged(): boolean {
    return this.#isDamaged
  }

  async damage(): Promise<string | undefined> {
    const table = await damagedTable(this.#path)
    return table === undefined
      ? undefined
      : `${table} is not as it was written; 'nomsy repair' makes the index anew`
  }

  async position(storeId: Uint8Array): Promise<LogPosition | undefined> {
    const value = await this.#database.get(POSITION_KEY)
    if (value === undefined || !(await this.#isWhole())) return undefined
    const { storeId: id, position } = positionIn(value) ?? {}
    return id?.every((byte, index) => byte === storeId[index]) ? position : undefined
  }

  /** Whether all batches are there, up to the last one that is. */
  async #isWhole(): Promise<boolean> {
    const links = await this.#database.keys(LINKS).all()
    const isWhole = links.length === 1 && (await this.#database.get(FIRST_KEY)) !== undefined
    this.#link = isWhole ? numberIn(links[0]!) : undefined
    return isWhole
  }

  async clear(): Promise<void> {
    this.#link = undefined
    try {
      await this.#database.clear()
    } catch (cause) {
      throw this.#damaged(cause)
    }
  }

  async get(ref: Ref): Promise<ChunkPlace | undefined> {
    try {
      return placeIn(ref, this.#database.getSync(chunkKey(ref)))
    } catch (cause) {
      throw this.#damaged(cause)
    }
  }

  async getMany(refs: readonly Ref[]): Promise<(ChunkPlace | undefined)[]> {
    try {
      if (refs.length <= SYNC_LOOKUPS)
        return refs.map((ref) => placeIn(ref, this.#database.getSync(chunkKey(ref))))
      const values = await this.#database.getMany(refs.map(chunkKey))
      return refs.map((ref, slot) => placeIn(ref, values[slot]))
    } catch (cause) {
      throw this.#damaged(cause)
    }
  }

  async *refs(prefix: string): AsyncGenerator<Ref> {
    const range = prefixRange(prefix)
    if (range === undefined) return
    const keys = this.#database.keys({ gte: chunkKey(range.first), lte: chunkKey(range.last) })
    for await (const key of this.#undamaged(keys)) yield Ref.fromBytes(new Uint8Array(key.subarray(1)))
  }

  async head(name: string): Promise<Ref | undefined> {
    let value: Uint8Array | undefined
    try {
      value = this.#database.getSync(headKey(name))
    } catch (cause) {
      throw this.#damaged(cause)
    }
    return value && this.#headIn(name, value)
  }

  async *heads(prefix: string): AsyncGenerator<Head> {
    const first = headKey(prefix)
    const entries = this.#database.iterator({ gte: first, lt: Uint8Array.of(HEAD_PREFIX + 1) })
    for await (const [key, value] of this.#undamaged(entries)) {
      const name = new TextDecoder().decode(key.subarray(1))
      if (!name.startsWith(prefix)) return
      yield { name, ref: this.#headIn(name, value) }
    }
  }

  async write(batch: IndexBatch): Promise<void> {
    const chained = this.#database.batch()
    for (const ref of batch.removed) chained.del(chunkKey(ref))
    for (const [ref, place] of batch.chunks) chained.put(chunkKey(ref), placeValue(ref, place))
    for (const [name, ref] of batch.heads) {
      if (ref === undefined) chained.del(headKey(name))
      else chained.put(headKey(name), headValue(name, ref))
    }
    chained.put(POSITION_KEY, positionValue(batch.storeId, batch.position))
    if (this.#link === undefined) chained.put(FIRST_KEY, new Uint8Array(0))
    else chained.del(linkKey(this.#link))
    this.#link = (this.#link ?? 0) + 1
    chained.put(linkKey(this.#link), new Uint8Array(0))
    // Without it nothing would be lost: an index from before a collection is made anew, which takes its time.
    await chained.write({ sync: batch.removed.length > 0 })
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  #headIn(name: string, value: Uint8Array): Ref {
    if (value.length === REF_BYTES + 4) {
      // LevelDB gives Buffers, which are views of what belongs to others.
      const ref = Ref.fromBytes(new Uint8Array(value.subarray(0, REF_BYTES)))
      const expected = headValue(name, ref)
      if (value.every((byte, index) => byte === expected[index])) return ref
    }
    this.#isDamaged = true
    throw damagedAt(`head '${name}'`)
  }

  /** Entries as they come, until LevelDB cannot read on. */
  async *#undamaged<T>(entries: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* entries
    } catch (cause) {
      throw this.#damaged(cause)
    }
  }

  /** What LevelDB could not read, as the damage that it is; other errors as they are. */
  #damaged(cause: unknown): unknown {
    const { code, message } = cause as { code?: unknown; message?: string }
    if (code === 'LEVEL_ITERATOR_NOT_OPEN' || code === 'LEVEL_DATABASE_NOT_OPEN') {
      return new StoreError('NOMSY_CLOSED', 'this store has been closed', { cause })
    }
    if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return cause
    this.#isDamaged = true
    return damagedAt(String(message), { cause })
  }
}

/** Opens the database, made anew if `mayReplace` and the one that is there is damaged. */
async function openDatabase(path: string, mayReplace = true): Promise<Database> {
  const database: Database = new Level(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: WRITE_BUFFER_BYTES,
    cacheSize: CACHE_BYTES,
    // Refs do not shrink.
    compression: false,
  })
  try {
    await database.open()
    // A table is not looked at before it is read from.
    await database.getMany([FIRST_KEY, POSITION_KEY])
    await database.keys(LINKS).all()
    return database
  } catch (error) {
    await database.close().catch(() => {})
    if (!mayReplace || !isOfDamage(error)) throw error
    await rm(path, { recursive: true })
    return openDatabase(path, false)
  }
}

/** Whether LevelDB did not open because of what it found: a damaged file, none where there should be one. */
export function isOfDamage(error: unknown): boolean {
  const { code, message, cause } = error as LevelError
  return (
    [code, cause?.code].includes('LEVEL_CORRUPTION') ||
    /no such file|input\/output error|invalid argument|not a directory|EEXIST|ENOTDIR/i.test(
      cause?.message ?? message,
    )
  )
}

interface LevelError extends Error {
  readonly code?: unknown
  readonly cause?: { readonly code?: unknown; readonly message?: string }
}

/** The code that LevelDB gave for failing to open. */
export function levelCode(error: unknown): unknown {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code
}

function chunkKey(ref: Ref): Uint8Array {
  return withPrefix(CHUNK_PREFIX, ref.bytes)
}

function headKey(name: string): Uint8Array {
  return withPrefix(HEAD_PREFIX, new TextEncoder().encode(name))
}

function withPrefix(prefix: number, bytes: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + bytes.length)
  key[0] = prefix
  key.set(bytes, 1)
  return key
}

/** Its bytes, and a CRC-32 of the ref and them. */
function placeValue(ref: Ref, place: ChunkPlace): Uint8Array {
  writePlace(checked.view, REF_BYTES, place)
  const value = new Uint8Array(PLACE_BYTES + 4)
  value.set(checked.bytes.subarray(REF_BYTES))
  new DataView(value.buffer).setUint32(PLACE_BYTES, checkedCrc(ref))
  return value
}

/** A damaged place is taken for absent, so that the chunk is stored again: LevelDB does not notice every flipped bit. */
function placeIn(ref: Ref, value: Uint8Array | undefined): ChunkPlace | undefined {
  if (value?.length !== PLACE_BYTES + 4) return undefined
  checked.bytes.set(value.subarray(0, PLACE_BYTES), REF_BYTES)
  const crc = new DataView(value.buffer, value.byteOffset).getUint32(PLACE_BYTES)
  return crc === checkedCrc(ref) ? readPlace(checked.view, REF_BYTES) : undefined
}

/** Room for a ref and its place, one after the other, so that one call takes the CRC of both. */
const checked = withView(new Uint8Array(REF_BYTES + PLACE_BYTES))

function withView(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly view: DataView } {
  return { bytes, view: new DataView(bytes.buffer) }
}

/** The CRC of `ref` and the place that is in {@link checked}. */
function checkedCrc(ref: Ref): number {
  checked.bytes.set(ref.bytes)
  return crc32(checked.bytes)
}

function headValue(name: string, ref: Ref): Uint8Array {
  const value = new Uint8Array(REF_BYTES + 4)
  value.set(ref.bytes)
  new DataView(value.buffer).setUint32(REF_BYTES, crc32(ref.bytes, crc32(name)))
  return value
}

/** The store's id, segment and offset, and a CRC-32: LevelDB does not notice every flipped bit. */
function positionValue(storeId: Uint8Array, { segment, offset }: LogPosition): Uint8Array {
  const value = new Uint8Array(STORE_ID_BYTES + 12)
  const view = new DataView(value.buffer)
  value.set(storeId)
  view.setUint32(STORE_ID_BYTES, segment)
  view.setUint32(STORE_ID_BYTES + 4, offset)
  view.setUint32(STORE_ID_BYTES + 8, crc32(value.subarray(0, STORE_ID_BYTES + 8)))
  return value
}

function positionIn(value: Uint8Array): { storeId: Uint8Array; position: LogPosition } | undefined {
  if (value.length !== STORE_ID_BYTES + 12) return undefined
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  if (view.getUint32(STORE_ID_BYTES + 8) !== crc32(value.subarray(0, STORE_ID_BYTES + 8))) return undefined
  const position = { segment: view.getUint32(STORE_ID_BYTES), offset: view.getUint32(STORE_ID_BYTES + 4) }
  return { storeId: value.subarray(0, STORE_ID_BYTES), position }
}

function linkKey(link: number): Uint8Array {
  const key = new Uint8Array(9)
  key[0] = LINK_PREFIX
  new DataView(key.buffer).setBigUint64(1, BigInt(link))
  return key
}

function numberIn(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset).getBigUint64(1))
}

function damagedAt(where: string, options?: ErrorOptions): StoreError {
  return new StoreError(
    'NOMSY_DAMAGED_STORE',
    `the index is damaged: ${where}; open the store again, and it is made anew from the log`,
    options,
  )
}
