/** What is done to a store while a crash is waited for: the cases of crash.test.ts. */

import type { Scene } from './scene.js'

export interface Scenario {
  readonly title: string
  /** A segment is full at so many bytes; as in use where left out. */
  readonly segmentBytes?: number
  readonly path?: string
  /** Bytes kept for when the disk is full, at most. */
  readonly ballastBytes?: number
  /** Whether it takes so long that only a torture run has it. */
  readonly isLong?: boolean
  readonly run: (scene: Scene) => Promise<void>
}

/** A store with a chunk and a head in it, closed and opened again. */
async function begin(scene: Scene): Promise<void> {
  await scene.open()
  await scene.set('first')
  await scene.reopen()
}

/** A head, the chunk that it names, and others under that. */
async function family(scene: Scene, name: string): Promise<void> {
  const leaves = scene.chunks(2, 150)
  const inner = scene.parent(...leaves)
  await scene.put(...leaves, inner)
  await scene.set(name, scene.parent(inner, leaves[0]!))
}

async function times(count: number, body: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => body(index)))
}

export const scenarios: readonly Scenario[] = [
  {
    title: 'create',
    run: async (scene) => {
      await scene.open()
    },
  },
  {
    title: 'create below directories that are not there',
    path: '/some/where/else/store',
    run: async (scene) => {
      await scene.open()
      await scene.set('head')
    },
  },
  {
    title: 'create, close, open',
    run: async (scene) => {
      await scene.open()
      await scene.reopen()
    },
  },
  {
    title: 'put and flush',
    run: async (scene) => {
      await scene.open()
      await scene.put(...scene.chunks(5, 300))
      await scene.flush()
    },
  },
  {
    title: 'put without flush',
    run: async (scene) => {
      await begin(scene)
      await scene.put(...scene.chunks(4))
      await scene.put(...scene.chunks(4))
    },
  },
  {
    title: 'put and close',
    run: async (scene) => {
      await begin(scene)
      await scene.put(...scene.chunks(4, 400))
      await scene.close()
    },
  },
  {
    title: 'put and flush again and again',
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 5; count++) {
        await scene.put(...scene.chunks(2, 200))
        await scene.flush()
      }
    },
  },
  {
    title: 'chunks of many sectors',
    run: async (scene) => {
      await begin(scene)
      await scene.put(scene.chunk(3000), scene.chunk(1500))
      await scene.flush()
      await scene.set('head', scene.chunk(2500))
    },
  },
  {
    title: 'a chunk of more than a block',
    run: async (scene) => {
      await scene.open()
      await scene.put(scene.chunk(140_000))
      await scene.set('head', scene.chunk(100))
    },
  },
  {
    title: 'head',
    run: async (scene) => {
      await scene.open()
      await scene.set('head')
    },
  },
  {
    title: 'room kept for a full disk, more as the log grows',
    ballastBytes: 4096,
    run: async (scene) => {
      await begin(scene)
      await scene.set('head', scene.chunk(600))
      await scene.reopen()
      await scene.collect()
      await scene.remove('head')
    },
  },
  {
    title: 'head moved again and again',
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 6; count++) await scene.set('head')
    },
  },
  {
    title: 'head moved along with chunks of many sectors',
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 3; count++) {
        await scene.put(...scene.chunks(3, 700))
        await scene.set('head', scene.chunk(900))
      }
    },
  },
  {
    title: 'head removed',
    run: async (scene) => {
      await begin(scene)
      await scene.set('head')
      await scene.remove('head')
    },
  },
  {
    title: 'head removed and set again',
    run: async (scene) => {
      await begin(scene)
      await scene.remove('first')
      await scene.set('first')
      await scene.remove('first')
      await scene.reopen()
      await scene.set('first')
    },
  },
  {
    title: 'many heads, one after the other',
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 8; count++) await scene.set(`head/${count}`)
    },
  },
  {
    title: 'many heads at once',
    run: async (scene) => {
      await scene.open()
      await times(8, (index) => scene.set(`head/${index}`, scene.chunk(200)))
    },
  },
  {
    title: 'heads moved and removed at once',
    run: async (scene) => {
      await scene.open()
      await times(5, (index) => scene.set(`head/${index}`))
      await times(5, (index) =>
        index % 2 === 0 ? scene.remove(`head/${index}`) : scene.set(`head/${index}`),
      )
    },
  },
  {
    title: 'a head that several move at once',
    run: async (scene) => {
      await begin(scene)
      const next = scene.chunks(4)
      await scene.put(...next)
      await Promise.all(next.map(({ ref }) => scene.move('contested', undefined, ref)))
      await scene.set('other')
    },
  },
  {
    title: 'a head moved on before its last move is acknowledged',
    run: async (scene) => {
      await begin(scene)
      const refs = scene.chunks(5)
      await scene.put(...refs)
      await Promise.all(refs.map(({ ref }, index) => scene.move('head', refs[index - 1]?.ref, ref)))
    },
  },
  {
    title: "a head that names another caller's chunk, not durable yet",
    run: async (scene) => {
      await begin(scene)
      const chunk = scene.chunk(600)
      await scene.put(chunk)
      await Promise.all([scene.set('one', chunk), scene.set('two', chunk), scene.flush()])
    },
  },
  {
    title: 'the same chunks put by several at once',
    run: async (scene) => {
      await begin(scene)
      const chunks = scene.chunks(4, 300)
      await times(3, async (index) => {
        await scene.put(...chunks)
        await scene.set(`head/${index}`, chunks[index])
      })
    },
  },
  {
    title: 'puts and flushes at once',
    run: async (scene) => {
      await begin(scene)
      await times(5, async () => {
        await scene.put(...scene.chunks(2, 250))
        await scene.flush()
      })
    },
  },
  {
    title: 'puts while a head moves',
    run: async (scene) => {
      await begin(scene)
      await Promise.all([
        scene.set('head', scene.chunk(600)),
        ...scene.chunks(4, 300).map((chunk) => scene.put(chunk)),
      ])
      await scene.set('head')
    },
  },
  {
    title: 'segment full by puts',
    segmentBytes: 2048,
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 4; count++) {
        await scene.put(...scene.chunks(3, 400))
        await scene.flush()
      }
    },
  },
  {
    title: 'segment full when a head moves',
    segmentBytes: 1024,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 5; count++) await scene.set('head', scene.chunk(500))
    },
  },
  {
    title: 'segments full while many heads move at once',
    segmentBytes: 1024,
    run: async (scene) => {
      await begin(scene)
      await times(6, (index) => scene.set(`head/${index}`, scene.chunk(400)))
      await times(6, (index) => scene.set(`head/${index}`))
    },
  },
  {
    title: 'a segment for each record',
    segmentBytes: 1,
    run: async (scene) => {
      await scene.open()
      await scene.set('one')
      await scene.set('two')
      await scene.remove('one')
      await scene.put(scene.chunk())
      await scene.flush()
    },
  },
  {
    title: 'many segments',
    segmentBytes: 512,
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 8; count++) await scene.set(`head/${count % 3}`, scene.chunk(200))
      await scene.reopen()
      await scene.set('head/0')
    },
  },
  {
    title: 'many heads in checkpoints',
    segmentBytes: 2048,
    run: async (scene) => {
      await scene.open()
      const chunk = scene.chunk()
      await scene.put(chunk)
      await times(40, async (index) => {
        await scene.move(`head/${index}`, undefined, chunk.ref)
      })
      await scene.set('last')
      await scene.reopen()
      await scene.remove('head/7')
    },
  },
  {
    title: 'heads removed before a new segment',
    segmentBytes: 900,
    run: async (scene) => {
      await scene.open()
      await times(4, (index) => scene.set(`head/${index}`))
      await scene.remove('head/1')
      await scene.set('head/2', scene.chunk(800))
      await scene.remove('head/0')
      await scene.set('head/3', scene.chunk(800))
    },
  },
  {
    title: 'a head removed while a segment ends',
    segmentBytes: 700,
    run: async (scene) => {
      await scene.open()
      await scene.set('head', scene.chunk(500))
      await Promise.all([scene.remove('head'), scene.set('other', scene.chunk(400)), scene.set('third')])
      await scene.set('head')
    },
  },
  {
    title: 'open, go on, close, again and again',
    run: async (scene) => {
      await scene.open()
      for (let count = 0; count < 4; count++) {
        await scene.set('head')
        await scene.put(scene.chunk(300))
        await scene.reopen()
      }
    },
  },
  {
    title: 'open again without writing',
    segmentBytes: 600,
    run: async (scene) => {
      await begin(scene)
      await scene.set('head', scene.chunk(700))
      await scene.reopen()
      await scene.reopen()
      await scene.set('head')
    },
  },
  {
    title: 'killed, and on',
    run: async (scene) => {
      await begin(scene)
      await scene.set('head', scene.chunk(600))
      await scene.put(...scene.chunks(3, 300))
      scene.kill()
      await scene.open()
      await scene.set('head')
    },
  },
  {
    title: 'killed in the middle of many calls, and on, twice',
    segmentBytes: 1024,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 2; count++) {
        const calls = times(5, (index) => scene.set(`head/${index}`, scene.chunk(300))).catch(() => {})
        for (let turns = 30 + scene.random.below(60); turns > 0; turns--) await undefined
        scene.kill()
        await Promise.race([calls, settled()])
        await scene.open()
        await scene.set('after')
      }
    },
  },
  {
    title: 'index lost, and on',
    segmentBytes: 900,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 4; count++) await scene.set(`head/${count}`, scene.chunk(300))
      await scene.remove('head/1')
      await scene.close()
      scene.forgetIndex(0)
      await scene.open()
      await scene.set('head/2')
    },
  },
  {
    title: 'index stale, and on',
    segmentBytes: 900,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 4; count++) await scene.set(`head/${count}`, scene.chunk(300))
      await scene.remove('head/1')
      await scene.close()
      scene.forgetIndex(2)
      await scene.open()
      await scene.set('head/2')
    },
  },
  {
    title: 'power lost, and on',
    run: async (scene) => {
      await begin(scene)
      await scene.set('head', scene.chunk(600))
      await scene.put(...scene.chunks(3, 300))
      const calls = Promise.all([scene.set('head'), scene.flush()]).catch(() => {})
      for (let turns = 20 + scene.random.below(40); turns > 0; turns--) await undefined
      scene.cut()
      await Promise.race([calls, settled()])
      await scene.open()
      await scene.set('head')
    },
  },
  {
    title: 'power lost while a segment ends, and on, three times',
    segmentBytes: 700,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 3; count++) {
        const calls = times(4, (index) => scene.set(`head/${index}`, scene.chunk(400))).catch(() => {})
        for (let turns = 20 + scene.random.below(80); turns > 0; turns--) await undefined
        scene.cut()
        await Promise.race([calls, settled()])
        await scene.open()
      }
      await scene.set('after')
    },
  },
  {
    title: 'refused calls between others',
    run: async (scene) => {
      await begin(scene)
      await scene.set('head')
      await scene.move('head', undefined, scene.chunk().ref)
      await scene.move('head', scene.chunk().ref, undefined)
      await scene.store.heads.compareAndSet('none', undefined, scene.chunk().ref).catch(() => {})
      await scene.set('head')
    },
  },
  {
    title: 'close while calls are under way',
    segmentBytes: 900,
    run: async (scene) => {
      await begin(scene)
      const chunk = scene.chunk(300)
      await scene.put(chunk)
      await Promise.all([
        scene.move('one', undefined, chunk.ref),
        scene.move('two', undefined, chunk.ref),
        scene.flush(),
        scene.close(),
      ])
      await scene.open()
    },
  },
  {
    title: 'collect a store of one segment',
    run: async (scene) => {
      await begin(scene)
      await family(scene, 'kept')
      await family(scene, 'removed')
      await scene.remove('removed')
      await scene.collect()
      await scene.set('head')
    },
  },
  {
    title: 'collect a store of many segments',
    isLong: true,
    segmentBytes: 900,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 4; count++) {
        await family(scene, `kept/${count}`)
        await family(scene, `removed/${count}`)
      }
      for (let count = 0; count < 4; count++) await scene.remove(`removed/${count}`)
      await scene.collect()
      await family(scene, 'next')
    },
  },
  {
    title: 'collect where little is dead, and it stays where it is',
    segmentBytes: 1500,
    run: async (scene) => {
      await begin(scene)
      const leaf = scene.chunk(30)
      await scene.put(leaf, scene.chunk(700))
      await scene.set('removed', scene.parent(leaf))
      await scene.set('large', scene.chunk(900))
      for (let count = 0; count < 2; count++) await scene.set(`large/${count}`, scene.chunk(1600))
      await scene.remove('removed')
      await scene.collect()
      await scene.put(leaf)
      await scene.set('back', scene.parent(leaf))
      await scene.collect()
    },
  },
  {
    title: 'collect again and again, and open',
    isLong: true,
    segmentBytes: 1200,
    run: async (scene) => {
      await begin(scene)
      for (let count = 0; count < 3; count++) {
        await family(scene, 'moved')
        await family(scene, `kept/${count}`)
        await scene.collect()
        if (count === 1) await scene.reopen()
      }
    },
  },
  {
    title: 'collect while heads move and the dead is put again',
    segmentBytes: 1000,
    run: async (scene) => {
      await begin(scene)
      const leaves = scene.chunks(3, 150)
      const parent = scene.parent(...leaves)
      await scene.put(...leaves)
      await scene.set('removed', parent)
      await family(scene, 'kept')
      await scene.remove('removed')
      await Promise.all([
        scene.collect(),
        (async () => {
          for (let turns = scene.random.below(200); turns > 0; turns--) await undefined
          await scene.put(...leaves)
          await scene.set('back', parent)
        })(),
        times(3, (index) => scene.set(`head/${index}`, scene.chunk(200))),
      ])
      await scene.collect()
    },
  },
]

/** Calls of a killed store end when they next ask for something; those that never do are not waited for. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await undefined
}
