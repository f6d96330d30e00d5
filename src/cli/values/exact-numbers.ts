/**
 * Numbers in JSON that a program would change by reading them: whole numbers of more digits than a number holds, and
 * what is beyond all numbers. JSON.parse rounds these without a word.
 */

import { NotationError } from './notation-error.js'

/** Only texts in which this occurs can hold such numbers. */
const SUSPICIOUS = /\d{16}|\d[eE]\+?\d/

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Throws a NotationError if JSON.parse would change a number in `json`, which is valid. */
export function checkNumbers(json: string): void {
  if (!SUSPICIOUS.test(json)) return
  const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(json, at)
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      number.lastIndex = at
      const [text] = number.exec(json)!
      checkNumber(text)
      at += text.length
    } else {
      at++
    }
  }
}

/** The number that `text`, a number of JSON, spells; throws a NotationError where that would be another one. */
export function checkNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new NotationError(`${text} is beyond all numbers`)
  // What JSON.stringify writes of a number is read back as that number.
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value) && String(value) !== text) {
    throw new NotationError(`${text} has more digits than a number holds; write {"$bigint":"${text}"}`)
  }
  return value
}

/** Where the string ends that begins at `start`. */
function stringEnd(json: string, start: number): number {
  let at = start + 1
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at))
    at += code === BACKSLASH ? 2 : 1
  return at + 1
}
