/**
 * Moves the head 'main' of a level store until it is killed: `node level-store-child.mjs BUILT-SOURCES STORE`. Writes
 * to standard output, per step, `try HEAD REFS` before the head is moved and `done HEAD` once it is.
 */

import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [sources, location] = process.argv.slice(2)
const load = (file) => import(pathToFileURL(`${sources}/${file}`))
const { chunkOf } = await load('store/chunk-store.js')
const { LevelStore } = await load('store/level-store.js')

const store = await LevelStore.open(location)
let head = await store.heads.get('main')
for (let step = 0; ; step++) {
  // Every tenth step is more than one batch.
  const chunks = Array.from({ length: 10 }, () => chunkOf(randomBytes(step % 10 === 9 ? 1_000_000 : 5000)))
  for (const chunk of chunks) await store.put([chunk])
  const next = chunks[9].ref
  writeSync(1, `try ${next} ${chunks.map((chunk) => chunk.ref).join(',')}\n`)
  await store.heads.compareAndSet('main', head, next)
  writeSync(1, `done ${next}\n`)
  head = next
}
