/**
 * The contract of src/store/chunk-store.ts as tests: every store, wrapper and client passes this one suite.
 *
 * Each test has an empty store of its own and ends in a full check of it, which finds nothing.
 */

import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { childrenIn } from '../../src/database/gc.js'
import { encode } from '../../src/encoding/encode.js'
import { DamagedChunkError, HeadConflictError, MissingChunkError } from '../../src/errors.js'
import { Ref } from '../../src/hash/ref.js'
import {
  type CheckOptions,
  type Chunk,
  type ChunkStore,
  type Collected,
  type CollectOptions,
  chunkOf,
  type Finding,
  type Head,
  MAX_CHUNK_BYTES,
} from '../../src/store/chunk-store.js'
import { seed } from '../seed.js'

/** How the suite gets at one kind of store. */
export interface ChunkStoreHarness {
  /** A new, empty store in a place of its own. */
  open(): Promise<ChunkStore>

  /** Closes `store` and opens the same one again. Absent where nothing outlives `close`. */
  reopen?(store: ChunkStore): Promise<ChunkStore>

  /**
   * Damages the stored bytes of one durable chunk behind the store's back, and those of no other chunk. Gives
   * the store to go on with, the same or one opened anew. Absent where stored bytes are out of reach.
   */
  corrupt?(store: ChunkStore, ref: Ref): Promise<ChunkStore>

  /** Runs after each test, when all stores are closed. */
  cleanup?(): Promise<void>
}

/** Declares the suite for the stores that `harness` gives. */
export function describeChunkStore(name: string, harness: ChunkStoreHarness): void {
  describe(name, () => {
    afterEach(() => harness.cleanup?.())

    /** Declares a test that gets an empty store; checks and closes the store that the test leaves. */
    function testStore(title: string, body: (open: OpenStore) => Promise<void>): void {
      test(title, () => withStore(harness, body))
    }

    describe('reading', () => {
      testStore('absence is undefined or false, one at a time and many', async ({ store }) => {
        const absent = chunks('absent', 3).map((chunk) => chunk.ref)
        expect(await store.get(absent[0]!)).toBeUndefined()
        expect(await store.getMany(absent)).toEqual([undefined, undefined, undefined])
        expect(await store.has(absent[0]!)).toBe(false)
        expect(await store.hasMany(absent)).toEqual([false, false, false])
      })

      testStore('a new store has no refs and no heads', async ({ store }) => {
        expect(await collect(store.refs())).toEqual([])
        expect(await collect(store.heads.list())).toEqual([])
      })

      testStore('empty lists give empty lists, and an empty put nothing', async ({ store }) => {
        expect(await store.getMany([])).toEqual([])
        expect(await store.hasMany([])).toEqual([])
        expect(await store.put([])).toBe(0)
        expect(await collect(store.refs())).toEqual([])
      })

      testStore('chunks can be read as soon as they are put, before any flush', async ({ store }) => {
        const put = chunks('unflushed', 20)
        await store.put(put)
        await expectPresent(store, put)
        expect(await texts(store.refs())).toEqual(sortedTexts(put))
      })

      testStore('results come in the order of the refs, absent and repeated ones included', async (open) => {
        const put = chunks('order', 10)
        const absent = chunks('absent', 1)[0]!
        await open.store.put(put)
        const asked = [put[7]!, absent, put[2]!, put[7]!, put[9]!, absent, put[0]!]
        await open.eachState(async (store) => {
          const refs = asked.map((chunk) => chunk.ref)
          expectBytes(
            await store.getMany(refs),
            asked.map((chunk) => (chunk === absent ? undefined : chunk.bytes)),
          )
          expect(await store.hasMany(refs)).toEqual(asked.map((chunk) => chunk !== absent))
        })
      })

      testStore('a ref is found by its value, whoever made it', async ({ store }) => {
        const chunk = chunks('value', 1)[0]!
        await store.put([chunk])
        expectBytes([await store.get(Ref.parse(chunk.ref.toString())!)], [chunk.bytes])
        expectBytes([await store.get(Ref.fromBytes(Uint8Array.from(chunk.ref.bytes)))], [chunk.bytes])
      })
    })

    describe('putting', () => {
      testStore(
        'the same chunk in one put, in a second put and after a flush is there once',
        async (open) => {
          const put = chunks('same', 3)
          const [a, b, c] = put.map(({ bytes }) => bytes.length) as [number, number, number]
          expect(await open.store.put([put[0]!, put[1]!, put[0]!])).toBe(a + b)
          expect(await open.store.put([put[1]!, put[2]!])).toBe(c)
          await open.store.flush()
          expect(await open.store.put(put)).toBe(0)
          await open.eachState(async (store) => {
            expect(await texts(store.refs())).toEqual(sortedTexts(put))
            await expectPresent(store, put)
          })
        },
      )

      if (harness.reopen !== undefined) {
        testStore('chunks that are there already cost no space', async (open) => {
          const put = chunks('space', 100, 4096)
          await open.store.put([...put, ...put])
          await open.store.flush()
          const before = await checkedBytes(open.store)
          await open.store.put(put)
          await open.store.flush()
          await open.reopen()
          for (const chunk of put) await open.store.put([chunk])
          await open.store.flush()
          expect(before).toBeGreaterThanOrEqual(100)
          expect(await checkedBytes(open.store)).toBeLessThan(before * 1.1)
        })
      }

      for (const [size, bytes] of [
        ['0 bytes', new Uint8Array()],
        ['1 byte', Uint8Array.of(0xc0)],
        ['4 MiB of noise', noise('large', MAX_CHUNK_BYTES)],
        ['4 MiB of zeros', new Uint8Array(MAX_CHUNK_BYTES)],
      ] as const) {
        testStore(`a chunk of ${size} comes back`, async (open) => {
          const chunk = chunkOf(bytes)
          await open.store.put([chunk])
          await open.eachState((store) => expectPresent(store, [chunk]))
        })
      }

      testStore('a chunk that is a view into a larger buffer comes back as that view', async (open) => {
        const buffer = noise('view', 3000)
        const put = [chunkOf(buffer.subarray(1000, 1100)), chunkOf(buffer.subarray(2999)), chunkOf(buffer)]
        await open.store.put(put)
        await open.eachState((store) => expectPresent(store, put))
      })

      testStore('thousands of chunks of many sizes come back from one put', async (open) => {
        const put = chunks('thousands', 5000, (index) => (index * 37) % 700)
        await open.store.put(put)
        await open.eachState(async (store) => {
          await expectPresent(store, put)
          expect(await texts(store.refs())).toEqual(sortedTexts(put))
        })
      })

      testStore('more than is held in memory comes back', async (open) => {
        const put = chunks('much', 4096, 8192)
        for (let from = 0; from < put.length; from += 64) await open.store.put(put.slice(from, from + 64))
        await open.eachState((store) => expectPresent(store, put))
      })

      testStore('any number of puts and reads run at once', async (open) => {
        const put = chunks('at once', 500, 1500)
        const { store } = open
        const all = put.map((chunk) => chunk.ref)
        await Promise.all(
          Array.from({ length: 10 }, async (_, writer) => {
            // Every chunk is put by two of the writers.
            for (let turn = 0; turn < 10; turn++) {
              const from = ((writer * 50 + turn * 10) % 500) + (turn % 2)
              const mine = Array.from({ length: 10 }, (_, i) => put[(from + i) % 500]!)
              const [, seen] = await Promise.all([store.put(mine), store.getMany(all), store.hasMany(all)])
              seen.forEach((bytes, index) => {
                if (bytes !== undefined) expectBytes([bytes], [put[index]!.bytes])
              })
              await expectPresent(store, mine)
              if (turn === writer % 10) await store.flush()
            }
          }),
        )
        await Promise.all(put.map((chunk) => store.put([chunk])))
        await open.eachState(async (store) => {
          const each = await Promise.all(put.map((chunk) => store.get(chunk.ref)))
          expectBytes(
            each,
            put.map((chunk) => chunk.bytes),
          )
          expect(await texts(store.refs())).toEqual(sortedTexts(put))
        })
      })

      testStore('flushes at once, and with nothing to flush, resolve', async ({ store }) => {
        await store.flush()
        await store.put(chunks('flush', 5))
        await Promise.all([store.flush(), store.flush(), store.flush()])
        await store.flush()
      })
    })

    describe('lent chunks', () => {
      testStore('are given back once each, whatever became of them, and stay as they were', async (open) => {
        const put = chunks('lent', 60, (index) => (index * 997) % 9000)
        const memory = new LentMemory()
        await open.store.put(memory.lend(put.slice(0, 20)))
        // Some are there, on their way or written; some come twice, in one put or in two at once.
        await open.store.put(memory.lend([...put.slice(10, 30), ...put.slice(25, 35)]))
        await open.store.flush()
        await Promise.all([
          open.store.put(memory.lend(put.slice(15, 45))),
          open.store.put(memory.lend(put.slice(30))),
        ])
        await open.eachState((store) => expectPresent(store, put))
        expect(memory.timesGivenBack).toEqual(memory.timesGivenBack.map(() => 1))
      })

      testStore('are copied for those who read them before they are written', async ({ store }) => {
        const put = chunks('read early', 40, 3000)
        const memory = new LentMemory()
        const read: (Uint8Array | undefined)[] = []
        for (const [index, chunk] of put.entries()) {
          await store.put(memory.lend([chunk]))
          read[index] = index % 2 === 0 ? await store.get(chunk.ref) : (await store.getMany([chunk.ref]))[0]
        }
        await store.flush()
        memory.overwrite()
        expectBytes(
          read,
          put.map((chunk) => chunk.bytes),
        )
      })

      testStore('of more than is held in memory come back', async (open) => {
        const put = chunks('much lent', 1200, 8192)
        const memory = new LentMemory()
        for (let from = 0; from < put.length; from += 100)
          await open.store.put(memory.lend(put.slice(from, from + 100)))
        await open.eachState((store) => expectPresent(store, put))
        expect(memory.timesGivenBack).toEqual(put.map(() => 1))
      })
    })

    if (harness.reopen !== undefined) {
      describe('durability', () => {
        testStore('what was put before a flush is there after opening again', async (open) => {
          const put = chunks('flushed', 50)
          await open.store.put(put)
          await open.store.flush()
          await open.reopen()
          await expectPresent(open.store, put)
          expect(await texts(open.store.refs())).toEqual(sortedTexts(put))
        })

        testStore('what was put before a head moved is there after opening again', async (open) => {
          const put = chunks('headed', 50)
          await open.store.put(put)
          await open.store.heads.compareAndSet('main', undefined, put[49]!.ref)
          await open.reopen()
          await expectPresent(open.store, put)
          expect((await open.store.heads.get('main'))?.toString()).toBe(put[49]!.ref.toString())
        })

        testStore('closing flushes', async (open) => {
          const put = chunks('closed', 50)
          await open.store.put(put)
          await open.reopen()
          await expectPresent(open.store, put)
        })

        testStore('moved and removed heads stay so through opening again and again', async (open) => {
          const [a, b] = chunks('heads', 2)
          await open.store.put([a!, b!])
          await open.store.heads.compareAndSet('moved', undefined, a!.ref)
          await open.store.heads.compareAndSet('removed', undefined, a!.ref)
          await open.reopen()
          await open.store.heads.compareAndSet('moved', a!.ref, b!.ref)
          await open.store.heads.compareAndSet('removed', a!.ref, undefined)
          await open.reopen()
          await open.reopen()
          expect(await headPairs(open.store)).toEqual([['moved', b!.ref.toString()]])
          expect(await open.store.heads.get('removed')).toBeUndefined()
        })
      })
    }

    describe('refs', () => {
      testStore('come in the order of their text, for prefixes of every length', async (open) => {
        const put = chunks('refs', 2000, 20)
        await open.store.put(put)
        const sorted = sortedTexts(put)
        await open.eachState(async (store) => {
          expect(await texts(store.refs())).toEqual(sorted)
          const first = sorted[0]!
          const last = sorted.at(-1)!
          for (let length = 0; length <= 32; length++) {
            for (const text of [first, last, sorted[1000]!]) {
              const prefix = text.slice(0, length)
              expect(await texts(store.refs(prefix))).toEqual(sorted.filter((ref) => ref.startsWith(prefix)))
            }
          }
          for (const prefix of '0123456789abcdefghijklmnopqrstuv') {
            expect(await texts(store.refs(prefix))).toEqual(sorted.filter((ref) => ref.startsWith(prefix)))
          }
        })
      })

      testStore('a prefix that begins no ref of the store gives none', async ({ store }) => {
        const put = chunks('none', 3)
        await store.put(put)
        const text = put[0]!.ref.toString()
        for (const prefix of ['w', 'V', 'é', text.toUpperCase(), `${text}0`, `${text.slice(0, 31)}w`, ' ']) {
          expect(await texts(store.refs(prefix))).toEqual([])
        }
      })

      testStore('leaving off early harms nothing', async ({ store }) => {
        await store.put(chunks('early', 100))
        for await (const ref of store.refs()) {
          expect(await store.has(ref)).toBe(true)
          break
        }
        for await (const _ of store.check()) break
        await store.put(chunks('later', 1))
      })
    })

    describe('heads', () => {
      const GOOD_NAMES = [
        'a',
        'Z',
        '0',
        'main',
        'v1.2.3',
        'a/b/c',
        'a-_./x',
        'a.',
        'x'.repeat(128),
        'w'.repeat(32),
      ]
      const BAD_NAMES: [why: string, name: string][] = [
        ['empty', ''],
        ['too long', 'x'.repeat(129)],
        ['a dot first', '.a'],
        ['a slash first', '/a'],
        ['a dash first', '-a'],
        ['two dots', 'a..b'],
        ['two slashes', 'a//b'],
        ['a space', 'a b'],
        ['a line break', 'a\n'],
        ['a NUL', 'a\0'],
        ['a letter beyond ASCII', 'é'],
        ['a backslash', 'a\\b'],
        ['the form of a ref', '0'.repeat(32)],
      ]

      testStore('names within the rules name heads', async (open) => {
        const chunk = chunks('names', 1)[0]!
        await open.store.put([chunk])
        for (const name of GOOD_NAMES) await open.store.heads.compareAndSet(name, undefined, chunk.ref)
        await open.eachState(async (store) => {
          for (const name of GOOD_NAMES) expect((await store.heads.get(name))?.equals(chunk.ref)).toBe(true)
          expect(await headPairs(store)).toEqual(
            [...GOOD_NAMES].sort().map((name) => [name, chunk.ref.toString()]),
          )
        })
      })

      for (const [why, name] of BAD_NAMES) {
        testStore(`a name with ${why} is refused with a RangeError and is no head`, async ({ store }) => {
          const chunk = chunks('names', 1)[0]!
          await store.put([chunk])
          await expect(store.heads.compareAndSet(name, undefined, chunk.ref)).rejects.toThrow(RangeError)
          await expect(store.heads.compareAndSet(name, chunk.ref, undefined)).rejects.toThrow(RangeError)
          expect(await store.heads.get(name)).toBeUndefined()
          expect(await collect(store.heads.list())).toEqual([])
        })
      }

      testStore('an absent head is undefined, is created, moved and removed', async ({ store }) => {
        const [a, b] = chunks('life', 2)
        await store.put([a!, b!])
        const states = [undefined, a!.ref, b!.ref, b!.ref, undefined, undefined, b!.ref, undefined]
        for (let step = 1; step < states.length; step++) {
          await store.heads.compareAndSet('life', states[step - 1], states[step])
          expect((await store.heads.get('life'))?.toString()).toBe(states[step]?.toString())
        }
      })

      testStore('a head that is not as expected stays, and the error names both refs', async ({ store }) => {
        const [a, b, c] = chunks('conflict', 3).map((chunk) => chunk.ref)
        await store.put(chunks('conflict', 3))
        await store.heads.compareAndSet('here', undefined, a)
        const cases: [
          name: string,
          expected: Ref | undefined,
          next: Ref | undefined,
          actual: Ref | undefined,
        ][] = [
          ['here', undefined, b, a],
          ['here', b, c, a],
          ['here', c, undefined, a],
          ['here', undefined, undefined, a],
          ['gone', a, b, undefined],
          ['gone', a, undefined, undefined],
        ]
        for (const [name, expected, next, actual] of cases) {
          const error = await rejection(store.heads.compareAndSet(name, expected, next))
          expect(error).toBeInstanceOf(HeadConflictError)
          expect(error).toMatchObject({
            code: 'NOMSY_HEAD_CONFLICT',
            head: name,
            expected: expected?.toString(),
            actual: actual?.toString(),
          })
        }
        expect(await headPairs(store)).toEqual([['here', a!.toString()]])
      })

      testStore('a head cannot be set to a chunk that the store lacks', async ({ store }) => {
        const [here, absent] = chunks('missing', 2)
        await store.put([here!])
        await store.heads.compareAndSet('main', undefined, here!.ref)
        for (const [name, expected] of [['new', undefined] as const, ['main', here!.ref] as const]) {
          const error = await rejection(store.heads.compareAndSet(name, expected, absent!.ref))
          expect(error).toBeInstanceOf(MissingChunkError)
          expect(error).toMatchObject({ code: 'NOMSY_MISSING_CHUNK', ref: absent!.ref.toString() })
        }
        expect(await headPairs(store)).toEqual([['main', here!.ref.toString()]])
      })

      testStore('a conflict is told before a missing chunk', async ({ store }) => {
        const [a, absent] = chunks('both', 2)
        await expect(store.heads.compareAndSet('main', a!.ref, absent!.ref)).rejects.toThrow(
          HeadConflictError,
        )
      })

      testStore('are listed by prefix in the order of their names', async (open) => {
        const put = chunks('list', 8)
        const names = ['a', 'a.b', 'a/b', 'a/c', 'a0', 'B', 'b', 'ab']
        await open.store.put(put)
        for (const [index, name] of names.entries()) {
          await open.store.heads.compareAndSet(name, undefined, put[index]!.ref)
        }
        const sorted = [...names].sort()
        await open.eachState(async (store) => {
          for (const prefix of ['', 'a', 'a/', 'a.', 'b', 'B', 'c', 'a/b/', 'é', '/']) {
            const expected = sorted.filter((name) => name.startsWith(prefix))
            expect(await headPairs(store, prefix)).toEqual(
              expected.map((name) => [name, put[names.indexOf(name)]!.ref.toString()]),
            )
          }
          expect(await headPairs(store)).toHaveLength(names.length)
        })
      })

      testStore('names and chunks do not meet: a head may have the name of anything', async ({ store }) => {
        const put = chunks('apart', 2)
        await store.put(put)
        const before = await texts(store.refs())
        for (const name of ['format', 'c', 'h', put[0]!.ref.toString().slice(0, 31)]) {
          await store.heads.compareAndSet(name, undefined, put[0]!.ref)
        }
        expect(await texts(store.refs())).toEqual(before)
      })

      testStore('of 50 updates of one head at once exactly one wins', async (open) => {
        const put = chunks('race', 50)
        await open.store.put(put)
        let current: Ref | undefined
        for (let round = 0; round < 10; round++) {
          const expected = current
          const rivals = put.filter((chunk) => !expected?.equals(chunk.ref))
          const outcomes = await Promise.allSettled(
            rivals.map((chunk) => open.store.heads.compareAndSet('race', expected, chunk.ref)),
          )
          const winners = rivals.filter((_, index) => outcomes[index]!.status === 'fulfilled')
          expect(winners).toHaveLength(1)
          current = winners[0]!.ref
          for (const outcome of outcomes) {
            if (outcome.status === 'fulfilled') continue
            expect(outcome.reason).toMatchObject({
              code: 'NOMSY_HEAD_CONFLICT',
              expected: expected?.toString(),
              actual: current.toString(),
            })
          }
          expect((await open.store.heads.get('race'))?.toString()).toBe(current.toString())
        }
        await open.eachState(async (store) => {
          expect((await store.heads.get('race'))?.toString()).toBe(current?.toString())
        })
      })

      testStore('updates of many heads at once, each with its own chunk, all win', async (open) => {
        const put = chunks('many heads', 50)
        await Promise.all(
          put.map(async (chunk, index) => {
            await open.store.put([chunk])
            await open.store.heads.compareAndSet(`head/${index}`, undefined, chunk.ref)
          }),
        )
        await open.eachState(async (store) => {
          expect(await headPairs(store)).toHaveLength(50)
          await expectPresent(store, put)
        })
      })
    })

    describe('closing', () => {
      testStore('twice is harmless, also at once', async (open) => {
        await open.store.put(chunks('twice', 3))
        await open.check()
        await Promise.all([open.store.close(), open.store.close()])
        await open.store.close()
      })

      testStore('every method rejects with NOMSY_CLOSED afterwards', async (open) => {
        const { store } = open
        const chunk = chunks('after', 1)[0]!
        await store.put([chunk])
        await store.heads.compareAndSet('main', undefined, chunk.ref)
        await open.check()
        await store.close()
        const calls: Record<string, () => Promise<unknown>> = {
          get: () => store.get(chunk.ref),
          getMany: () => store.getMany([chunk.ref]),
          'getMany of none': () => store.getMany([]),
          has: () => store.has(chunk.ref),
          hasMany: () => store.hasMany([chunk.ref]),
          'hasMany of none': () => store.hasMany([]),
          put: () => store.put([chunk]),
          'put of none': () => store.put([]),
          refs: () => collect(store.refs()),
          check: () => collect(store.check()),
          flush: () => store.flush(),
          'heads.get': () => store.heads.get('main'),
          'heads.list': () => collect(store.heads.list()),
          'heads.compareAndSet': () => store.heads.compareAndSet('main', chunk.ref, undefined),
        }
        for (const [method, call] of Object.entries(calls)) {
          expect(await rejection(call()), method).toMatchObject({ code: 'NOMSY_CLOSED' })
        }
      })

      if (harness.reopen !== undefined) {
        testStore('waits for a put that runs, and flushes it', async (open) => {
          const put = chunks('still running', 100, 2000)
          const running = open.store.put(put)
          const closed = open.store.close()
          await Promise.all([running, closed])
          await open.reopen()
          await expectPresent(open.store, put)
        })
      }

      testStore('waits for what runs', async (open) => {
        const put = chunks('running', 200, 2000)
        await open.store.put(put.slice(0, 100))
        await open.check()
        const calls = [
          open.store.put(put.slice(100)),
          open.store.getMany(put.map((chunk) => chunk.ref)),
          open.store.heads.compareAndSet('main', undefined, put[0]!.ref),
          open.store.flush(),
        ]
        const closed = open.store.close()
        await Promise.all(calls)
        await closed
        if (open.canReopen) {
          await open.reopen()
          await expectPresent(open.store, put)
          expect(await headPairs(open.store)).toEqual([['main', put[0]!.ref.toString()]])
        }
      })
    })

    describe('checking', () => {
      testStore('finds nothing in a sound store, and tells its progress up to the end', async (open) => {
        const put = chunks('sound', 300, 3000)
        await open.store.put(put)
        await open.store.heads.compareAndSet('main', undefined, put[0]!.ref)
        await open.eachState(async (store) => {
          const progress = await checkProgress(store)
          if (harness.reopen === undefined) return
          expect(progress.bytes).toBeGreaterThan(0)
          expect(progress.bytes).toBe(progress.totalBytes)
        })
      })

      if (harness.reopen !== undefined) {
        testStore('ends with the reason of an aborted signal', async ({ store }) => {
          await store.put(chunks('abort', 10))
          await store.flush()
          const reason = new Error('enough')
          expect(await rejection(collect(store.check({ signal: AbortSignal.abort(reason) })))).toBe(reason)
        })
      }
    })

    describe('collecting', () => {
      testStore('keeps what heads lead to, and frees the rest at once and for good', async (open) => {
        const kept = family('kept')
        const freed = family('freed')
        await open.store.put([...kept, ...freed])
        await open.store.heads.compareAndSet('kept', undefined, kept.at(-1)!.ref)
        await open.store.heads.compareAndSet('freed', undefined, freed.at(-1)!.ref)
        await open.store.heads.compareAndSet('freed', freed.at(-1)!.ref, undefined)
        const freedBytes = freed.reduce((sum, { bytes }) => sum + bytes.length, 0)
        const counts = { keptChunks: kept.length, freedChunks: freed.length, freedBytes }
        expect(await collected(open.store, { dryRun: true })).toMatchObject(counts)
        await expectPresent(open.store, [...kept, ...freed])
        expect(await collected(open.store)).toMatchObject(counts)
        await open.eachState(async (store) => {
          await expectPresent(store, kept)
          await expectAbsent(store, freed)
          expect(await texts(store.refs())).toEqual(sortedTexts(kept))
          const sizes = await collect(store.sizes())
          expect(sizes.map(({ ref }) => ref.toString())).toEqual(sortedTexts(kept))
        })
        expect(await collected(open.store)).toMatchObject({ freedChunks: 0, freedBytes: 0 })
      })

      testStore('what is freed can be put again', async (open) => {
        const all = family('again')
        await open.store.put(all)
        await collected(open.store)
        await expectAbsent(open.store, all)
        expect(await open.store.put(all)).toBe(all.reduce((sum, { bytes }) => sum + bytes.length, 0))
        await open.store.heads.compareAndSet('again', undefined, all.at(-1)!.ref)
        await collected(open.store)
        await open.eachState((store) => expectPresent(store, all))
      })

      testStore('keeps what is held, and all under it', async (open) => {
        const held = family('held')
        const freed = family('not held')
        await open.store.put([...held, ...freed])
        await collectedHolding(open.store, () => [held.at(-1)!.ref])
        await open.eachState(async (store) => {
          await expectPresent(store, held)
          await expectAbsent(store, freed)
        })
      })

      testStore('keeps what is put, found and read meanwhile, and all under it', async (open) => {
        const families = ['put', 'found', 'read', 'put before, in use'].map((label) => family(label))
        const [put, found, read, freed] = families as [Chunk[], Chunk[], Chunk[], Chunk[]]
        const { store } = open
        await store.put(families.flat())
        let isDone = false
        await collectedHolding(store, () => {
          if (isDone) return []
          isDone = true
          // Whatever is asked from here on comes before everything is decided.
          void store.put([put.at(-1)!])
          void store.has(found.at(-1)!.ref)
          void store.get(read.at(-1)!.ref)
          return [put.at(-1)!.ref]
        })
        await open.eachState(async (store) => {
          await expectPresent(store, put)
          for (const some of [found, read]) await expectAllOrNone(store, some)
          await expectAbsent(store, freed)
        })
      })

      testStore('waits for a write that relies on what it found before', async ({ store }) => {
        const old = family('old')
        await store.put(old)
        const found = gate()
        const go = gate()
        const parent = chunkOf(encode(['parent', old.at(-1)!.ref]))
        const writing = store.writing(async () => {
          expect(await store.has(old.at(-1)!.ref)).toBe(true)
          found.open()
          await go.passed
          await store.put([parent])
          await store.heads.compareAndSet('late', undefined, parent.ref)
        })
        await found.passed
        const collecting = collected(store)
        let hasEnded = false
        void collecting.then(() => {
          hasEnded = true
        })
        await new Promise((resolve) => setTimeout(resolve, 20))
        expect(hasEnded).toBe(false)
        go.open()
        await Promise.all([writing, collecting])
        await expectPresent(store, [...old, parent])
      })

      testStore('puts of what is being freed leave nothing without what is under it', async (open) => {
        const families = Array.from({ length: 12 }, (_, index) => family(`raced ${index}`))
        for (let round = 0; round < 6; round++) {
          const { store } = open
          await store.put(families.flat())
          const heads = await headPairs(store)
          await Promise.all([
            collected(store),
            collected(store),
            ...families.map(async (some, index) => {
              for (let turns = index * 3 * round; turns > 0; turns--) await undefined
              if (index % 2 === 1) return
              await store.put(some.slice(0, 2))
              await store.put(some.slice(2))
              const [, expected] = heads.find(([name]) => name === `raced/${index}`) ?? []
              await store.heads.compareAndSet(
                `raced/${index}`,
                expected === undefined ? undefined : Ref.parse(expected),
                round % 3 === 2 ? undefined : some.at(-1)!.ref,
              )
            }),
          ])
          await expectClosed(store)
          if (round % 2 === 1 && open.canReopen) await open.reopen()
          await expectClosed(open.store)
          for (const [index, some] of families.entries())
            if (index % 2 === 0 && round % 3 !== 2) await expectPresent(open.store, some)
        }
      })

      testStore('frees nothing where something needed is missing', async ({ store }) => {
        const [leaf, freed] = chunks('incomplete', 2)
        const parent = chunkOf(encode(['parent', leaf!.ref]))
        await store.put([parent, freed!])
        await store.heads.compareAndSet('incomplete', undefined, parent.ref)
        expect(await rejection(collected(store))).toMatchObject({
          code: 'NOMSY_MISSING_CHUNK',
          ref: leaf!.ref.toString(),
        })
        await expectPresent(store, [parent, freed!])
      })

      testStore('ends with the reason of an aborted signal, and frees nothing', async ({ store }) => {
        const freed = family('aborted')
        await store.put(freed)
        const reason = new Error('enough')
        expect(await rejection(collected(store, { signal: AbortSignal.abort(reason) }))).toBe(reason)
        await expectPresent(store, freed)
      })
    })

    if (harness.corrupt !== undefined) {
      describe('damage', () => {
        // Noise of some KiB: a store may compress neighbours together, and then damage spreads.
        const put = chunks('damage', 30, 8192)
        const refs = put.map((chunk) => chunk.ref)
        const damaged = put[11]!
        const sound = put.filter((chunk) => chunk !== damaged)

        async function damage(open: OpenStore): Promise<void> {
          await open.store.put(put)
          await open.store.flush()
          await open.corrupt(damaged.ref)
        }

        testStore('a damaged chunk is not given out, and the error names its ref', async (open) => {
          await damage(open)
          for (const call of [
            () => open.store.get(damaged.ref),
            () => open.store.getMany([damaged.ref]),
            () => open.store.getMany(refs),
          ]) {
            const error = await rejection(call())
            expect(error).toBeInstanceOf(DamagedChunkError)
            expect(error).toMatchObject({ code: 'NOMSY_DAMAGED_CHUNK', ref: damaged.ref.toString() })
            expect((error as DamagedChunkError).where).not.toBe('')
          }
          await expectPresent(open.store, sound)
        })

        testStore('check finds it and only it, more than once', async (open) => {
          await damage(open)
          for (let turn = 0; turn < 2; turn++) {
            const found = await findings(open.store)
            expect(new Set(found.flatMap((finding) => finding.refs.map(String)))).toEqual(
              new Set([damaged.ref.toString()]),
            )
            for (const finding of found) expect(finding.message).not.toBe('')
          }
        })

        testStore('check goes on after each finding', async (open) => {
          await damage(open)
          await open.corrupt(put[23]!.ref)
          const found = await findings(open.store)
          expect(new Set(found.flatMap((finding) => finding.refs.map(String)))).toEqual(
            new Set([damaged.ref.toString(), put[23]!.ref.toString()]),
          )
        })

        testStore('putting the good bytes heals, at once and durably', async (open) => {
          await damage(open)
          await open.store.put([sound[0]!, damaged, sound[1]!])
          await expectPresent(open.store, put)
          expect(await texts(open.store.refs())).toEqual(sortedTexts(put))
          await open.store.flush()
          open.healed()
          expect(await findings(open.store)).toEqual([])
          await open.eachState((store) => expectPresent(store, put))
          expect(await texts(open.store.refs())).toEqual(sortedTexts(put))
        })

        testStore('a lent chunk heals, and is given back', async (open) => {
          await damage(open)
          const memory = new LentMemory()
          await open.store.put(memory.lend([sound[0]!, damaged, sound[1]!]))
          await open.store.flush()
          open.healed()
          await open.eachState((store) => expectPresent(store, put))
          expect(memory.timesGivenBack).toEqual([1, 1, 1])
        })

        testStore('a head update makes a healed chunk durable', async (open) => {
          await damage(open)
          await open.store.put([damaged])
          await open.store.heads.compareAndSet('main', undefined, damaged.ref)
          open.healed()
          await open.eachState((store) => expectPresent(store, put))
        })
      })
    }

    const title = `random calls answer as a plain model does [NOMSY_SEED=${seed}]`
    test(title, async () => {
      const canReopen = harness.reopen !== undefined
      await fc.assert(
        fc.asyncProperty(fc.array(call(canReopen), { maxLength: 60 }), (calls) =>
          withStore(harness, (open) => compareWithModel(open, calls)),
        ),
        { seed, numRuns: 40 },
      )
    })
  })
}

/** One test's store, which is another object once it is opened again. */
class OpenStore {
  store: ChunkStore
  readonly #harness: ChunkStoreHarness
  #damaged = false

  constructor(harness: ChunkStoreHarness, store: ChunkStore) {
    this.#harness = harness
    this.store = store
  }

  get canReopen(): boolean {
    return this.#harness.reopen !== undefined
  }

  async reopen(): Promise<void> {
    this.store = await this.#harness.reopen!(this.store)
  }

  async corrupt(ref: Ref): Promise<void> {
    this.#damaged = true
    this.store = await this.#harness.corrupt!(this.store, ref)
  }

  /** From here on the store is expected to be sound again. */
  healed(): void {
    this.#damaged = false
  }

  /** Runs `body` as things are, after a flush, and after opening again where that can be done. */
  async eachState(body: (store: ChunkStore) => Promise<void>): Promise<void> {
    await body(this.store)
    await this.store.flush()
    await body(this.store)
    if (!this.canReopen) return
    await this.reopen()
    await body(this.store)
  }

  async check(): Promise<void> {
    if (!this.#damaged) expect(await findings(this.store)).toEqual([])
  }
}

async function withStore(
  harness: ChunkStoreHarness,
  body: (open: OpenStore) => Promise<void>,
): Promise<void> {
  const open = new OpenStore(harness, await harness.open())
  try {
    await body(open)
    if (await isOpen(open.store)) await open.check()
  } finally {
    await open.store.close()
  }
}

async function isOpen(store: ChunkStore): Promise<boolean> {
  return store.getMany([]).then(
    () => true,
    () => false,
  )
}

// Test data

/** `count` chunks of noise, `size` bytes each; the same for the same arguments, and all different from one on. */
function chunks(label: string, count: number, size: number | ((index: number) => number) = 100): Chunk[] {
  return Array.from({ length: count }, (_, index) => {
    const length = typeof size === 'number' ? size : size(index)
    const bytes = noise(`${label} ${index}`, length + 4)
    new DataView(bytes.buffer).setUint32(0, index)
    return chunkOf(bytes)
  })
}

/** `length` bytes that no compressor shrinks, in a buffer of their own; the same for the same label. */
function noise(label: string, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  const { bytes } = Ref.of(new TextEncoder().encode(label))
  let state = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** Memory that is lent to a store, and written over as soon as it is given back. */
class LentMemory {
  readonly #lent: Uint8Array[] = []
  /** Of each chunk that was lent, in order. */
  readonly timesGivenBack: number[] = []

  /** The same chunks in this memory, next to each other. */
  lend(chunks: readonly Chunk[]): Chunk[] {
    const memory = new Uint8Array(
      new SharedArrayBuffer(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)),
    )
    let at = 0
    return chunks.map((chunk) => {
      const bytes = memory.subarray(at, (at += chunk.bytes.length))
      bytes.set(chunk.bytes)
      const number = this.timesGivenBack.push(0) - 1
      this.#lent.push(bytes)
      const release = (): void => {
        this.timesGivenBack[number]!++
        bytes.fill(0xee)
      }
      return { ref: chunk.ref, bytes, release }
    })
  }

  /** All of it, given back or not. */
  overwrite(): void {
    for (const bytes of this.#lent) bytes.fill(0xee)
  }
}

/** Leaves, a chunk over some of them, and one over that and the rest; children come first. */
function family(label: string): Chunk[] {
  const leaves = chunks(label, 4, 700)
  const inner = chunkOf(encode(['parent', label, leaves[0]!.ref, leaves[1]!.ref]))
  const root = chunkOf(encode(['parent', [inner.ref, { other: leaves[2]!.ref }], leaves[3]!.ref]))
  return [...leaves, inner, root]
}

/** Something to wait for. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

// What stores answer

function collected(store: ChunkStore, options: Partial<CollectOptions> = {}): Promise<Collected> {
  return store.collect({ childrenOf: childrenIn, ...options })
}

async function expectAbsent(store: ChunkStore, absent: readonly Chunk[]): Promise<void> {
  const refs = absent.map(({ ref }) => ref)
  expect(await store.hasMany(refs)).toEqual(refs.map(() => false))
  expectBytes(
    await store.getMany(refs),
    refs.map(() => undefined),
  )
}

async function expectAllOrNone(store: ChunkStore, some: readonly Chunk[]): Promise<void> {
  const found = await store.hasMany(some.map(({ ref }) => ref))
  expect(new Set(found).size).toBe(1)
}

/** No chunk is there without those under it. */
async function expectClosed(store: ChunkStore): Promise<void> {
  const present = new Set(await texts(store.refs()))
  for (const text of present) {
    const ref = Ref.parse(text)!
    for (const child of childrenIn({ ref, bytes: (await store.get(ref))! }).refs)
      expect(present.has(child.toString())).toBe(true)
  }
}

/** As {@link collected}, while somebody holds what `held` gives. */
async function collectedHolding(store: ChunkStore, held: () => Iterable<Ref>): Promise<Collected> {
  const letGo = store.hold({ held })
  try {
    return await collected(store)
  } finally {
    letGo()
  }
}

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterable) items.push(item)
  return items
}

async function texts(refs: AsyncIterable<Ref>): Promise<string[]> {
  return (await collect(refs)).map(String)
}

function sortedTexts(of: readonly Chunk[]): string[] {
  return [...new Set(of.map((chunk) => chunk.ref.toString()))].sort()
}

async function headPairs(store: ChunkStore, prefix?: string): Promise<[string, string][]> {
  const heads: Head[] = await collect(store.heads.list(prefix))
  return heads.map((head) => [head.name, head.ref.toString()])
}

function findings(store: ChunkStore, options?: CheckOptions): Promise<Finding[]> {
  return collect(store.check(options))
}

/** Checks the store, which must be sound; gives the sum of what progress told, and the last total. */
async function checkProgress(store: ChunkStore): Promise<{ bytes: number; totalBytes: number }> {
  let sum = 0
  let total = 0
  const found = await findings(store, {
    onProgress: (bytes, totalBytes) => {
      expect(bytes).toBeGreaterThanOrEqual(0)
      sum += bytes
      total = totalBytes
    },
  })
  expect(found).toEqual([])
  return { bytes: sum, totalBytes: total }
}

async function checkedBytes(store: ChunkStore): Promise<number> {
  return (await checkProgress(store)).bytes
}

/** The error that `promise` rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('resolved where it was expected to reject')
    },
    (error: unknown) => error,
  )
}

async function expectPresent(store: ChunkStore, expected: readonly Chunk[]): Promise<void> {
  const refs = expected.map((chunk) => chunk.ref)
  expect((await store.hasMany(refs)).every((has) => has)).toBe(true)
  expectBytes(
    await store.getMany(refs),
    expected.map((chunk) => chunk.bytes),
  )
  const last = expected.at(-1)
  if (last === undefined) return
  expect(await store.has(last.ref)).toBe(true)
  expectBytes([await store.get(last.ref)], [last.bytes])
}

/** As toEqual, without its cost per byte. */
function expectBytes(
  actual: readonly (Uint8Array | undefined)[],
  expected: readonly (Uint8Array | undefined)[],
): void {
  expect(actual.length).toBe(expected.length)
  for (const [index, bytes] of actual.entries()) {
    const same = bytes === undefined ? expected[index] === undefined : sameBytes(bytes, expected[index])
    if (!same) {
      expect.fail(`result ${index}: ${bytes?.length} bytes are not the ${expected[index]?.length} expected`)
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a instanceof Uint8Array && Buffer.compare(a, b) === 0
}

// Random calls

/** Chunks of the random calls; calls name them by their index. */
const POOL = chunks('pool', 24, (index) => index * index * 20)
const NAMES = ['a', 'a/b', 'b']

type Call =
  | { readonly do: 'put'; readonly chunks: number[] }
  | { readonly do: 'read'; readonly chunks: number[] }
  | { readonly do: 'refs'; readonly chunk: number; readonly length: number }
  | { readonly do: 'list'; readonly prefix: string }
  | { readonly do: 'set'; readonly name: string; readonly stale: boolean; readonly next: number | undefined }
  | { readonly do: 'flush' | 'check' | 'collect' | 'reopen' }

function call(canReopen: boolean): fc.Arbitrary<Call> {
  const index = fc.nat(POOL.length - 1)
  const indexes = fc.array(index, { maxLength: 8 })
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), chunks: indexes }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), chunks: indexes }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('refs' as const), chunk: index, length: fc.nat(4) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('list' as const), prefix: fc.constantFrom('', ...NAMES) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('set' as const),
        name: fc.constantFrom(...NAMES),
        stale: fc.boolean(),
        next: fc.option(index, { nil: undefined }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('flush', 'check', 'collect', canReopen ? 'reopen' : 'flush'),
      }),
    },
  )
}

async function compareWithModel(open: OpenStore, calls: readonly Call[]): Promise<void> {
  const present = new Set<Chunk>()
  const heads = new Map<string, Ref>()
  for (const call of calls) {
    const { store } = open
    switch (call.do) {
      case 'put': {
        const put = call.chunks.map((index) => POOL[index]!)
        await store.put(put)
        for (const chunk of put) present.add(chunk)
        break
      }
      case 'read': {
        const asked = call.chunks.map((index) => POOL[index]!)
        const refs = asked.map((chunk) => chunk.ref)
        expectBytes(
          await store.getMany(refs),
          asked.map((chunk) => (present.has(chunk) ? chunk.bytes : undefined)),
        )
        expect(await store.hasMany(refs)).toEqual(asked.map((chunk) => present.has(chunk)))
        break
      }
      case 'refs': {
        const prefix = POOL[call.chunk]!.ref.toString().slice(0, call.length)
        const expected = sortedTexts([...present]).filter((text) => text.startsWith(prefix))
        expect(await texts(store.refs(prefix))).toEqual(expected)
        break
      }
      case 'list': {
        const expected = [...heads.keys()].sort().filter((name) => name.startsWith(call.prefix))
        expect(await headPairs(store, call.prefix)).toEqual(
          expected.map((name) => [name, heads.get(name)!.toString()]),
        )
        break
      }
      case 'set': {
        const actual = heads.get(call.name)
        const expected = call.stale ? POOL[0]!.ref : actual
        const next = call.next === undefined ? undefined : POOL[call.next]!
        const code =
          expected?.toString() !== actual?.toString()
            ? 'NOMSY_HEAD_CONFLICT'
            : next !== undefined && !present.has(next)
              ? 'NOMSY_MISSING_CHUNK'
              : undefined
        const update = store.heads.compareAndSet(call.name, expected, next?.ref)
        if (code !== undefined) {
          expect(await rejection(update)).toMatchObject({ code })
          break
        }
        await update
        if (next === undefined) heads.delete(call.name)
        else heads.set(call.name, next.ref)
        break
      }
      case 'flush':
        await store.flush()
        break
      case 'check':
        expect(await findings(store)).toEqual([])
        break
      case 'collect': {
        await collected(store)
        const kept = new Set([...heads.values()].map(String))
        for (const chunk of present) if (!kept.has(chunk.ref.toString())) present.delete(chunk)
        break
      }
      case 'reopen':
        await open.reopen()
        break
    }
  }
  expect(await texts(open.store.refs())).toEqual(sortedTexts([...present]))
  await expectPresent(open.store, [...present])
  expect(await headPairs(open.store)).toEqual(
    [...heads.keys()].sort().map((name) => [name, heads.get(name)!.toString()]),
  )
}
