/** Collections of an owner that waits for its clients, and what clients know of losses. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chunkOf } from '../../../src/store/chunk-store.js'
import { SharedStore } from '../../../src/store/shared/shared-store.js'
import { type Build, build } from '../../crash/built.js'

let built: Build
let directory: string

beforeAll(async () => {
  built = await build()
  directory = await mkdtemp(join(tmpdir(), 'nomsy-collecting-'))
})

afterAll(async () => {
  await built.remove()
  await rm(directory, { recursive: true, force: true })
})

/** A program that has nothing to do but to collect, once it is told to. */
const OWNER = (path: string): string => `
  const { open } = await import('${pathToFileURL(join(built.path, 'index.js')).href}')
  const db = await open(${JSON.stringify(path)})
  const waiting = setInterval(() => {}, 1000)
  process.once('SIGUSR2', async () => {
    clearInterval(waiting)
    console.log('collecting')
    await db.gc()
    console.log('collected')
    await db.close()
  })
  console.log('open')
`

test('an owner that only waits for what a client writes goes on, and collects', async () => {
  const path = join(directory, 'waiting')
  const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  owner.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(owner, 'close')
  while (!said.includes('open')) await once(owner.stdout, 'data')
  const client = await SharedStore.open(path)
  let end = (): void => {}
  const write = client.writing(
    () =>
      new Promise<void>((resolve) => {
        end = resolve
      }),
  )
  owner.kill('SIGUSR2')
  while (!said.includes('collecting')) await once(owner.stdout, 'data')
  // Long enough for a program to end that nothing keeps running.
  await Promise.race([ended, sleep(500)])
  expect(said).toBe('open\ncollecting\n')
  expect(owner.exitCode).toBeNull()
  end()
  await write
  expect((await ended)[0]).toBe(0)
  expect(said).toBe('open\ncollecting\ncollected\n')
  await client.close()
})

test('what is known to be lost is known to clients, who can say so too', async () => {
  const path = join(directory, 'lost')
  const owner = await SharedStore.open(path)
  const client = await SharedStore.open(path)
  const refs = ['one', 'other'].map((text) => chunkOf(new TextEncoder().encode(text)).ref)
  await owner.lost.replace(refs.slice(0, 1))
  expect((await client.lost.list()).map(String)).toEqual([String(refs[0])])
  await client.lost.replace(refs)
  expect((await owner.lost.list()).map(String).sort()).toEqual(refs.map(String).sort())
  await client.close()
  await owner.close()
})
