/** C3: one process at a time has a store, and whoever is refused is told which; a killed one has it no more. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StoreLockedError } from '../../src/errors.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { type Build, build } from '../crash/built.js'
import { StoreChild } from '../crash/child.js'

const { NOMSY_TORTURE } = process.env
const TRIALS = NOMSY_TORTURE === '1' ? 100 : 5
const MAX_REFUSAL_MS = 1000

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-lock-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

test('a second process is refused at once, and let in once the first is killed', async () => {
  const path = join(directory, 'store')
  let longestMs = 0
  for (let trial = 0; trial < TRIALS; trial++) {
    const child = new StoreChild(built.path, path, 'open')
    await child.go()
    await child.says('open')
    // Again after others have read the store, and after its index was deleted under it.
    for (const before of [undefined, readAll, trial === TRIALS - 1 ? deleteIndex : undefined]) {
      await before?.(path)
      const start = performance.now()
      const error = await SegmentStore.open(path).catch((error: unknown) => error)
      longestMs = Math.max(longestMs, performance.now() - start)
      expect(error).toBeInstanceOf(StoreLockedError)
      expect((error as StoreLockedError).holder).toContain(`process ${child.pid} `)
    }
    await child.kill()
    const store = await SegmentStore.open(path)
    await store.close()
  }
  console.log(
    `locks: ${TRIALS} trials, refused after at most ${Math.ceil(longestMs)} ms, all free after kill -9`,
  )
  expect(longestMs).toBeLessThan(MAX_REFUSAL_MS)
})

async function readAll(path: string): Promise<void> {
  const store = await SegmentStore.open(path, { readOnly: true })
  for await (const { message } of store.check()) expect(message).toBe('')
  await store.close()
}

function deleteIndex(path: string): Promise<void> {
  return rm(join(path, 'index'), { recursive: true })
}

test('what is beside the lock and cannot be read keeps nobody out', async () => {
  const path = join(directory, 'torn')
  await (await SegmentStore.open(path)).close()
  const files = (await readdir(join(path, 'lock'))).filter((name) => name !== 'LOCK')
  expect(files).toContain('CURRENT')
  for (const name of files) {
    for (const rest of ['', 'MANIFEST-999999\n', '\0'.repeat(100)]) {
      await writeFile(join(path, 'lock', name), rest)
      const store = await SegmentStore.open(path)
      await expect(SegmentStore.open(path), `${name} was '${rest}'`).rejects.toThrow(StoreLockedError)
      await store.close()
    }
  }
})
