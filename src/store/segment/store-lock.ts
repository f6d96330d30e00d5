/**
 * The lock of a store: an empty LevelDB in the directory `lock`, open as long as the store is. The system gives its
 * lock up when a process ends, however it ends. It is apart from the index, which may be removed and made anew, and
 * is never removed itself: but for the file LOCK there is nothing in it that counts, and what a loss of power has left
 * unreadable is made anew.
 */

import { readdir, realpath, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { claimOpen } from '../open-directories.js'
import { levelCode } from './level-index.js'
import { lockDir } from './store-format.js'

/** Locks the store in the directory `path`: gives what unlocks it, undefined where somebody else has it. */
export async function lockStore(path: string): Promise<(() => Promise<void>) | undefined> {
  const release = claimOpen(await realpath(path))
  if (release === undefined) return undefined
  const directory = lockDir(path)
  const database = new Level(directory)
  try {
    await database.open().catch(async (error: unknown) => {
      if (levelCode(error) === 'LEVEL_LOCKED') throw error
      await removeAllButLock(directory)
      await database.open()
    })
  } catch (error) {
    release()
    if (levelCode(error) === 'LEVEL_LOCKED') return undefined
    throw error
  }
  return async () => {
    await database.close()
    release()
  }
}

/** Whoever holds the lock meanwhile needs none of these files. */
async function removeAllButLock(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name !== 'LOCK') await unlink(join(directory, name))
}
