/**
 * D1, D10: what a crash at any operation may leave of a store, recovery included. With the disk made to lie, the
 * same tests must fail.
 */

import { describe, expect, test } from 'vitest'
import type { FileSystem } from '../../src/store/segment/file-system.js'
import { seed } from '../seed.js'
import { dropping, removingEarly, swappingSyncs, syncingLate } from './faulty-fs.js'
import { Random } from './random.js'
import { scenarios } from './scenarios.js'
import { Scene } from './scene.js'
import { noCounts, type SweepCounts, type SweepOptions, sweep } from './sweep.js'

const { NOMSY_TORTURE } = process.env

/** Seeds that each scenario is run with. */
const ROUNDS = NOMSY_TORTURE === '1' ? 20 : 1

/** Violations that are shown. */
const MAX_MESSAGES = 10

const LIES: readonly (readonly [string, (fs: FileSystem) => FileSystem])[] = [
  ['does not sync files', dropping('file.sync')],
  ['does not sync directories', dropping('syncDir')],
  ['syncs a file when it is asked to again', syncingLate],
  ['syncs a file after the next write', swappingSyncs],
]

/** The same for collections, and one that removes a segment as soon as the next one is made. */
const LIES_TO_COLLECTIONS: typeof LIES = [...LIES.slice(0, 2), ['removes segments too early', removingEarly]]

describe('a crash at any operation', () => {
  test('loses nothing that was acknowledged, and leaves a store that opens and is whole', async () => {
    const counts = noCounts()
    const messages: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, scenario] of scenarios.entries()) {
        if (scenario.isLong === true && NOMSY_TORTURE !== '1') continue
        await sweep(scenario, optionsOf(seed + 1000 * round + index, counts, messages))
      }
    }
    console.log(`crashes: ${inWords(counts)}`)
    expect(messages, `NOMSY_SEED=${seed}`).toEqual([])
    expect(counts.images).toBeGreaterThanOrEqual(100_000 * ROUNDS)
  })

  test.each(LIES)('is noticed where the disk %s', async (title, wrap) => {
    const counts = noCounts()
    const messages: string[] = []
    for (const scenario of scenarios.filter(({ title }) => UNDER_LIES.includes(title))) {
      await sweep(scenario, { ...optionsOf(seed, counts, messages), wrap })
    }
    console.log(`the disk ${title}: ${counts.violations} violations in ${counts.images} images`)
    expect(counts.scenarios).toBe(UNDER_LIES.length)
    expect(counts.violations, `NOMSY_SEED=${seed}`).toBeGreaterThan(0)
  })

  test.each(LIES_TO_COLLECTIONS)('is noticed in a collection where the disk %s', async (title, wrap) => {
    const counts = noCounts()
    const messages: string[] = []
    for (const scenario of scenarios.filter(({ title }) => title === 'collect a store of one segment')) {
      await sweep(scenario, { ...optionsOf(seed, counts, messages), wrap })
    }
    console.log(
      `collected where the disk ${title}: ${counts.violations} violations in ${counts.images} images`,
    )
    expect(counts.scenarios).toBe(1)
    expect(counts.violations, `NOMSY_SEED=${seed}`).toBeGreaterThan(0)
  })

  test('stops the store where the journal of the whole run says that it would', async () => {
    const scenario = scenarios.find(({ title }) => title === 'segments full while many heads move at once')!
    const whole = new Scene({ random: new Random(seed), segmentBytes: scenario.segmentBytes })
    await scenario.run(whole)
    for (let stopAt = 0; stopAt < whole.operationCount; stopAt++) {
      const scene = new Scene({ random: new Random(seed), segmentBytes: scenario.segmentBytes, stopAt })
      await expect(scenario.run(scene)).rejects.toThrow()
      const kinds = diskKinds(scene)
      expect(kinds, `stopped at ${stopAt}`).toEqual(diskKinds(whole).slice(0, kinds.length))
    }
  })
})

const UNDER_LIES = ['create', 'put and flush', 'head moved again and again', 'segment full by puts']

function optionsOf(from: number, counts: SweepCounts, messages: string[]): SweepOptions {
  return {
    random: new Random(from),
    counts,
    subsets: 64,
    tears: 3,
    recoveryChoices: 1,
    killChoices: 1,
    onViolation: (message) => {
      if (messages.length < MAX_MESSAGES) messages.push(message)
    },
  }
}

function inWords(counts: SweepCounts): string {
  const { scenarios, operations, points, images, recoveryImages, killImages, distinct, violations } = counts
  return (
    `${scenarios} scenarios, ${operations} operations, crashed at ${points} moments, ` +
    `${images} images held against what was acknowledged (${recoveryImages} of them left of a recovery, ` +
    `${killImages} of a process that went on after a kill), the ${distinct} different ones opened, ` +
    `${violations} violations (seed ${seed})`
  )
}

function diskKinds({ journal }: Scene): string[] {
  return journal.flatMap((entry) => (entry.kind === 'disk' ? [entry.event.kind] : []))
}
