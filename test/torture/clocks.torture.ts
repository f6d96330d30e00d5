/**
 * D12: clocks that are wrong, or change while a process works on a store: kill -9 at any moment, as kill.test.ts has it,
 * in 1970, on either side of 2038, in 2100, and with a clock that is put back by a day again and again. Each process has
 * its own clock, by libfaketime; that it has is held against what it says.
 */

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Build, build } from '../crash/built.js'
import { StoreChild } from '../crash/child.js'
import { killOften } from '../crash/kills.js'
import { Random } from '../crash/random.js'
import { seed } from '../seed.js'
import { requireCommands, share } from './requirements.js'

const KILLS = 200

/** By title, what the clock is set to, one after the other, one at each kill. */
const CLOCKS: readonly (readonly [title: string, ...times: string[]])[] = [
  ['in 1970', '@1970-01-01 00:00:10'],
  ['when 31 bits of seconds end', '@2038-01-19 03:14:06'],
  ['in 2100', '@2100-02-28 23:59:59'],
  ['put back by a day, and forward again, while processes work', '+0', '-1d'],
  ['anywhere between 1970 and 2100', '@2100-02-28 23:59:59', '@1970-01-01 00:00:10', '+0'],
]

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-clocks-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

describe('a store outlives kill -9', () => {
  test.for(CLOCKS)('%s', async ([title, ...times], context) => {
    const count = share(KILLS)
    requireCommands(context, `${count} kills ${title}`, 'faketime')
    const clock = join(directory, 'clock')
    const env = fakeEnvironment(clock)
    const seenYears = new Set<number>()
    const setClock = async (kill: number): Promise<void> => {
      await writeFile(clock, `${times[kill % times.length]}\n`)
      if (kill <= times.length) seenYears.add(yearBy(env))
    }
    await setClock(0)
    const path = join(directory, `store of ${title}`)
    const start = (): StoreChild => new StoreChild(built.path, path, undefined, env)
    const random = new Random(seed)
    const { problems, ...counts } = await killOften({ path, count, random, start, onKill: setClock })
    console.log(
      `kills ${title}: ${count}, ${counts.openCount} while it was writing, ${counts.acknowledgedCount} calls acknowledged, ${problems.length} violations (seed ${seed})`,
    )
    expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
    expect(counts.acknowledgedCount).toBeGreaterThan(count / 4)
    const years = times.map((time) => Number(/^@(\d+)/.exec(time)?.[1] ?? new Date().getFullYear()))
    expect([...seenYears].sort()).toEqual([...new Set(years)].sort())
  })
})

/** What gives a process the clock that the file `clock` says; timers go on as they are. */
function fakeEnvironment(clock: string): NodeJS.ProcessEnv {
  const printed = execFileSync('faketime', ['-f', '+0', 'env'], { encoding: 'utf8' })
  return {
    LD_PRELOAD: /^LD_PRELOAD=(.*)$/m.exec(printed)![1],
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    TZ: 'UTC',
  }
}

/** The year that a process has which is started now. */
function yearBy(env: NodeJS.ProcessEnv): number {
  const program = 'process.stdout.write(String(new Date().getFullYear()))'
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' as const }
  return Number(execFileSync(process.execPath, ['-e', program], options))
}
