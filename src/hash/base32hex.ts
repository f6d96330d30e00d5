/**
 * The text form of refs: base32hex in lower case without padding (RFC 4648 section 7), for byte strings whose
 * length is a multiple of 5, so that no bits are left over and every value has one spelling. SPEC "Refs".
 */

const ALPHABET = '0123456789abcdefghijklmnopqrstuv'
const CODES = Uint8Array.from(ALPHABET, (digit) => digit.charCodeAt(0))

/** Value of each character code, 255 for those outside the alphabet. */
const DIGITS = new Uint8Array(128).fill(255)
for (let value = 0; value < 32; value++) DIGITS[CODES[value]!] = value

/** Text of `bytes`, 8 characters for each 5 bytes. */
export function encodeBase32Hex(bytes: Uint8Array): string {
  const codes = new Array<number>((bytes.length / 5) * 8)
  for (let from = 0, to = 0; from < bytes.length; from += 5) {
    const high = (bytes[from]! << 12) | (bytes[from + 1]! << 4) | (bytes[from + 2]! >> 4)
    const low = ((bytes[from + 2]! & 15) << 16) | (bytes[from + 3]! << 8) | bytes[from + 4]!
    for (let shift = 15; shift >= 0; shift -= 5) codes[to++] = CODES[(high >> shift) & 31]!
    for (let shift = 15; shift >= 0; shift -= 5) codes[to++] = CODES[(low >> shift) & 31]!
  }
  return String.fromCharCode(...codes)
}

/** Bytes of `text`, or undefined where it is no text that {@link encodeBase32Hex} gives. */
export function decodeBase32Hex(text: string): Uint8Array | undefined {
  if (text.length % 8 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 8) * 5)
  let bits = 0
  let bitCount = 0
  let to = 0
  for (let from = 0; from < text.length; from++) {
    const digit = DIGITS[text.charCodeAt(from)] ?? 255
    if (digit === 255) return undefined
    bits = ((bits << 5) | digit) & 0xfff
    bitCount += 5
    if (bitCount >= 8) {
      bitCount -= 8
      bytes[to++] = bits >> bitCount
    }
  }
  return bytes
}
