/**
 * The lock of a store: an empty LevelDB in the directory `lock`, open as long as the store is. The system gives its
 * lock up when a process ends, however it ends. It is apart from the index, which may be removed and made anew, and
 * is never removed itself.
 */

import { lstat, readdir, realpath, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { claimOpen } from '../open-directories.js'
import { isOfDamage, levelCode } from './level-index.js'
import { lockDir } from './store-format.js'

/** Locks the store in the directory `path`: gives what unlocks it, undefined where somebody else has it. */
export async function lockStore(path: string): Promise<(() => Promise<void>) | undefined> {
  const release = claimOpen(await realpath(path))
  if (release === undefined) return undefined
  try {
    const database = await openLock(lockDir(path))
    return async () => {
      await database.close()
      release()
    }
  } catch (error) {
    release()
    if (levelCode(error) === 'LEVEL_LOCKED') return undefined
    throw error
  }
}

/** Opens the database, its files made anew if `mayReplace` and they are damaged: there is nothing in them to lose. */
async function openLock(directory: string, mayReplace = true): Promise<Level> {
  const database = new Level(directory)
  try {
    await database.open()
    return database
  } catch (error) {
    if (!mayReplace || !isOfDamage(error)) throw error
  }
  if ((await lstat(directory)).isFile()) {
    // Nobody's lock; by now somebody else may have put a directory in its place, which this leaves alone.
    await unlink(directory).catch(() => {})
    return openLock(directory, false)
  }
  // Who had the lock would have kept LevelDB from looking at its files. LOCK itself stays: it is what others may wait for.
  for (const name of await readdir(directory)) {
    if (name !== 'LOCK') await rm(join(directory, name), { recursive: true, force: true })
  }
  return openLock(directory, false)
}
