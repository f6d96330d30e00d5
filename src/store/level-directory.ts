/** The directory of a LevelDB database, looked at and created before LevelDB opens it. */

import { StoreError, StoreLockedError } from '../errors.js'
import { claimOpen } from './open-directories.js'

/** Where the database is to be opened. */
export interface Place {
  /** Whether there is a database there already; false where that cannot be seen. */
  readonly exists: boolean
  /** Gives the place back. */
  readonly release: () => void
}

/** A place of which nothing can be seen before it is opened. */
export const UNSEEN_PLACE: Place = { exists: false, release: () => {} }

/**
 * Looks at the directory before LevelDB does, which creates files in any directory and, where CURRENT is
 * missing, deletes the tables. Creates it where it may and must.
 */
export function claimDirectory(location: string, create: boolean): Place {
  const fs = globalThis.process?.getBuiltinModule?.('node:fs')
  if (fs === undefined) return UNSEEN_PLACE
  const files = fs.existsSync(location) ? filesIn(fs, location) : undefined
  const exists = files?.includes('CURRENT') ?? false
  if (!exists) {
    // These are left where a creation was cut short, and hold nothing.
    const remains =
      files?.filter((file) => !/^(LOCK|LOG|LOG\.old|MANIFEST-000001|\d+\.dbtmp)$/.test(file)) ?? []
    if (remains.some((file) => /^(MANIFEST-\d+|\d+\.(log|ldb|sst))$/.test(file))) {
      throw new StoreError(
        'NOMSY_DAMAGED_STORE',
        `${location} holds the remains of a database without its file CURRENT; nothing was changed, bring that file back from a copy`,
      )
    }
    if (remains.length > 0) throw foreignError(location)
    if (!create) throw absentError(location)
    createDirectory(fs, location)
  }
  const release = claimOpen(fs.realpathSync(location))
  if (release === undefined) throw new StoreLockedError(location, 'this process')
  return { exists, release }
}

type FileSystem = typeof import('node:fs')

function filesIn(fs: FileSystem, location: string): string[] {
  if (!fs.statSync(location).isDirectory()) throw foreignError(location)
  return fs.readdirSync(location)
}

/** Creates the directory and those above it, durably where the system can. */
function createDirectory(fs: FileSystem, location: string): void {
  const path = globalThis.process.getBuiltinModule('node:path')
  const first = fs.mkdirSync(location, { recursive: true, mode: 0o700 })
  if (first === undefined || globalThis.process.platform === 'win32') return
  const top = path.dirname(path.resolve(first))
  for (let at = path.resolve(location); at !== top; at = path.dirname(at)) {
    const parent = fs.openSync(path.dirname(at), 'r')
    try {
      fs.fsyncSync(parent)
    } finally {
      fs.closeSync(parent)
    }
  }
}

export function absentError(location: string): StoreError {
  return new StoreError('NOMSY_NO_STORE', `there is no store at ${location}; open it with create to make one`)
}

export function foreignError(location: string): StoreError {
  return new StoreError(
    'NOMSY_FOREIGN_STORE',
    `${location} holds something that is no nomsy level store; use another place`,
  )
}
