/**
 * A process that shares a store with others: `node shared-child.mjs BUILT-SOURCES STORE NAME CLIENTS STEPS COUNTERS`.
 * Says `ready` and waits for a line, opens the store, says `open`; then CLIENTS at once make STEPS increments each, of
 * one of COUNTERS heads at random, and say `+ID` before each try and `=ID` once it is acknowledged. A counter is a
 * chain of chunks, `[how many, ID, the one before]`. Says `done`, waits for a line (which
 * also ends the counting before it is through), closes the store, says `closed`. STEPS of 0 only reads, until there is
 * that line: the chains, from their heads to their ends, again and again, and says `read` of each 50 chunks.
 */

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [sources, path, name, ...numbers] = process.argv.slice(2)
const [clientCount, stepCount, counterCount] = numbers.map(Number)
const load = (file) => import(pathToFileURL(`${sources}/${file}`))
const { SharedStore } = await load('store/shared/shared-store.js')
const { chunkOf } = await load('store/chunk-store.js')
const { encode } = await load('encoding/encode.js')
const { decode } = await load('encoding/decode.js')

const say = (line) => writeSync(1, `${line}\n`)
let lineCount = 0
const lines = createInterface({ input: process.stdin })
lines.on('line', () => lineCount++)
const line = (count) =>
  new Promise((resolve) => {
    const look = () => lineCount >= count && resolve()
    lines.on('line', look)
    look()
  })

say('ready')
await line(1)
const store = await SharedStore.open(path, { segmentBytes: 1024 * 1024 })
say('open')
await Promise.all(
  Array.from({ length: clientCount }, (_, client) => (stepCount > 0 ? increment(client) : read())),
)
say('done')
await line(2)
await store.close()
say('closed')
process.exit(0)

async function increment(client) {
  let tryCount = 0
  for (let step = 0; step < stepCount && lineCount < 2; step++) {
    const head = `counter/${Math.floor(Math.random() * counterCount)}`
    for (;;) {
      const id = `${name}.${client}.${tryCount++}`
      const before = await store.heads.get(head)
      const count = before === undefined ? 0 : decode(await store.get(before))[0]
      const chunk = chunkOf(encode([count + 1, id, before ?? null]))
      await store.put([chunk])
      say(`+${id}`)
      try {
        await store.heads.compareAndSet(head, before, chunk.ref)
        say(`=${id}`)
        break
      } catch (error) {
        if (error.code !== 'NOMSY_HEAD_CONFLICT') throw error
      }
    }
  }
}

async function read() {
  let readCount = 0
  while (lineCount < 2) {
    for await (const { ref } of store.heads.list('counter/')) {
      let count
      for (let at = ref; at !== null; ) {
        const [number, , before] = decode(await store.get(at))
        if (count !== undefined && number !== count - 1) throw new Error(`${number} comes before ${count}`)
        count = number
        at = before
        if (++readCount % 50 === 0) say('read')
      }
      if (count !== 1) throw new Error(`a chain that begins with ${count}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
