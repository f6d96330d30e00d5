/** The maps that benches are run on: keys in order, values of noise. */

import { createHash } from 'node:crypto'
import type { SortedMap } from '../src/index.js'
import { randomNumbers, seconds } from './bench.js'

export type TestMap = SortedMap<string, string>

/** Text to cut values from. */
const NOISE = createHash('shake256', { outputLength: 48 * 1024 })
  .update('nomsy')
  .digest('base64')

export async function* entries(count: number): AsyncGenerator<[string, string]> {
  for (let index = 0; index < count; index++) yield [key(index), value(index)]
}

/** One of the keys of a map of so many entries. */
export function keyAt(random: () => number, entryCount: number): string {
  return key(Math.floor(random() * entryCount))
}

/** Milliseconds that it takes to find ten keys whose values were changed. */
export async function diffOfTen(map: TestMap, entryCount: number, seed: number): Promise<number> {
  const random = randomNumbers(seed)
  const edit = map.edit()
  for (let count = 0; count < 10; count++) edit.set(keyAt(random, entryCount), `changed ${seed}`)
  const other = await edit.done()
  let found = 0
  const elapsed = await seconds(async () => {
    for await (const _ of map.diff(other)) found++
  })
  if (found !== 10) throw new Error(`${found} changes instead of 10`)
  return elapsed * 1000
}

function key(index: number): string {
  return `key${String(index).padStart(8, '0')}`
}

/** 16 to 32 characters that zstd cannot make much of, at next to no cost. */
function value(index: number): string {
  const at = (index * 7919) % (NOISE.length - 32)
  return NOISE.slice(at, at + 16 + (index % 17))
}
