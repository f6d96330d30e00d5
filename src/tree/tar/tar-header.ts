/**
 * Blocks of an archive: the header of a member, 512 bytes (POSIX ustar), and the records of a pax header, for what does
 * not fit into one.
 *
 *     name 0 100, mode 100 8, uid 108 8, gid 116 8, size 124 12, mtime 136 12, checksum 148 8, type 156, link 157 100,
 *     magic 257 6, version 263 2, user 265 32, group 297 32, major 329 8, minor 337 8, prefix 345 155
 */

export const BLOCK_BYTES = 512

const encoder = new TextEncoder()

/** What stands in a header, as it is to be written. */
export interface TarHeader {
  readonly name: Uint8Array
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Whole seconds since 1970. */
  readonly mtime: number
  readonly link: Uint8Array
  readonly user: Uint8Array
  readonly group: Uint8Array
  readonly major: number
  readonly minor: number
}

/** Largest number of so many octal digits. */
export const MAX_OCTAL_7 = 0o7777777
export const MAX_OCTAL_11 = 0o77777777777

/** Bytes of a name, of a link's target, and of a user's or group's name. */
export const NAME_BYTES = 100
export const OWNER_BYTES = 32

/** Numbers that do not fit are written as 0, and names cut off: pax records say what they are. */
export function encodeHeader(header: TarHeader): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES)
  const text = (bytes: Uint8Array, at: number, length: number): void =>
    block.set(bytes.subarray(0, length), at)
  const octal = (value: number, at: number, digits: number): void => {
    const fits = value >= 0 && value < 8 ** digits
    text(encoder.encode((fits ? value : 0).toString(8).padStart(digits, '0')), at, digits)
  }
  text(header.name, 0, NAME_BYTES)
  octal(header.mode, 100, 7)
  octal(header.uid, 108, 7)
  octal(header.gid, 116, 7)
  octal(header.size, 124, 11)
  octal(header.mtime, 136, 11)
  text(encoder.encode('        '), 148, 8)
  text(encoder.encode(header.type), 156, 1)
  text(header.link, 157, NAME_BYTES)
  text(encoder.encode('ustar\0' + '00'), 257, 8)
  text(header.user, 265, OWNER_BYTES)
  text(header.group, 297, OWNER_BYTES)
  octal(header.major, 329, 7)
  octal(header.minor, 337, 7)
  const sum = block.reduce((total, byte) => total + byte, 0)
  text(encoder.encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148, 8)
  return block
}

/** A record of a pax header: its length in decimal, itself included, a space, `key=value` and a newline. */
export function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const body = encoder.encode(` ${key}=`)
  const rest = body.length + value.length + 1
  let length = rest + String(rest).length
  if (length < rest + String(length).length) length = rest + String(length).length
  const record = new Uint8Array(length)
  const digits = encoder.encode(String(length))
  record.set(digits)
  record.set(body, digits.length)
  record.set(value, digits.length + body.length)
  record[length - 1] = 0x0a
  return record
}

/** Bytes between what ends at `length` and the next block. */
export function padding(length: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES)
}
