/** Items of collections on their way in and out. */

import type { Value } from '../../collection/value.js'

/** Of a map an array of key and value, of a set a key, of a list a value. */
export type Item = Value

/** Where a reader is: the line that it gave last, from 1. */
export interface Place {
  line: number
}

/** Gives the items of a text. Throws a NotationError, about the line at `place` unless it says another one. */
export type ItemReader = (pieces: AsyncIterable<Uint8Array>, place: Place) => AsyncGenerator<Item>
