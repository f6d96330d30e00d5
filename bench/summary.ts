/** From the figures of several runs to what is said about them: the median, and beside it the spread. */

import type { Figure } from './bench.js'

export interface Summary {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Summaries of `runs`, each of which gave the same figures in the same order. */
export function summarize(runs: readonly (readonly Figure[])[]): Summary[] {
  return runs[0]!.map(({ name, unit }, index) => {
    const sorted = runs.map((run) => run[index]!.value).sort((a, b) => a - b)
    return {
      name,
      unit,
      median: sorted[sorted.length >> 1]!,
      low: sorted[0]!,
      high: sorted[sorted.length - 1]!,
    }
  })
}

/** A number as a person reads it, with the digits that mean something. */
export function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3)
}
