import { expect, test } from 'vitest'
import type { Commit } from '../../src/database/commit.js'
import { Database } from '../../src/database/database.js'
import { MemoryStore } from '../../src/store/memory-store.js'

const DAY = 24 * 60 * 60 * 1000

/** A database in which `days` has a commit a day, oldest first. */
async function withDays(count: number): Promise<{ db: Database; commits: Commit[] }> {
  const db = new Database(new MemoryStore())
  const commits: Commit[] = []
  for (let day = 0; day < count; day++)
    commits.push(
      await db.commit('days', `value ${day}`, { message: `day ${day}`, time: day * DAY, meta: { day } }),
    )
  return { db, commits }
}

async function history(db: Database, name: string): Promise<Commit[]> {
  const commits: Commit[] = []
  for await (const commit of db.log(name)) commits.push(commit)
  return commits
}

async function sound(db: Database): Promise<void> {
  for await (const problem of db.check()) expect(problem).toBeUndefined()
  await db.close()
}

test('keeps the values, messages, times and meta of what stays, in order', async () => {
  const { db, commits } = await withDays(10)
  const { head, commits: told } = await db.expire('days', { last: 2, weekly: 2 })
  expect(told.map(({ reasons }) => reasons.length > 0)).toEqual(
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((day) => [9, 8, 3].includes(day)),
  )
  expect(await db.head('days')).toEqual(head)
  const left = await history(db, 'days')
  expect(left.map(({ meta: { day } }) => day)).toEqual([9, 8, 3])
  expect(left.map(({ generation }) => generation)).toEqual([3, 2, 1])
  for (const {
    meta: { day },
    value,
    time,
    message,
  } of left) {
    const before = commits[day as number]!
    expect({ value, time, message }).toEqual({
      value: before.value,
      time: before.time,
      message: before.message,
    })
  }
  await sound(db)
})

test('what it lets go is freed by a collection', async () => {
  const { db, commits } = await withDays(10)
  await db.expire('days', { last: 1 })
  expect(await db.gc()).toMatchObject({ keptChunks: 2, freedChunks: 19 })
  expect(await db.store.has(commits[4]!.value)).toBe(false)
  expect(await db.readValue(await db.at('days'))).toBe('value 9')
  await sound(db)
})

test('commits stay as they are as long as all before them stay', async () => {
  const { db, commits } = await withDays(5)
  expect((await db.expire('days', { daily: 9 })).head.equals(commits[4]!.ref)).toBe(true)
  await db.commit('days', 'once more', { time: 4 * DAY + 1 })
  await db.expire('days', { daily: 9 })
  const left = await history(db, 'days')
  expect(left.slice(1).map(({ ref }) => ref.toString())).toEqual(
    commits
      .slice(0, 4)
      .reverse()
      .map(({ ref }) => ref.toString()),
  )
  await sound(db)
})

test('a dry run changes nothing', async () => {
  const { db, commits } = await withDays(5)
  const { commits: told } = await db.expire('days', { last: 1, dryRun: true })
  expect(told.filter(({ reasons }) => reasons.length === 0)).toHaveLength(4)
  expect((await db.head('days'))!.equals(commits[4]!.ref)).toBe(true)
  await sound(db)
})

test('of a merge that is made anew only the value stays of the other side', async () => {
  const db = new Database(new MemoryStore())
  await db.commit('main', await db.map([['a', 1]]), { time: 1 })
  await db.commit('main', await db.map([['a', 2]]), { time: 2 })
  await db.branch('side', 'main')
  await db.commit(
    'side',
    await db.map([
      ['a', 2],
      ['side', 1],
    ]),
    { time: 3 },
  )
  await db.commit('main', await db.map([['a', 3]]), { time: 4 })
  const merge = await db.merge('main', 'side', { time: 5 })
  expect(merge.parents).toHaveLength(2)
  await db.expire('main', { last: 2 })
  const left = await history(db, 'main')
  expect(left.map(({ time, parents }) => [time, parents.length])).toEqual([
    [5, 1],
    [4, 0],
  ])
  expect(left[0]!.value.equals(merge.value)).toBe(true)
  await sound(db)
})

test('of a head that moves meanwhile nothing is changed', async () => {
  const { db } = await withDays(5)
  const expiring = db.expire('days', { last: 1 })
  const moved = db.commit('days', 'faster', { time: 9 * DAY })
  const outcomes = await Promise.allSettled([expiring, moved])
  const failed = outcomes.filter(({ status }) => status === 'rejected')
  for (const each of failed)
    expect((each as PromiseRejectedResult).reason).toMatchObject({ code: 'NOMSY_HEAD_CONFLICT' })
  expect(failed).toHaveLength(1)
  await sound(db)
})

test('what is no commit, what is not there and what says nothing is refused', async () => {
  const { db } = await withDays(1)
  const blob = await db.putBlob(new Uint8Array(3))
  await db.setHead('blob', blob.ref)
  await expect(db.expire('blob', { last: 1 })).rejects.toMatchObject({ code: 'NOMSY_INVALID_NODE' })
  await expect(db.expire('nothing', { last: 1 })).rejects.toMatchObject({ code: 'NOMSY_UNKNOWN_OBJECT' })
  await expect(db.expire('days', {})).rejects.toThrow(RangeError)
  await sound(db)
})
