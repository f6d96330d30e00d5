/**
 * The modes in which a head is acknowledged before it is durable: a kill loses nothing, a loss of power the latest moves
 * only, and never the earlier of two without the later.
 */

import { describe, expect, test } from 'vitest'
import type { Durability } from '../../src/store/segment/durability.js'
import { SegmentStore } from '../../src/store/segment/segment-store.js'
import { seed } from '../seed.js'
import { CrashFs } from './crash-fs.js'
import { CrashIndex, type IndexStep } from './crash-index.js'
import { Disk } from './disk.js'
import { choices } from './images.js'
import { Random } from './random.js'
import { contentsOf, Scene } from './scene.js'

const MOVES = 14

describe.each<Durability>(['lazy', 'none'])('%s', (durability) => {
  test('what a crash leaves is the store as it was after some move', async () => {
    const random = new Random(seed)
    const scene = new Scene({ random })
    const disk = Disk.empty()
    const steps: IndexStep[] = []
    const store = await SegmentStore.open('/store', {
      fileSystem: new CrashFs({ disk }),
      openIndex: () => CrashIndex.open({ steps: [], onStep: (step) => void steps.push(step) }),
      segmentBytes: 1500,
      durability,
    })
    /** What heads were after each move. */
    const states: string[] = ['[]']
    let flushed = 0
    let images = 0
    let lost = 0
    for (let move = 1; move <= MOVES; move++) {
      const chunk = scene.chunk(100)
      await store.put([chunk])
      const name = `head/${move % 3}`
      await store.heads.compareAndSet(name, await store.heads.get(name), chunk.ref)
      expect((await store.heads.get(name))!.equals(chunk.ref)).toBe(true)
      const heads = new Map<string, string>()
      for await (const head of store.heads.list()) heads.set(head.name, head.ref.toString())
      states.push(JSON.stringify([...heads]))
      if (move === 5) {
        await store.flush()
        flushed = move
      }
      // A kill: all that was written is there.
      expect(await headsOn(disk.fork(), [...steps])).toBe(states[move])
      for (const choice of choices(disk, random, { subsets: 8, tears: 2 })) {
        images++
        const told = steps.slice(0, random.below(steps.length + 1))
        const state = states.lastIndexOf(await headsOn(disk.image(choice), told))
        expect(state, `NOMSY_SEED=${seed}, move ${move}`).toBeGreaterThanOrEqual(flushed)
        lost += state < move ? 1 : 0
      }
    }
    await store.close()
    expect(await headsOn(disk.image(new Map()), steps)).toBe(states[MOVES])
    console.log(`${durability}: ${images} images, of ${lost} the latest moves were lost`)
    expect(lost).toBeGreaterThan(0)
  })
})

/** Heads that a store which is opened there shows. */
async function headsOn(disk: Disk, steps: readonly IndexStep[]): Promise<string> {
  const store = await SegmentStore.open('/store', {
    fileSystem: new CrashFs({ disk }),
    openIndex: () => CrashIndex.open({ steps }),
  })
  const { heads } = await contentsOf(store)
  for await (const { message } of store.check()) throw new Error(message)
  await store.close()
  return JSON.stringify([...heads])
}
