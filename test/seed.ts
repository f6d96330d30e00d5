/**
 * The seed of this run's random tests: NOMSY_SEED where it is set, else a new one. A property that fails prints
 * it as `seed`; setting NOMSY_SEED to that number runs the same cases again.
 */

import fc from 'fast-check'

const { NOMSY_SEED } = process.env

export const seed = readSeed(NOMSY_SEED)

/** As fc.assert, with the seed of this run. */
export function check<Ts>(property: fc.IAsyncProperty<Ts>, options?: fc.Parameters<Ts>): Promise<void>
export function check<Ts>(property: fc.IProperty<Ts>, options?: fc.Parameters<Ts>): void
export function check<Ts>(
  property: fc.IRawProperty<Ts, boolean>,
  options: fc.Parameters<Ts> = {},
): Promise<void> | void {
  return fc.assert(property as fc.IAsyncProperty<Ts>, { seed, ...options })
}

function readSeed(text: string | undefined): number {
  if (text === undefined || text === '') return Math.floor(Math.random() * 0x7fffffff)
  const number = Number(text)
  if (!Number.isInteger(number)) throw new RangeError(`NOMSY_SEED is '${text}'; it must be an integer`)
  return number
}
