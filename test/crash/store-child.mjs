/**
 * Works on a segment store until it is killed: `node store-child.mjs BUILT-SOURCES STORE`. Says `ready` and waits for
 * a line, opens the store, says `open`, and from then on says what it does as notes of ledger.ts, one in a line of
 * JSON, each before it goes on. A third argument says how: `open` only opens the store; with `unsynced` no file is ever
 * synced, with `late` only when it is to be the next time, so that what it acknowledges can be lost; with `once` it
 * works a little while and closes the store.
 */

import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [sources, path, mode] = process.argv.slice(2)
const { SegmentStore } = await import(pathToFileURL(`${sources}/store/segment/segment-store.js`))
const { chunkOf } = await import(pathToFileURL(`${sources}/store/chunk-store.js`))

const say = (note) => writeSync(1, `${typeof note === 'string' ? note : JSON.stringify(note)}\n`)

say('ready')
const lines = createInterface({ input: process.stdin })
await new Promise((resolve) => lines.once('line', resolve))

let callCount = 0
const store = await SegmentStore.open(path, { segmentBytes: 64 * 1024, fileSystem: await fileSystem() })
say('open')
if (mode === 'once') {
  await move('one', 12)
  await store.close()
  process.exit()
}
if (mode !== 'open')
  await Promise.all(['one', 'two', 'three'].map((name) => move(name, Number.POSITIVE_INFINITY)))

async function move(name, steps) {
  let head = await store.heads.get(name)
  for (let step = 0; step < steps; step++) {
    const size = step % 7 === 6 ? 40_000 : 20 + (step % 5) * 300
    const chunks = Array.from({ length: 1 + (step % 4) }, () => chunkOf(new Uint8Array(randomBytes(size))))
    await store.put(chunks)
    say({ kind: 'put', refs: chunks.map(({ ref }) => ref.toString()) })
    if (step % 5 === 4) {
      const flush = callCount++
      say({ kind: 'asked', call: flush })
      await store.flush()
      say({ kind: 'acknowledged', call: flush })
    }
    const next = step % 9 === 8 ? undefined : chunks[0].ref
    const call = callCount++
    say({ kind: 'asked', call, head: next === undefined ? [name] : [name, next.toString()] })
    await store.heads.compareAndSet(name, head, next)
    say({ kind: 'acknowledged', call })
    head = next
  }
}

async function fileSystem() {
  const { nodeFileSystem } = await import(pathToFileURL(`${sources}/store/segment/node-file-system.js`))
  const owed = new WeakSet()
  const sync = async (file) => {
    if (mode === 'late' && owed.has(file)) await file.sync()
    owed.add(file)
  }
  const lying = (file) =>
    new Proxy(file, {
      get: (target, name) => {
        if (name === 'sync') return () => sync(target)
        const value = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  if (mode !== 'unsynced' && mode !== 'late') return nodeFileSystem
  return {
    ...nodeFileSystem,
    open: async (...how) => lying(await nodeFileSystem.open(...how)),
    create: async (...how) => lying(await nodeFileSystem.create(...how)),
  }
}
