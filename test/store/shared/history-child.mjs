/**
 * A process that reads and moves heads and says when: `node history-child.mjs BUILT-SOURCES STORE NAME HEADS STEPS`.
 * Says `ready` and waits for a line, opens the store, and works on all of HEADS at once, STEPS calls on each, one after
 * the other. Each call is said as a line of JSON, `[head, step, nanoseconds, ...]`, before it is made and when it has
 * answered; the clock is the same for all processes. Says `done` and closes the store.
 */

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [sources, path, name, headCount, stepCount] = process.argv.slice(2)
const load = (file) => import(pathToFileURL(`${sources}/${file}`))
const { SharedStore } = await load('store/shared/shared-store.js')
const { chunkOf } = await load('store/chunk-store.js')
const { encode } = await load('encoding/encode.js')

const say = (line) => writeSync(1, `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
const now = () => Number(process.hrtime.bigint())

say('ready')
await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve))
const store = await SharedStore.open(path)
await Promise.all(Array.from({ length: Number(headCount) }, (_, head) => work(head)))
say('done')
await store.close()
process.exit(0)

async function work(head) {
  let known
  for (let step = 0; step < Number(stepCount); step++) {
    const isRead = Math.random() < 0.4
    // Each is made the head once at most: a head that comes back to what it was would hide what happened.
    const next = chunkOf(encode(`${name} ${head} ${step}`))
    await store.put([next])
    if (isRead) say([head, step, now(), 'read'])
    else say([head, step, now(), 'move', known?.toString() ?? null, next.ref.toString()])
    let answer
    try {
      if (isRead) known = await store.heads.get(`h/${head}`)
      else {
        await store.heads.compareAndSet(`h/${head}`, known, next.ref)
        known = next.ref
      }
      answer = ['is', known?.toString() ?? null]
    } catch (error) {
      if (error.code !== 'NOMSY_HEAD_CONFLICT') throw error
      answer = [error.isUncertain ? 'uncertain' : 'conflict', error.actual ?? null]
      known = await store.heads.get(`h/${head}`)
    }
    say([head, step, now(), ...answer])
  }
}
