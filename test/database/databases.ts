/** Databases for tests, which end in the full check that users have. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Database } from '../../src/database/database.js'
import { open } from '../../src/database/open.js'
import { WatchedStore } from '../sequence/watched-store.js'

/** Runs `body` with an empty database in memory; nothing may be wrong with what it leaves. */
export async function inMemory(body: (db: Database, store: WatchedStore) => Promise<void>): Promise<void> {
  const store = new WatchedStore()
  await using db = new Database(store)
  await body(db, store)
  expect(await collect(db.check({ data: true }))).toEqual([])
}

/** As {@link inMemory}, in a directory; what it leaves is checked in an opening of its own. */
export async function onDisk(body: (db: Database, path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'nomsy-database-'))
  const path = join(directory, 'store')
  try {
    {
      await using db = await open(path)
      await body(db, path)
    }
    await using db = await open(path, { create: false })
    expect(await collect(db.check({ data: true }))).toEqual([])
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** All that comes. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
