/** How often a property is tried: as often as is said, and with NOMSY_TORTURE=1 fifty times as often. */

const { NOMSY_TORTURE } = process.env

export function runs(count: number): number {
  return Math.ceil(count) * (NOMSY_TORTURE === '1' ? 50 : 1)
}
