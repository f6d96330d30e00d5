/**
 * Canonical msgpack, the writing side: one value has one byte string. SPEC "Encoding".
 *
 * Shortest headers; safe integers as ints, larger bigints as int64 or uint64, all other numbers as float64
 * with one NaN and no -0; well-formed UTF-8; maps sorted by their keys' UTF-8 bytes; refs as ext 1.
 */

import { Ref } from '../hash/ref.js'
import { RefList } from '../hash/ref-list.js'
import {
  CHUNK_RULES,
  compareUtf8,
  type Referable,
  storedAs,
  type Value,
  type ValueRecord,
  type ValueRules,
} from './value.js'

const utf8 = new TextEncoder()

/** Longest string, in characters, that is written byte by byte where it is ASCII: for these that is the fastest. */
const SHORT_CHARS = 48

/** What to store in place of objects that often turn up and cannot be stored. */
const ADVICE: Readonly<Record<string, string>> = {
  Date: 'store its getTime() or toISOString()',
  Map: 'store an array of its entries, or make it a map of its own and store that',
  Set: 'store an array of its values, or make it a set of its own and store that',
  ArrayBuffer: 'store a Uint8Array of it',
  RegExp: 'store its source',
  Promise: 'await it first',
}

/** The canonical bytes of `value`. Throws a TypeError or RangeError that names the place inside the value. */
export function encode(value: Value): Uint8Array {
  const writer = new Writer()
  writer.value(value)
  return writer.bytes()
}

/** Bytes of the header of a `bin` of `byteCount` bytes. */
export function binHeader(byteCount: number): Uint8Array {
  const writer = new Writer(5)
  writer.binHeader(byteCount)
  return writer.bytes()
}

/** Writes canonical values one after the other into one growing buffer. */
export class Writer {
  #buffer: Uint8Array
  #view: DataView
  #length = 0
  readonly #rules: ValueRules
  /** What the outermost value is called in errors. */
  #name = 'value'
  /** Keys and indices from the outermost value to the one being written; its length is the depth. */
  readonly #path: (string | number)[] = []

  constructor(capacity = 256, rules = CHUNK_RULES) {
    this.#buffer = new Uint8Array(capacity)
    this.#view = new DataView(this.#buffer.buffer)
    this.#rules = rules
  }

  /** What was written so far, as a view of the buffer, which is written over after {@link clear}. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** The memory that is written to, from its beginning; until more is written than fits. */
  get buffer(): Uint8Array {
    return this.#buffer
  }

  /** A copy of what was written so far. */
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** Forgets what was written, in order to use the buffer again. */
  clear(): void {
    this.#length = 0
    this.#path.length = 0
  }

  /** Writes any value. What cannot be stored is named from `name` on: `value.users[3].born is a Date`. */
  item(value: unknown, name: string): void {
    this.#name = name
    this.value(value as Value)
  }

  value(value: Value): void {
    switch (typeof value) {
      case 'string':
        return this.string(value)
      case 'number':
        return this.number(value)
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2)
      case 'bigint':
        return this.bigint(value)
      case 'object':
        return this.#object(value)
      case 'undefined':
        throw new TypeError(
          `${this.#place()} is undefined, which cannot be stored; leave it out, or store null`,
        )
      default:
        throw new TypeError(`${this.#place()} is a ${typeof value}, which cannot be stored`)
    }
  }

  number(value: number): void {
    if (Number.isSafeInteger(value)) return value < 0 ? this.#negative(value) : this.#unsigned(value)
    this.#reserve(9)
    this.#buffer[this.#length] = 0xcb
    this.#view.setFloat64(this.#length + 1, value)
    if (Number.isNaN(value)) this.#view.setBigUint64(this.#length + 1, 0x7ff8000000000000n)
    this.#length += 9
  }

  /** A bigint within the safe integers is written, and read back, as a number. */
  bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)
      return this.number(Number(value))
    const fits = value < 0n ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value
    if (!fits) throw new RangeError(`${this.#place()} is ${value}, beyond 64 bits`)
    this.#reserve(9)
    this.#buffer[this.#length] = value < 0n ? 0xd3 : 0xcf
    this.#view.setBigUint64(this.#length + 1, BigInt.asUintN(64, value))
    this.#length += 9
  }

  string(value: string): void {
    if (value.length <= SHORT_CHARS && this.#shortAscii(value)) return
    if (!value.isWellFormed())
      throw new TypeError(
        `${this.#place()} holds a lone surrogate, which is no Unicode text; toWellFormed() replaces it`,
      )
    const bytes = utf8.encode(value)
    this.#stringHeader(bytes.length)
    this.raw(bytes)
  }

  binHeader(byteCount: number): void {
    this.#sized(0xc4, byteCount)
  }

  bin(bytes: Uint8Array): void {
    this.binHeader(bytes.length)
    this.raw(bytes)
  }

  /** Refs as one ext of type 1, `bytes` being the refs one after the other. */
  refs(bytes: Uint8Array): void {
    this.#sized(0xc7, bytes.length)
    this.#byte(1)
    this.raw(bytes)
  }

  arrayHeader(count: number): void {
    this.#container(0x90, 0xdc, count)
  }

  mapHeader(count: number): void {
    this.#container(0x80, 0xde, count)
  }

  /** Bytes that are canonical already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #object(value: Exclude<Value, string | number | boolean | bigint>): void {
    if (value === null) return this.#byte(0xc0)
    if (value instanceof Uint8Array) return this.bin(value)
    if (value instanceof Ref) return this.refs(value.bytes)
    if (value instanceof RefList) return this.#refList(value)
    if (Array.isArray(value)) return this.#array(value)
    const prototype = Object.getPrototypeOf(value)
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return this.#record(value)
    const ref = (value as Partial<Referable>)[storedAs]
    if (ref === undefined) throw this.#notStorable(prototype.constructor?.name ?? 'instance of a class')
    this.refs(ref.bytes)
  }

  #refList(refs: RefList): void {
    if (!this.#rules.refLists)
      throw new TypeError(
        `${this.#place()} is a RefList, which cannot be stored here; store an array of Refs`,
      )
    this.refs(refs.bytes)
  }

  #array(values: readonly Value[]): void {
    this.#checkDepth()
    this.arrayHeader(values.length)
    for (let index = 0; index < values.length; index++) {
      this.#path.push(index)
      this.value(values[index]!)
      this.#path.pop()
    }
  }

  #record(record: ValueRecord): void {
    this.#checkDepth()
    if (Object.getOwnPropertySymbols(record).length > 0)
      throw new TypeError(`${this.#place()} has a key that is a symbol, which cannot be stored`)
    const keys = Object.keys(record).sort(compareUtf8)
    this.mapHeader(keys.length)
    for (const key of keys) {
      this.#path.push(key)
      this.string(key)
      this.value(record[key]!)
      this.#path.pop()
    }
  }

  #checkDepth(): void {
    const { maxDepth } = this.#rules
    if (this.#path.length >= maxDepth)
      throw new RangeError(`${this.#place()} is nested more than ${maxDepth} deep, or refers to itself`)
  }

  #notStorable(className: string): TypeError {
    const advice = ADVICE[className] ?? 'store an array or a plain object of what is in it'
    return new TypeError(`${this.#place()} is a ${className}, which cannot be stored; ${advice}`)
  }

  /** Writes the string if it is ASCII; leaves nothing behind if not. */
  #shortAscii(value: string): boolean {
    const { length } = value
    this.#reserve(length + 2)
    const buffer = this.#buffer
    let at = this.#length
    if (length < 32) {
      buffer[at++] = 0xa0 | length
    } else {
      buffer[at++] = 0xd9
      buffer[at++] = length
    }
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[at++] = code
    }
    this.#length = at
    return true
  }

  #stringHeader(byteCount: number): void {
    if (byteCount < 32) this.#byte(0xa0 | byteCount)
    else this.#sized(0xd9, byteCount)
  }

  #unsigned(value: number): void {
    if (value < 0x80) return this.#byte(value)
    this.#reserve(9)
    if (value < 0x100) {
      this.#buffer[this.#length] = 0xcc
      this.#buffer[this.#length + 1] = value
      this.#length += 2
    } else if (value < 0x10000) {
      this.#buffer[this.#length] = 0xcd
      this.#view.setUint16(this.#length + 1, value)
      this.#length += 3
    } else if (value < 0x100000000) {
      this.#buffer[this.#length] = 0xce
      this.#view.setUint32(this.#length + 1, value)
      this.#length += 5
    } else {
      this.#buffer[this.#length] = 0xcf
      this.#view.setBigUint64(this.#length + 1, BigInt(value))
      this.#length += 9
    }
  }

  #negative(value: number): void {
    if (value >= -32) return this.#byte(value & 0xff)
    this.#reserve(9)
    if (value >= -0x80) {
      this.#buffer[this.#length] = 0xd0
      this.#view.setInt8(this.#length + 1, value)
      this.#length += 2
    } else if (value >= -0x8000) {
      this.#buffer[this.#length] = 0xd1
      this.#view.setInt16(this.#length + 1, value)
      this.#length += 3
    } else if (value >= -0x80000000) {
      this.#buffer[this.#length] = 0xd2
      this.#view.setInt32(this.#length + 1, value)
      this.#length += 5
    } else {
      this.#buffer[this.#length] = 0xd3
      this.#view.setBigInt64(this.#length + 1, BigInt(value))
      this.#length += 9
    }
  }

  /** A header with a length of 1, 2 or 4 bytes: `first` and the two codes after it. */
  #sized(first: number, length: number): void {
    this.#reserve(5)
    if (length < 0x100) {
      this.#buffer[this.#length] = first
      this.#buffer[this.#length + 1] = length
      this.#length += 2
    } else if (length < 0x10000) {
      this.#buffer[this.#length] = first + 1
      this.#view.setUint16(this.#length + 1, length)
      this.#length += 3
    } else {
      this.#buffer[this.#length] = first + 2
      this.#view.setUint32(this.#length + 1, length)
      this.#length += 5
    }
  }

  #container(fixed: number, sized: number, count: number): void {
    if (count < 16) return this.#byte(fixed | count)
    this.#reserve(5)
    if (count < 0x10000) {
      this.#buffer[this.#length] = sized
      this.#view.setUint16(this.#length + 1, count)
      this.#length += 3
    } else {
      this.#buffer[this.#length] = sized + 1
      this.#view.setUint32(this.#length + 1, count)
      this.#length += 5
    }
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #reserve(byteCount: number): void {
    if (this.#length + byteCount <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + byteCount))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
    this.#view = new DataView(grown.buffer)
  }

  #place(): string {
    return this.#path.reduce<string>((place, step) => place + accessor(step), this.#name)
  }
}

/** A step into a value, as a program would write it. */
function accessor(step: string | number): string {
  return typeof step === 'string' && /^[A-Za-z_$][\w$]*$/.test(step)
    ? `.${step}`
    : `[${JSON.stringify(step)}]`
}
