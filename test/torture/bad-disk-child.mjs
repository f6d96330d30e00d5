/**
 * Works on a segment store whose disk is bad: `node bad-disk-child.mjs BUILT-SOURCES STORE write|fill|read|mend`. Says what happens
 * in lines of JSON.
 *
 * `write` moves a head, in notes of crash/ledger.ts, until that fails; says `{"failed": CODE}`, waits for a line, tries
 * once more, and says `{"later": CODE}`, or that it was acknowledged.
 * `fill` moves a head a hundred times.
 * `mend` mends the store, and says of each thing mended `{"mended": WORDS}`.
 * `read` reads all chunks and says of each `{"ref": TEXT, "is": "right" | "wrong" | CODE}`.
 */

import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [sources, path, mode] = process.argv.slice(2)
const { SegmentStore } = await import(pathToFileURL(`${sources}/store/segment/segment-store.js`))
const { chunkOf } = await import(pathToFileURL(`${sources}/store/chunk-store.js`))

const say = (note) => writeSync(1, `${JSON.stringify(note)}\n`)
const codeOf = (error) =>
  String(error.code).startsWith('NOMSY_') ? error.code : String(error.stack ?? error)
const lines = createInterface({ input: process.stdin })

if (mode === 'mend') {
  const { mendStore } = await import(pathToFileURL(`${sources}/store/segment/mend-store.js`))
  await mendStore(path, { onMended: (mended) => say({ mended }) })
  process.exit()
}
const store = await SegmentStore.open(path, { segmentBytes: 256 * 1024 }).catch((error) => {
  say({ failed: codeOf(error), later: codeOf(error), why: String(error.message) })
  process.exit()
})
if (mode === 'write') {
  say({ failed: await write(Number.POSITIVE_INFINITY).catch(codeOf) })
  await new Promise((resolve) => lines.once('line', resolve))
  say({ later: await move(-1).then(() => 'acknowledged', codeOf) })
} else if (mode === 'fill') {
  await write(100)
} else {
  for await (const ref of store.refs()) {
    const is = await store
      .get(ref)
      .then((bytes) => (chunkOf(bytes).ref.equals(ref) ? 'right' : 'wrong'), codeOf)
    say({ ref: ref.toString(), is })
  }
}
await store.close().catch(() => {})
process.exit()

async function write(calls) {
  for (let call = 0; call < calls; call++) await move(call)
}

async function move(call) {
  const chunks = [1, 2, 3].map((size) => chunkOf(new Uint8Array(randomBytes(size * 2000))))
  const next = chunks[0].ref
  await store.put(chunks)
  if (call >= 0) {
    say({ kind: 'put', refs: chunks.map(({ ref }) => ref.toString()) })
    say({ kind: 'asked', call, head: ['head', next.toString()] })
  }
  await store.heads.compareAndSet('head', await store.heads.get('head'), next)
  if (call >= 0) say({ kind: 'acknowledged', call })
}
