/**
 * Looks at the checksums in LevelDB's tables, which LevelDB does not: a flipped bit in one gives wrong entries, or ends
 * the process.
 *
 * A table is blocks, each followed by its type (1 byte) and the masked CRC-32C of both (4); its last 48 bytes are where
 * two of the blocks lie and a magic number. The last block, the index, says where the others are.
 * (LevelDB, doc/table_format.md)
 */

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './store-format.js'

const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
const TRAILER_BYTES = 5

/** CRC-32C of each single byte, without the inversions. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** Where a block lies, without what follows it. */
interface Handle {
  readonly offset: number
  readonly length: number
}

/** The first table in `directory` that is not as it was written; undefined where there is none. */
export async function damagedTable(directory: string): Promise<string | undefined> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return []
    throw error
  })
  for (const name of names) {
    if (/\.(?:ldb|sst)$/.test(name) && !(await isWhole(join(directory, name)))) return join(directory, name)
  }
  return undefined
}

async function isWhole(path: string): Promise<boolean> {
  try {
    return isTable(await readWhole(path))
  } catch (error) {
    // LevelDB removes tables while it has the database open.
    if (hasCode(error, 'ENOENT')) return true
    if (hasCode(error, 'EIO')) return false
    throw error
  }
}

async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** Whether `bytes` are a table all of whose blocks are as they were written. */
export function isTable(bytes: Buffer): boolean {
  if (bytes.length < FOOTER_BYTES || bytes.readBigUInt64LE(bytes.length - 8) !== MAGIC) return false
  const footer = new Cursor(bytes, bytes.length - FOOTER_BYTES)
  const lists = [footer.handle(), footer.handle()]
  if (!lists.every((handle) => isBlock(bytes, handle))) return false
  return lists.flatMap((handle) => handlesIn(bytes, handle!)).every((handle) => isBlock(bytes, handle))
}

function isBlock(bytes: Buffer, handle: Handle | undefined): boolean {
  if (handle === undefined) return false
  const end = handle.offset + handle.length
  if (!(end + TRAILER_BYTES <= bytes.length)) return false
  let crc = ~0
  for (let at = handle.offset; at <= end; at++) crc = TABLE[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
  crc = ~crc >>> 0
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
  return masked === bytes.readUInt32LE(end + 1)
}

/** The handles that are the values of a block's entries; one that cannot be is undefined. */
function handlesIn(bytes: Buffer, { offset, length }: Handle): (Handle | undefined)[] {
  const restartCount = bytes.readUInt32LE(offset + length - 4)
  const end = offset + length - 4 * (restartCount + 1)
  const handles: (Handle | undefined)[] = []
  const cursor = new Cursor(bytes, offset)
  while (cursor.at < end) {
    cursor.varint()
    const keyBytes = cursor.varint()
    const valueBytes = cursor.varint()
    cursor.at += keyBytes
    const next = cursor.at + valueBytes
    handles.push(cursor.handle())
    cursor.at = next
  }
  return handles
}

class Cursor {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  handle(): Handle | undefined {
    const [offset, length] = [this.varint(), this.varint()]
    return Number.isSafeInteger(offset + length) && length >= 4 ? { offset, length } : undefined
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128 || factor > Number.MAX_SAFE_INTEGER) return value
    }
  }
}
