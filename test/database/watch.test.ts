/** Watching a head. */

import { afterEach, describe, expect, test, vi } from 'vitest'
import { Database } from '../../src/database/database.js'
import { StoreError } from '../../src/errors.js'
import type { Ref } from '../../src/hash/ref.js'
import { MemoryStore } from '../../src/store/memory-store.js'
import { inMemory } from './databases.js'

afterEach(() => {
  vi.useRealTimers()
})

/** What comes next, as text; 'end' where nothing does. */
async function next(watch: AsyncGenerator<Ref | undefined>): Promise<string | undefined> {
  const { done, value } = await watch.next()
  return done === true ? 'end' : value?.toString()
}

describe('a watch', () => {
  test('gives the present ref, then each other one at once, also where the head comes or goes', () =>
    inMemory(async (db) => {
      // No time passes: nothing is found out by looking every second.
      vi.useFakeTimers()
      const watch = db.watch('main')
      expect(await next(watch)).toBeUndefined()
      const moves = [
        () => db.commit('main', 1),
        () => db.update('main', () => 2),
        async () => db.setHead('main', await db.putValue(3)),
        () => db.remove('main'),
        async () => db.heads.compareAndSet('main', undefined, await db.putValue(4)),
      ]
      for (const move of moves) {
        const coming = next(watch)
        await move()
        expect(await coming).toBe((await db.head('main'))?.toString())
      }
      await watch.return(undefined)
    }))

  test('gives the latest to whoever is slow to ask, and nothing twice', () =>
    inMemory(async (db) => {
      vi.useFakeTimers()
      const watch = db.watch('main')
      await next(watch)
      await db.commit('main', 1)
      await db.commit('main', 2)
      const { ref } = await db.commit('main', 3)
      expect(await next(watch)).toBe(ref.toString())
      const coming = next(watch)
      await db.commit('other', 1)
      await db.setHead('main', ref)
      const { ref: last } = await db.commit('main', 4)
      expect(await coming).toBe(last.toString())
      await watch.return(undefined)
    }))

  test('ends at once where whoever waits wants no more', () =>
    inMemory(async (db) => {
      vi.useFakeTimers()
      for (const signal of [undefined, new AbortController().signal]) {
        const watch = db.watch('main', { signal })
        await next(watch)
        const coming = next(watch)
        // Until it waits for a change.
        for (let turn = 0; turn < 20; turn++) await null
        expect(await watch.return(undefined)).toEqual({ done: true, value: undefined })
        expect(await coming).toBe('end')
        expect(vi.getTimerCount()).toBe(0)
      }
    }))

  test('does not miss what changes while it looks', () =>
    inMemory(async (db, store) => {
      vi.useFakeTimers()
      const { get } = store.heads
      let hold: Promise<void> | undefined
      store.heads.get = async (name) => {
        const ref = await get(name)
        await hold
        return ref
      }
      const watch = db.watch('main')
      await next(watch)
      let release = (): void => {}
      hold = new Promise((resolve) => {
        release = resolve
      })
      const coming = next(watch)
      await db.heads.compareAndSet('main', undefined, await db.putValue(1))
      hold = undefined
      release()
      expect(await coming).toBe((await db.head('main'))?.toString())
      await watch.return(undefined)
    }))

  test('sees within a second what somebody else did', async () => {
    vi.useFakeTimers()
    const store = new MemoryStore()
    await using db = new Database(store)
    await using other = new Database(store)
    const watch = db.watch('main')
    await next(watch)
    let seen: string | undefined
    const coming = next(watch).then((ref) => {
      seen = ref
    })
    const { ref } = await other.commit('main', 1)
    await vi.advanceTimersByTimeAsync(900)
    expect(seen).toBeUndefined()
    await vi.advanceTimersByTimeAsync(100)
    await coming
    expect(seen).toBe(ref.toString())
    await watch.return(undefined)
  })

  test.each(['before it begins', 'while it waits', 'between two refs'])('ends at a signal %s', (when) =>
    inMemory(async (db) => {
      vi.useFakeTimers()
      const stop = new AbortController()
      if (when === 'before it begins') stop.abort()
      const watch = db.watch('main', { signal: stop.signal })
      if (when !== 'before it begins') expect(await next(watch)).toBeUndefined()
      if (when === 'between two refs') stop.abort()
      const coming = next(watch)
      stop.abort()
      expect(await coming).toBe('end')
      expect(await next(watch)).toBe('end')
      expect(vi.getTimerCount()).toBe(0)
    }),
  )

  test('ends when the database is closed', async () => {
    vi.useFakeTimers()
    const db = new Database(new MemoryStore())
    const watch = db.watch('main')
    expect(await next(watch)).toBeUndefined()
    const coming = next(watch)
    await db.close()
    expect(await coming).toBe('end')
    expect(await next(db.watch('main'))).toBe('end')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('passes on what goes wrong with the store', async () => {
    const store = new MemoryStore()
    const failure = new StoreError('NOMSY_STORE_FAILED', 'broken')
    store.heads.get = async () => {
      throw failure
    }
    await expect(next(new Database(store).watch('main'))).rejects.toBe(failure)
  })

  test('that is left leaves nothing behind', () =>
    inMemory(async (db) => {
      vi.useFakeTimers()
      await db.commit('main', 1)
      for await (const _ of db.watch('main')) break
      expect(vi.getTimerCount()).toBe(0)
    }))
})
