/** D3: a process that works on a store is killed at any moment; the next one finds all that was acknowledged. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seed } from '../seed.js'
import { type Build, build } from './built.js'
import { StoreChild } from './child.js'
import { killOften, MAX_DELAY_MS } from './kills.js'
import { Random } from './random.js'

const { NOMSY_TORTURE } = process.env
const KILLS = NOMSY_TORTURE === '1' ? 2000 : 60

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-kill-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

test('a store outlives kill -9 at any moment, again and again', async () => {
  const path = join(directory, 'store')
  const start = (): StoreChild => new StoreChild(built.path, path)
  const killed = await killOften({ path, count: KILLS, random: new Random(seed), start })
  const { problems, acknowledgedCount, openCount } = killed
  console.log(
    `kills: ${KILLS} of kill -9 after 0 to ${MAX_DELAY_MS} ms, ${openCount} while it was writing, ` +
      `${acknowledgedCount} calls acknowledged, ${problems.length} violations, 0 stores to repair (seed ${seed})`,
  )
  expect(problems.slice(0, 10), `NOMSY_SEED=${seed}`).toEqual([])
  expect(openCount).toBeGreaterThan(KILLS / 4)
  expect(acknowledgedCount).toBeGreaterThan(KILLS / 4)
})
