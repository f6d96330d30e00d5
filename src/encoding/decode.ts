/**
 * Canonical msgpack, the reading side: accepts exactly the bytes that the writing side gives, so that
 * decode(bytes) succeeds only where encode gives the same bytes again. SPEC "Encoding".
 *
 * The bytes are taken for hostile: every length is checked against what is left before anything is allocated,
 * nesting is bounded, and keys become own properties only.
 */

import { EncodingError } from '../errors.js'
import { REF_BYTES, Ref } from '../hash/ref.js'
import { RefList } from '../hash/ref-list.js'
import { compareBytes } from './byte-order.js'
import { CHUNK_RULES, compareUtf8, type Value, type ValueRecord, type ValueRules } from './value.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Longest string, in bytes, that is read byte by byte where it is ASCII: for these that is the fastest. */
const SHORT_BYTES = 48

/** The one value that `bytes` hold. Byte strings and refs in it are views of `bytes`. */
export function decode(bytes: Uint8Array): Value {
  const reader = new Reader(bytes)
  const value = reader.value()
  reader.end()
  return value
}

/** Every ref in the chunk `bytes`, in order: what a walker needs to find a chunk's children. */
export function refsIn(bytes: Uint8Array): RefList[] {
  const found: RefList[] = []
  if (isBin(bytes)) return found
  const reader = new Reader(bytes, { onRefs: (refs) => found.push(refs) })
  reader.skip()
  reader.end()
  return found
}

/** Whether `bytes` begin with a `bin`, as a blob's leaves do. */
export function isBin(bytes: Uint8Array): boolean {
  return bytes[0] === 0xc4 || bytes[0] === 0xc5 || bytes[0] === 0xc6
}

export interface ReaderOptions {
  /** What a value may hold; what a chunk may, where left out. */
  readonly rules?: ValueRules
  /** Whether byte strings and refs in values are copies; views of what is read where left out. */
  readonly copies?: boolean
  /** Called with all refs that are read or passed over. */
  readonly onRefs?: (refs: RefList) => void
}

/** Reads canonical values one after the other; whatever is not canonical is an {@link EncodingError}. */
export class Reader {
  readonly #bytes: Uint8Array
  /** Made when a number of several bytes is read: many values hold none. */
  #lazyView: DataView | undefined
  readonly #rules: ValueRules
  readonly #copies: boolean
  readonly #onRefs: ((refs: RefList) => void) | undefined
  #offset = 0
  #depth = 0

  constructor(bytes: Uint8Array, { rules = CHUNK_RULES, copies = false, onRefs }: ReaderOptions = {}) {
    this.#bytes = bytes
    this.#rules = rules
    this.#copies = copies
    this.#onRefs = onRefs
  }

  /** Bytes from the start to the next value. */
  get offset(): number {
    return this.#offset
  }

  /** Goes to the value that begins at `offset`. */
  seek(offset: number): void {
    this.#offset = offset
  }

  /** Refuses anything after the last value. */
  end(): void {
    if (this.#offset !== this.#bytes.length)
      this.#refuse(`${this.#bytes.length - this.#offset} bytes too many`)
  }

  value(): Value {
    const code = this.#peek()
    if (code < 0x80 || code >= 0xe0) {
      this.#offset++
      return code < 0x80 ? code : code - 0x100
    }
    if (code < 0x90 || code === 0xde || code === 0xdf) return this.#record()
    if (code < 0xa0 || code === 0xdc || code === 0xdd) return this.#array()
    if (code < 0xc0 || (code >= 0xd9 && code <= 0xdb)) return this.string()
    if (code >= 0xc4 && code <= 0xc6) return this.#copies ? this.bin().slice() : this.bin()
    if (code >= 0xc7 && code <= 0xc9) return this.#refValue()
    if (code >= 0xcc && code <= 0xd3) return this.#integer()
    switch (code) {
      case 0xc0:
        this.#offset++
        return null
      case 0xc2:
      case 0xc3:
        this.#offset++
        return code === 0xc3
      case 0xcb:
        return this.#float()
      default:
        return this.#refuse(`no canonical value begins with 0x${code.toString(16)}`)
    }
  }

  /** Passes over one value, which is checked as {@link value} checks it and not made. */
  skip(): void {
    const code = this.#peek()
    if (code < 0x80 || code >= 0xe0 || code === 0xc0 || code === 0xc2 || code === 0xc3) this.#offset++
    else if ((code >= 0xa0 && code < 0xc0) || (code >= 0xd9 && code <= 0xdb)) this.#skipString()
    else if (code < 0x90 || code === 0xde || code === 0xdf) this.#skipRecord()
    else if (code < 0xa0 || code === 0xdc || code === 0xdd) this.#skipArray()
    else if (code >= 0xc4 && code <= 0xc6) this.#pass(this.#sized(0xc4, 0, 'byte string'))
    else this.value()
  }

  /** A non-negative safe integer. */
  uint(): number {
    const at = this.#offset
    const code = this.#peek()
    let value: number | bigint = code
    if (code < 0x80) this.#offset++
    else if (code >= 0xcc && code <= 0xcf) value = this.#integer()
    else this.#refuse('no unsigned integer')
    if (typeof value === 'bigint') this.#refuse('integer beyond 2^53-1', at)
    return value
  }

  string(): string {
    const length = this.#stringLength()
    return length <= SHORT_BYTES && this.#isAscii(length) ? this.#ascii(length) : this.#utf8(length)
  }

  bin(): Uint8Array {
    return this.#take(this.#sized(0xc4, 0, 'byte string'))
  }

  /** One ext of type 1 with any number of refs. */
  refs(): RefList {
    const at = this.#offset
    const length = this.#sized(0xc7, 0, 'refs')
    if (length % REF_BYTES !== 0) this.#refuse(`${length} bytes are no whole number of refs`, at)
    const type = this.#take(1)[0]
    if (type !== 1) this.#refuse(`ext type ${type} is not 1`, at)
    const refs = new RefList(this.#take(length))
    this.#onRefs?.(refs)
    return refs
  }

  /** The number of values in the array that follows. */
  arrayHeader(): number {
    return this.#container(0x90, 0xdc, 1, 'array')
  }

  #mapHeader(): number {
    return this.#container(0x80, 0xde, 2, 'map')
  }

  #array(): Value[] {
    this.#enter()
    const count = this.arrayHeader()
    const values: Value[] = []
    for (let index = 0; index < count; index++) values.push(this.value())
    this.#depth--
    return values
  }

  #record(): ValueRecord {
    this.#enter()
    const count = this.#mapHeader()
    const record: ValueRecord = {}
    let last: string | undefined
    for (let index = 0; index < count; index++) {
      const at = this.#offset
      const key = this.string()
      if (last !== undefined && compareUtf8(last, key) >= 0) this.#refuse(`key '${key}' out of order`, at)
      last = key
      const value = this.value()
      // Plain assignment to this one key would set the prototype.
      if (key === '__proto__') {
        Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
      } else {
        record[key] = value
      }
    }
    this.#depth--
    return record
  }

  #skipArray(): void {
    this.#enter()
    const count = this.arrayHeader()
    for (let index = 0; index < count; index++) this.skip()
    this.#depth--
  }

  #skipRecord(): void {
    this.#enter()
    const count = this.#mapHeader()
    let lastStart = 0
    let lastEnd = 0
    for (let index = 0; index < count; index++) {
      const at = this.#offset
      const length = this.#skipString()
      const end = this.#offset
      const start = end - length
      if (index > 0 && compareBytes(this.#bytes, lastStart, lastEnd, this.#bytes, start, end) >= 0)
        this.#refuse('a key out of order', at)
      lastStart = start
      lastEnd = end
      this.skip()
    }
    this.#depth--
  }

  /** Gives the bytes of UTF-8 that it passes over. */
  #skipString(): number {
    const length = this.#stringLength()
    if (this.#isAscii(length)) this.#offset += length
    else this.#utf8(length)
    return length
  }

  #stringLength(): number {
    const code = this.#peek()
    if (code < 0xa0 || code >= 0xc0) return this.#sized(0xd9, 32, 'string')
    this.#offset++
    return code & 0x1f
  }

  #isAscii(length: number): boolean {
    this.#need(length)
    const bytes = this.#bytes
    const end = this.#offset + length
    let bits = 0
    for (let at = this.#offset; at < end; at++) bits |= bytes[at]!
    return bits < 0x80
  }

  /** The next `length` bytes, which are ASCII. */
  #ascii(length: number): string {
    const bytes = this.#bytes
    let at = this.#offset
    const end = at + length
    this.#offset = end
    let text = ''
    for (; at + 8 <= end; at += 8) {
      text += String.fromCharCode(
        bytes[at]!,
        bytes[at + 1]!,
        bytes[at + 2]!,
        bytes[at + 3]!,
        bytes[at + 4]!,
        bytes[at + 5]!,
        bytes[at + 6]!,
        bytes[at + 7]!,
      )
    }
    for (; at < end; at++) text += String.fromCharCode(bytes[at]!)
    return text
  }

  #utf8(length: number): string {
    const at = this.#offset
    const bytes = this.#take(length)
    try {
      return utf8.decode(bytes)
    } catch {
      return this.#refuse('invalid UTF-8', at)
    }
  }

  #refValue(): Value {
    const at = this.#offset
    const refs = this.refs()
    if (refs.length === 1) return this.#copies ? Ref.fromBytes(refs.bytes.slice()) : refs.at(0)
    return this.#rules.refLists ? refs : this.#refuse(`${refs.length} refs in place of one`, at)
  }

  #integer(): number | bigint {
    const at = this.#offset
    const code = this.#bytes[this.#offset++]!
    const size = 1 << (code & 3)
    this.#need(size)
    const from = this.#offset
    this.#offset += size
    switch (code) {
      case 0xcc:
        return this.#above(this.#view.getUint8(from), 0x7f, at)
      case 0xcd:
        return this.#above(this.#view.getUint16(from), 0xff, at)
      case 0xce:
        return this.#above(this.#view.getUint32(from), 0xffff, at)
      case 0xcf: {
        const value = this.#view.getBigUint64(from)
        return value > Number.MAX_SAFE_INTEGER ? value : this.#above(Number(value), 0xffffffff, at)
      }
      case 0xd0:
        return this.#below(this.#view.getInt8(from), -32, at)
      case 0xd1:
        return this.#below(this.#view.getInt16(from), -0x80, at)
      case 0xd2:
        return this.#below(this.#view.getInt32(from), -0x8000, at)
      default: {
        const value = this.#view.getBigInt64(from)
        return value < Number.MIN_SAFE_INTEGER ? value : this.#below(Number(value), -0x80000000, at)
      }
    }
  }

  #float(): number {
    const at = this.#offset
    this.#offset++
    this.#need(8)
    const value = this.#view.getFloat64(this.#offset)
    const bits = this.#view.getBigUint64(this.#offset)
    this.#offset += 8
    if (Number.isSafeInteger(value)) this.#refuse('integer written as float', at)
    if (Number.isNaN(value) && bits !== 0x7ff8000000000000n) this.#refuse('NaN with other bits', at)
    return value
  }

  #above(value: number, limit: number, at: number): number {
    return value > limit ? value : this.#refuse('integer with too long a header', at)
  }

  #below(value: number, limit: number, at: number): number {
    return value < limit ? value : this.#refuse('integer with too long a header', at)
  }

  /** Reads a header with a length of 1, 2 or 4 bytes; `shortest` is the least length that may use it. */
  #sized(first: number, shortest: number, what: string): number {
    const at = this.#offset
    const width = this.#peek() - first
    if (width < 0 || width > 2) this.#refuse(`no ${what}`)
    this.#offset++
    this.#need(1 << width)
    const length = this.#uintOf(width)
    const least = width === 0 ? shortest : width === 1 ? 0x100 : 0x10000
    if (length < least) this.#refuse(`${what} with too long a header`, at)
    return length
  }

  /** Reads an array's or map's header; each entry takes at least `perEntry` bytes. */
  #container(fixed: number, sized: number, perEntry: number, what: string): number {
    const at = this.#offset
    const code = this.#peek()
    let count: number
    if (code >= fixed && code < fixed + 16) {
      this.#offset++
      count = code - fixed
    } else {
      const width = code - sized + 1
      if (width !== 1 && width !== 2) this.#refuse(`no ${what}`)
      this.#offset++
      this.#need(1 << width)
      count = this.#uintOf(width)
      if (count < (width === 1 ? 16 : 0x10000)) this.#refuse(`${what} with too long a header`, at)
    }
    if (count * perEntry > this.#bytes.length - this.#offset)
      this.#refuse(`${what} longer than its chunk`, at)
    return count
  }

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes
    return (this.#lazyView ??= new DataView(buffer, byteOffset, byteLength))
  }

  #uintOf(width: number): number {
    const from = this.#offset
    this.#offset += 1 << width
    if (width === 0) return this.#view.getUint8(from)
    return width === 1 ? this.#view.getUint16(from) : this.#view.getUint32(from)
  }

  #take(length: number): Uint8Array {
    const start = this.#offset
    this.#pass(length)
    return this.#bytes.subarray(start, this.#offset)
  }

  #pass(length: number): void {
    this.#need(length)
    this.#offset += length
  }

  #need(byteCount: number): void {
    if (byteCount > this.#bytes.length - this.#offset) this.#refuse('value longer than its chunk')
  }

  #peek(): number {
    if (this.#offset >= this.#bytes.length) this.#refuse('value longer than its chunk')
    return this.#bytes[this.#offset]!
  }

  #enter(): void {
    if (++this.#depth > this.#rules.maxDepth) this.#refuse(`nested more than ${this.#rules.maxDepth} deep`)
  }

  #refuse(what: string, offset = this.#offset): never {
    throw new EncodingError(what, offset)
  }
}
