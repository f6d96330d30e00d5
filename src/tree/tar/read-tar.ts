/**
 * Reads tar archives: POSIX ustar and pax, GNU's long names and sparse files, those before POSIX. Written here because
 * the readers that there are decode names and attributes as text, which many are not, and know nothing of sparse files.
 * What is no archive is refused.
 */

import { ArchiveError } from '../../errors.js'
import { ByteQueue, cutOff } from './byte-queue.js'
import { BLOCK_BYTES } from './tar-header.js'

/** Bytes of an extension, such as a long name or a pax header. */
const MAX_EXTENSION_BYTES = 1024 * 1024

/** Stretches of a sparse file. */
export const MAX_SPARSE_PARTS = 1_000_000

/** Digits of a sparse map's number, and the newline. */
const MAX_DIGITS = 20

export type TarType = 'file' | 'dir' | 'symlink' | 'link' | 'fifo' | 'char' | 'block'

const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
}

/** What archives are often packed with, and how that begins. */
const PACKERS: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
]

/** Records of pax headers by their keys. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>

export interface TarMember {
  readonly type: TarType
  /** As it stands there: anything. */
  readonly path: Uint8Array
  /** Of links. */
  readonly target: Uint8Array
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user: Uint8Array
  readonly group: Uint8Array
  /** Nanoseconds since 1970. */
  readonly mtime: bigint
  /** Bytes of the file, holes included. */
  readonly size: number
  readonly device: readonly [major: number, minor: number]
  readonly pax: PaxRecords
  /** Offset and length of each stretch of a sparse file that is not a hole, one after the other. */
  readonly parts: readonly number[] | undefined
  /** The file's bytes, without those of holes; to be read before the next member is asked for, or not at all. */
  content(): AsyncGenerator<Uint8Array>
}

/**
 * The members, in order. Calls `onNoEnd` where the source ends after one of them, without the blocks of zeros that end
 * an archive. Rejects with an ArchiveError (NOMSY_SOURCE_FAILED) for what is no archive.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  onNoEnd: () => void,
): AsyncGenerator<TarMember> {
  const queue = new ByteQueue(source)
  try {
    checkStart(await queue.peek(BLOCK_BYTES))
    const global = new Map<string, Uint8Array>()
    let pax = new Map<string, Uint8Array>()
    for (;;) {
      const block = await queue.take(BLOCK_BYTES)
      if (block === undefined) {
        if (pax.size > 0) throw cutOff()
        onNoEnd()
        return
      }
      // The end is two blocks of zeros; some archives have only one.
      if (isZero(block)) return
      if (!hasRightSum(block)) throw refusal('a header whose sum is wrong; it is damaged')
      const type = String.fromCharCode(block[156]!)
      const size = number(block, 124, 12)
      if ('xgLKV'.includes(type)) {
        const bytes = await extension(queue, size)
        if (type === 'x') readRecords(bytes, pax)
        else if (type === 'g') readRecords(bytes, global)
        else if (type === 'L') pax.set('path', untilNul(bytes))
        else if (type === 'K') pax.set('linkpath', untilNul(bytes))
        continue
      }
      yield* member(queue, block, type, new Map([...global, ...pax]))
      pax = new Map()
    }
  } finally {
    await queue.end()
  }
}

/** Throws where `bytes` are not the first block of an archive, whole or damaged. */
function checkStart(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ArchiveError('there is no archive: not a single byte')
  if (bytes.length === BLOCK_BYTES && (isZero(bytes) || isUstar(bytes) || isHeader(bytes))) return
  const packer = PACKERS.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte))
  throw new ArchiveError(
    packer === undefined ? 'is no tar archive' : `is packed with ${packer.name}; unpack it first`,
  )
}

function isHeader(block: Uint8Array): boolean {
  try {
    return hasRightSum(block)
  } catch {
    // There is no number where the sum is.
    return false
  }
}

/** Gives the member whose header is `block`, and passes over what is left of it. */
async function* member(
  queue: ByteQueue,
  block: Uint8Array,
  typeflag: string,
  pax: PaxRecords,
): AsyncGenerator<TarMember> {
  let type = TYPES[typeflag]
  const path = pax.get('GNU.sparse.name') ?? pax.get('path') ?? nameIn(block)
  if (type === undefined) throw refusal(`a member of the type '${typeflag}', which is not known`)
  if (type === 'file' && path[path.length - 1] === 0x2f) type = 'dir'
  const stored = type === 'file' ? (decimal(pax, 'size') ?? number(block, 124, 12)) : 0
  // Of other types than files some programs give a size and no bytes.
  const body = new Body(queue, stored)
  const sparse = type === 'file' ? await sparseParts(queue, body, block, typeflag, pax) : undefined
  const size = sparse?.size ?? stored
  if (sparse !== undefined) checkParts(sparse.parts, size, body.left)
  yield {
    type,
    path,
    target: pax.get('linkpath') ?? untilNul(block.subarray(157, 257)),
    mode: number(block, 100, 8) & 0o7777,
    uid: decimal(pax, 'uid') ?? number(block, 108, 8),
    gid: decimal(pax, 'gid') ?? number(block, 116, 8),
    user: pax.get('uname') ?? ownerIn(block, 265),
    group: pax.get('gname') ?? ownerIn(block, 297),
    mtime: timeIn(pax) ?? BigInt(number(block, 136, 12)) * 1_000_000_000n,
    size,
    device: [
      decimal(pax, 'SCHILY.devmajor') ?? deviceNumber(block, 329),
      decimal(pax, 'SCHILY.devminor') ?? deviceNumber(block, 337),
    ],
    pax,
    parts: sparse?.parts,
    content: () => body.rest(),
  }
  await body.skip()
}

/** The bytes of a member, and what fills them up to a block. */
class Body {
  readonly #queue: ByteQueue
  readonly #padding: number
  left: number

  constructor(queue: ByteQueue, size: number) {
    this.#queue = queue
    this.left = size
    this.#padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
  }

  async block(): Promise<Uint8Array> {
    const block = this.left >= BLOCK_BYTES ? await this.#queue.take(BLOCK_BYTES) : undefined
    if (block === undefined) throw refusal('a map of a sparse file that does not end')
    this.left -= BLOCK_BYTES
    return block
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#queue.pieces(this.left)) {
      this.left -= piece.length
      yield piece
    }
  }

  async skip(): Promise<void> {
    for await (const _ of this.rest());
    if (this.#padding > 0 && (await this.#queue.take(this.#padding)) === undefined)
      throw refusal('it ends in the middle of a member')
  }
}

interface Sparse {
  readonly size: number
  readonly parts: readonly number[]
}

/** The map of a sparse file, in any of its four forms; undefined for other files. */
async function sparseParts(
  queue: ByteQueue,
  body: Body,
  block: Uint8Array,
  typeflag: string,
  pax: PaxRecords,
): Promise<Sparse | undefined> {
  if (typeflag === 'S') return oldSparse(queue, block)
  const size = decimal(pax, 'GNU.sparse.realsize') ?? decimal(pax, 'GNU.sparse.size')
  if (size === undefined) return undefined
  if (decimal(pax, 'GNU.sparse.major') === 1) return { size, parts: await sparseMap(body) }
  const map = pax.get('GNU.sparse.map')
  if (map === undefined) throw refusal('a sparse file without its map')
  return { size, parts: map.length === 0 ? [] : text(map).split(',').map(toNumber) }
}

/** GNU's old form: four stretches in the header, and blocks of 21 more after it. */
async function oldSparse(queue: ByteQueue, header: Uint8Array): Promise<Sparse> {
  const parts: number[] = []
  const add = (block: Uint8Array, start: number, count: number): void => {
    for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24)
      parts.push(number(block, at, 12), number(block, at + 12, 12))
  }
  add(header, 386, 4)
  for (let goesOn = header[482] === 1; goesOn; ) {
    const block = await queue.take(BLOCK_BYTES)
    if (block === undefined || parts.length > 2 * MAX_SPARSE_PARTS)
      throw refusal('a map of a sparse file that does not end')
    add(block, 0, 21)
    goesOn = block[504] === 1
  }
  return { size: number(header, 483, 12), parts }
}

/** Pax form 1.0: decimal numbers in lines before the bytes, how many stretches there are first. */
async function sparseMap(body: Body): Promise<number[]> {
  let block = await body.block()
  let at = 0
  const next = async (): Promise<number> => {
    let digits = ''
    for (;;) {
      if (at === block.length) {
        block = await body.block()
        at = 0
      }
      const byte = block[at++]!
      if (byte === 0x0a) return toNumber(digits)
      digits += String.fromCharCode(byte)
      if (digits.length > MAX_DIGITS) throw refusal('a number that is none')
    }
  }
  const count = await next()
  if (count > MAX_SPARSE_PARTS) throw refusal(`a sparse file of ${count} stretches`)
  const parts: number[] = []
  for (let index = 0; index < 2 * count; index++) parts.push(await next())
  return parts
}

/** Throws unless stretches rise, within the file, and have the bytes that there are. */
function checkParts(parts: readonly number[], size: number, bytes: number): void {
  let end = 0
  let sum = 0
  for (let index = 0; index < parts.length; index += 2) {
    const [start, length] = [parts[index]!, parts[index + 1] ?? Number.NaN]
    if (!(start >= end && start + length <= size))
      throw refusal('a sparse file whose stretches are in no order')
    end = start + length
    sum += length
  }
  if (sum !== bytes) throw refusal('a sparse file of other bytes than its map says')
}

async function extension(queue: ByteQueue, size: number): Promise<Uint8Array> {
  if (size > MAX_EXTENSION_BYTES) throw refusal(`a header of ${size} bytes`)
  const padded = Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  const bytes = size === 0 ? new Uint8Array(0) : await queue.take(padded)
  if (bytes === undefined) throw refusal('it ends in the middle of a header')
  return bytes.slice(0, size)
}

/** Adds the records of a pax header; a record without a value takes the one before away. */
function readRecords(bytes: Uint8Array, records: Map<string, Uint8Array>): void {
  const sparse: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 || space - at > MAX_DIGITS ? 0 : toNumber(text(bytes.subarray(at, space)))
    const end = at + length
    const equals = bytes.indexOf(0x3d, space)
    if (end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a)
      throw refusal('a pax header that is none')
    const key = text(bytes.subarray(space + 1, equals))
    const value = bytes.slice(equals + 1, end - 1)
    // Form 0.0 of sparse files gives their stretches one by one.
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(text(value))
    else if (value.length === 0) records.delete(key)
    else records.set(key, value)
    at = end
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', new TextEncoder().encode(sparse.join(',')))
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

function hasRightSum(block: Uint8Array): boolean {
  let sum = 0
  for (let at = 0; at < block.length; at++) sum += at >= 148 && at < 156 ? 0x20 : block[at]!
  return sum === number(block, 148, 8)
}

/** A number in octal, or in GNU's base 256, where the first bit is set. */
function number(block: Uint8Array, at: number, length: number): number {
  const first = block[at]!
  if ((first & 0x80) === 0) {
    const digits = text(untilNul(block.subarray(at, at + length))).trim()
    if (!/^[0-7]*$/.test(digits)) throw refusal('a number that is none')
    return digits === '' ? 0 : Number.parseInt(digits, 8)
  }
  // Two's complement, the bit that marks it being a copy of the sign.
  let value = (first & 0x40) === 0 ? BigInt(first & 0x3f) : BigInt(first & 0x3f) - 64n
  for (const byte of block.subarray(at + 1, at + length)) value = value * 256n + BigInt(byte)
  const result = Number(value)
  const isSize = at !== 136
  if (!Number.isSafeInteger(result) || (isSize && result < 0)) throw refusal('a number that is too large')
  return result
}

function deviceNumber(block: Uint8Array, at: number): number {
  return isUstar(block) ? number(block, at, 8) : 0
}

function isUstar(block: Uint8Array): boolean {
  return text(block.subarray(257, 262)) === 'ustar'
}

function ownerIn(block: Uint8Array, at: number): Uint8Array {
  return isUstar(block) ? untilNul(block.subarray(at, at + 32)) : new Uint8Array(0)
}

/** The name in a header, after its prefix in the POSIX form. */
function nameIn(block: Uint8Array): Uint8Array {
  const name = untilNul(block.subarray(0, 100))
  const isPosix = isUstar(block) && block[262] === 0
  const prefix = isPosix ? untilNul(block.subarray(345, 500)) : new Uint8Array(0)
  return prefix.length === 0 ? name : Buffer.concat([prefix, Uint8Array.of(0x2f), name])
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return bytes.slice(0, end < 0 ? bytes.length : end)
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function decimal(pax: PaxRecords, key: string): number | undefined {
  const value = pax.get(key)
  return value && toNumber(text(value))
}

function toNumber(digits: string): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
  if (!Number.isSafeInteger(value)) throw refusal(`a number that is none: ${digits.slice(0, 20)}`)
  return value
}

/** The time of a pax header: seconds, with a point. */
function timeIn(pax: PaxRecords): bigint | undefined {
  const value = pax.get('mtime')
  if (value === undefined) return undefined
  const match = /^(-?)(\d{1,10})(?:\.(\d*))?$/.exec(text(value))
  if (match === null) throw refusal('a time that is none')
  const [, sign, seconds, fraction = ''] = match
  const ns = BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '' ? ns : -ns
}

function refusal(why: string): ArchiveError {
  return new ArchiveError(`the archive has ${why}`)
}
